// SPDX-License-Identifier: MIT OR Apache-2.0
// The C++ wrapper keeps its promises. Tests are named for the promise; a failed one is printed with
// its line. The last line is "N passed, M failed"; the exit code is 0 only if M is 0.
#include "crtx.hpp"

#include <chrono>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <type_traits>

namespace fs = std::filesystem;

namespace {

struct failed_check {
  int line;
  const char *text;
};

#define CHECK(condition) \
  do {                   \
    if (!(condition)) throw failed_check{__LINE__, #condition}; \
  } while (false)

// The call throws a crtx::error with this status.
#define CHECK_THROWS(call, wanted) CHECK(status_of([&] { call; }) == (wanted))

template <class Call>
crtx_status status_of(Call call) {
  try {
    call();
  } catch (const crtx::error &failure) {
    return failure.status();
  }
  return CRTX_OK;
}

// A directory of its own for each test, with the marker's path in it.
class directory {
 public:
  directory() {
    const auto ticks = std::chrono::steady_clock::now().time_since_epoch().count();
    path_ = fs::temp_directory_path() /
            ("crtx-cpp-" + std::to_string(ticks) + "-" + std::to_string(++count));
    fs::create_directory(path_);
    fs::permissions(path_, fs::perms::owner_all);
  }
  ~directory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  directory(const directory &) = delete;
  directory &operator=(const directory &) = delete;

  std::string marker() const { return (path_ / "store.lock").string(); }
  std::string companion() const { return marker() + ".flock"; }
  fs::path path() const { return path_; }

 private:
  static inline int count = 0;
  fs::path path_;
};

const crtx::bytes seed(32, 7);
const std::string deployment = "cpp-tests";

crtx::lock_options options() {
  crtx::lock_options made;
  made.deployment_id = deployment;
  made.operator_principal_id = crtx::operator_principal(crtx::public_key(seed));
  made.restore_intent_blake3 = "blake3:" + std::string(64, 'a');
  return made;
}

void leave_stale_marker(const std::string &path) {
  crtx::lock lock(path, options());
  lock.leak();
  lock.release();
}

crtx::signed_document attest(const std::string &marker, const crtx::bytes &signer = seed) {
  crtx::signed_document document;
  document.payload = crtx::build_takeover(marker, crtx::public_key(signer), "a test", 60);
  document.signature = crtx::sign(signer, document.payload);
  document.public_key = crtx::public_key(seed);
  document.deployment_id = deployment;
  return document;
}

void a_lock_ends_with_its_scope() {
  directory dir;
  {
    crtx::lock lock(dir.marker(), options());
    CHECK(lock);
    lock.check();
    CHECK(fs::exists(dir.marker()) && fs::exists(dir.companion()));
  }
  CHECK(!fs::exists(dir.marker()) && !fs::exists(dir.companion()));
}

void the_destructor_releases_when_an_exception_passes() {
  directory dir;
  try {
    crtx::lock lock(dir.marker(), options());
    throw 1;
  } catch (int) {
  }
  CHECK(crtx::inspect(dir.marker()).state == CRTX_MARKER_ABSENT);
}

void the_destructor_never_throws_even_when_the_lock_is_lost() {
  directory dir;
  crtx::lock lock(dir.marker(), options());
  fs::remove(dir.marker());
  { crtx::lock dying(std::move(lock)); }
  crtx::lock again(dir.marker(), options());
}

void a_lock_moves_and_is_never_copied() {
  static_assert(!std::is_copy_constructible_v<crtx::lock>);
  static_assert(!std::is_copy_assignable_v<crtx::lock>);
  static_assert(std::is_nothrow_move_constructible_v<crtx::lock>);
  static_assert(std::is_nothrow_move_assignable_v<crtx::lock>);
  static_assert(std::is_nothrow_destructible_v<crtx::lock>);
  static_assert(std::is_nothrow_copy_constructible_v<crtx::error>);
  static_assert(std::is_nothrow_copy_constructible_v<crtx::takeover_error>);
  directory dir;
  crtx::lock first(dir.marker(), options());
  crtx::lock second(std::move(first));
  CHECK(!first && second);
  first = std::move(second);
  CHECK(first && !second);
  swap(first, second);
  CHECK(!first && second);
  second.check();
}

void assigning_over_a_lock_releases_it() {
  directory dir;
  directory other;
  crtx::lock lock(dir.marker(), options());
  lock = crtx::lock(other.marker(), options());
  CHECK(!fs::exists(dir.marker()) && fs::exists(other.marker()));
  lock = crtx::lock();
  CHECK(!fs::exists(other.marker()));
}

void release_ends_the_lock_and_a_second_one_throws() {
  directory dir;
  crtx::lock lock(dir.marker(), options());
  lock.release();
  CHECK(!lock);
  CHECK(!fs::exists(dir.marker()));
  CHECK_THROWS(lock.release(), CRTX_E_BAD_HANDLE);
  CHECK_THROWS(lock.check(), CRTX_E_BAD_HANDLE);
}

void a_lost_lock_is_reported_and_ended_by_release() {
  directory dir;
  crtx::lock lock(dir.marker(), options());
  fs::rename(dir.marker(), dir.marker() + ".aside");
  CHECK_THROWS(lock.check(), CRTX_E_LOST);
  CHECK(lock);
  CHECK_THROWS(lock.release(), CRTX_E_LOST);
  CHECK(!lock);
}

void leak_keeps_the_marker() {
  directory dir;
  {
    crtx::lock lock(dir.marker(), options());
    lock.leak();
    lock.leak();
    CHECK(crtx::inspect(dir.marker()).state == CRTX_MARKER_HELD_BY_THIS_PROCESS);
  }
  CHECK(crtx::inspect(dir.marker()).state == CRTX_MARKER_STALE);
}

void an_error_tells_status_state_step_and_message() {
  directory dir;
  crtx::lock lock(dir.marker(), options());
  try {
    crtx::lock second(dir.marker(), options());
  } catch (const crtx::error &failure) {
    CHECK(failure.status() == CRTX_E_MARKER_EXISTS);
    CHECK(std::string(failure.status_name()) == "CRTX_E_MARKER_EXISTS");
    CHECK(failure.marker_state() == CRTX_MARKER_HELD_BY_THIS_PROCESS ||
          failure.marker_state() == CRTX_MARKER_HELD);
    CHECK(*failure.operation() != '\0' && *failure.what() != '\0' && *failure.advice() != '\0');
    return;
  }
  throw failed_check{__LINE__, "a second acquire must throw"};
}

void the_marker_reads_back_what_was_written() {
  directory dir;
  crtx::lock_options wanted = options();
  wanted.host = "a host";
  crtx::lock lock(dir.marker(), wanted);
  const crtx::marker_info own = lock.marker();
  const crtx::marker_info seen = crtx::inspect(dir.marker());
  CHECK(own.host == "a host" && seen.host == "a host");
  CHECK(own.pid != 0 && own.pid == seen.pid);
  CHECK(own.deployment_id == deployment && own.scope == "production");
  CHECK(own.operator_principal_id == wanted.operator_principal_id);
  CHECK(own.restore_intent_blake3 == wanted.restore_intent_blake3);
  CHECK(own.acquired_at == seen.acquired_at && own.acquired_at_unix_ns > 0);
  CHECK(own.marker_blake3 == crtx::blake3_file(dir.marker()));
  const std::string text = crtx::read_marker(dir.marker());
  CHECK(text.find("\nhost=a host\n") != std::string::npos && text.back() == '\n');
}

void a_path_longer_than_the_first_buffer_comes_back_whole() {
  directory dir;
  fs::path deep = dir.path();
  for (int level = 0; level < 3; level++) {
    deep /= std::string(120, 'd');
    fs::create_directory(deep);
  }
  const std::string marker = (deep / "store.lock").string();
  crtx::lock lock(marker, options());
  CHECK(lock.marker_path() == marker);
  CHECK(lock.companion_path() == marker + ".flock");
}

void a_text_with_a_nul_is_refused_not_shortened() {
  directory dir;
  crtx::lock_options cut = options();
  cut.deployment_id = std::string("cpp\0tests", 9);
  CHECK_THROWS(crtx::lock(dir.marker(), cut), CRTX_E_INVALID_ARGUMENT);
  CHECK_THROWS(crtx::inspect(std::string("a\0b", 3)), CRTX_E_INVALID_ARGUMENT);
  CHECK(!fs::exists(dir.marker()));
}

void a_stale_marker_is_taken_over_and_the_evidence_verified() {
  directory dir;
  leave_stale_marker(dir.marker());
  const crtx::signed_document attestation = attest(dir.marker());
  crtx::verify_takeover(dir.marker(), attestation);
  const auto taken = crtx::lock::takeover(dir.marker(), attestation, options());
  const std::string &stale_path = taken.stale_path;
  taken.held.check();
  CHECK(fs::exists(stale_path) && fs::exists(dir.marker()));
  const std::vector<std::string> evidence = crtx::list_evidence(dir.marker());
  CHECK(evidence.size() == 1 && evidence.front() == stale_path);
  crtx::verify_evidence(stale_path, crtx::public_key(seed));
  CHECK_THROWS(crtx::verify_evidence(stale_path, crtx::public_key(crtx::bytes(32, 8))),
               CRTX_E_BAD_SIGNATURE);
}

void a_stale_marker_is_quarantined() {
  directory dir;
  leave_stale_marker(dir.marker());
  const std::string stale_path = crtx::quarantine(dir.marker(), attest(dir.marker()));
  CHECK(fs::exists(stale_path));
  CHECK(crtx::inspect(dir.marker()).state == CRTX_MARKER_ABSENT);
  CHECK_THROWS(crtx::read_marker(dir.marker()), CRTX_E_MARKER_ABSENT);
}

void a_refused_takeover_throws_and_leaves_the_marker() {
  directory dir;
  leave_stale_marker(dir.marker());
  try {
    crtx::lock::takeover(dir.marker(), attest(dir.marker(), crtx::bytes(32, 9)), options());
  } catch (const crtx::takeover_error &failure) {
    CHECK(failure.status() == CRTX_E_BAD_SIGNATURE && failure.stale_path().empty());
    CHECK(crtx::inspect(dir.marker()).state == CRTX_MARKER_STALE);
    CHECK(crtx::list_evidence(dir.marker()).empty());
    return;
  }
  throw failed_check{__LINE__, "a wrong key must be refused"};
}

void a_signature_of_the_wrong_length_reaches_the_library_as_it_is() {
  directory dir;
  leave_stale_marker(dir.marker());
  crtx::signed_document document = attest(dir.marker());
  document.signature.clear();
  CHECK_THROWS(crtx::verify_takeover(dir.marker(), document), CRTX_E_SIGNATURE_LENGTH);
  document.public_key.clear();
  CHECK_THROWS(crtx::verify_takeover(dir.marker(), document), CRTX_E_UNTRUSTED_KEY);
}

void a_live_holder_cannot_be_taken_over() {
  directory dir;
  crtx::lock lock(dir.marker(), options());
  const crtx::signed_document document = attest(dir.marker());
  CHECK_THROWS(crtx::lock::takeover(dir.marker(), document, options()), CRTX_E_CONTENDED);
  lock.check();
}

void an_intent_is_built_signed_and_verified() {
  crtx::intent_expectation wanted;
  wanted.active_db_path = "/srv/store/ledger.db";
  wanted.active_event_log_path = "/srv/store/events.jsonl";
  wanted.backup_manifest_blake3 = "blake3:" + std::string(64, '1');
  wanted.staged_sqlite_blake3 = "blake3:" + std::string(64, '2');
  wanted.staged_jsonl_blake3 = "blake3:" + std::string(64, '3');
  crtx::signed_document intent;
  intent.public_key = crtx::public_key(seed);
  intent.deployment_id = deployment;
  intent.payload = crtx::build_intent(deployment, wanted, intent.public_key, 60);
  intent.signature = crtx::sign(seed, intent.payload);
  const std::string digest = crtx::verify_intent(intent, wanted);
  CHECK(digest.size() == 71 && digest.compare(0, 7, "blake3:") == 0);
  wanted.active_db_path = "/srv/store/other.db";
  CHECK_THROWS(crtx::verify_intent(intent, wanted), CRTX_E_PATH_MISMATCH);
}

void a_wrong_seed_length_throws() {
  CHECK_THROWS(crtx::sign(crtx::bytes(), "x"), CRTX_E_INVALID_ARGUMENT);
  CHECK_THROWS(crtx::public_key(crtx::bytes(31, 1)), CRTX_E_INVALID_ARGUMENT);
  CHECK(crtx::sign(seed, "").size() == 64);
  CHECK(*crtx::version() != '\0');
}

struct test {
  const char *name;
  void (*run)();
};

#define TEST(name) {#name, name}
const test tests[] = {
    TEST(a_lock_ends_with_its_scope),
    TEST(the_destructor_releases_when_an_exception_passes),
    TEST(the_destructor_never_throws_even_when_the_lock_is_lost),
    TEST(a_lock_moves_and_is_never_copied),
    TEST(assigning_over_a_lock_releases_it),
    TEST(release_ends_the_lock_and_a_second_one_throws),
    TEST(a_lost_lock_is_reported_and_ended_by_release),
    TEST(leak_keeps_the_marker),
    TEST(an_error_tells_status_state_step_and_message),
    TEST(the_marker_reads_back_what_was_written),
    TEST(a_path_longer_than_the_first_buffer_comes_back_whole),
    TEST(a_text_with_a_nul_is_refused_not_shortened),
    TEST(a_stale_marker_is_taken_over_and_the_evidence_verified),
    TEST(a_stale_marker_is_quarantined),
    TEST(a_refused_takeover_throws_and_leaves_the_marker),
    TEST(a_signature_of_the_wrong_length_reaches_the_library_as_it_is),
    TEST(a_live_holder_cannot_be_taken_over),
    TEST(an_intent_is_built_signed_and_verified),
    TEST(a_wrong_seed_length_throws),
};

bool passes(const test &one) {
  try {
    one.run();
    return true;
  } catch (const failed_check &failure) {
    std::printf("FAILED %s, line %d: %s\n", one.name, failure.line, failure.text);
  } catch (const std::exception &failure) {
    std::printf("FAILED %s: unexpected: %s\n", one.name, failure.what());
  }
  return false;
}

}  // namespace

int main() {
  int passed = 0;
  int failed = 0;
  for (const test &one : tests) passes(one) ? ++passed : ++failed;
  std::printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
