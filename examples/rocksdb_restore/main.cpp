// SPDX-License-Identifier: MIT OR Apache-2.0
// A restore of a RocksDB database by BackupEngine that is killed half-way, and what may and may not
// follow. This process only conducts: whatever opens the database is a process of its own, as it
// would be in production.
#include <cstring>
#include <filesystem>

#include "ledger.hpp"

namespace fs = std::filesystem;

constexpr long rows = 100000;

places::places(const std::string &root)
    : store(root + "/ledger"),
      backup(root + "/backup"),
      lock(store + "/LOCK"),
      marker(root + "/ledger.restore") {}

// What a child came to.
struct answer {
  crtx_status status = CRTX_OK;  // why libcrtx refused
  std::uint32_t marker_state = 0;
  bool failed = false;  // for whatever reason
  char text[2048] = "";
  census content;
};

using work = std::function<void(answer &, int channel)>;

static void fail(answer &answer, const std::exception &failure) {
  answer.failed = true;
  std::strncpy(answer.text, failure.what(), sizeof answer.text - 1);
}

static void run(void *context, int channel) {
  answer answer;
  try {
    (*static_cast<const work *>(context))(answer, channel);
  } catch (const crtx::error &failure) {
    answer.status = failure.status();
    answer.marker_state = failure.marker_state();
    fail(answer, failure);
  } catch (const std::exception &failure) {
    fail(answer, failure);
  }
  tell_parent(channel, &answer, sizeof answer);
}

static child start(work task) { return start_child(run, &task); }

static answer end_of(const child &child) {
  answer answer;
  expect(child_tells(&child, &answer, sizeof answer), "the child answers");
  let_child_go_on(&child);
  expect_child_to_end(&child);
  return answer;
}

static answer in_child(work task) { return end_of(start(std::move(task))); }

static void expect_done(const answer &answer) { expect(!answer.failed, "%s", answer.text); }

class demo {
 public:
  explicit demo(const std::string &root) : root_(root), where_(root) {
    fs::create_directory(where_.store);
    make_operator(&operator_);
    make_operator(&intruder_);
    keys_ = {to_bytes(operator_.seed, sizeof operator_.seed),
             to_bytes(operator_.public_key, sizeof operator_.public_key)};
  }
  ~demo() {
    explicit_bzero(keys_.seed.data(), keys_.seed.size());
    forget_operator(&operator_);
    forget_operator(&intruder_);
  }

  void build_and_back_up() {
    const answer built = in_child([this](answer &answer, int) {
      build(where_, rows);
      back_up(where_);
      answer.content = take_census(*open_guarded(where_));
    });
    expect_done(built);
    whole_ = built.content;
    expect(whole_.rows == rows, "all rows are in it");
    order_ = authorize(where_, keys_);
    backup_bytes_ = bytes_below(where_.backup);
    step("Build", "%s rows, backed up by BackupEngine: %s KiB in %zu files", grouped(rows),
         grouped(backup_bytes_ / 1024), order_.files.size());
  }

  void restore_beside_service() {
    const child service = start([this](answer &, int channel) {
      const database db = open_guarded(where_);
      tell_parent(channel, "r", 1);
    });
    char ready;
    expect(child_tells(&service, &ready, 1), "the service opens the store");
    step("In use", "a service, process %ld, has the store open", static_cast<long>(service.pid));
    show_locks();
    const answer second = in_child([this](answer &, int) { open_guarded(where_); });
    shows(second.failed, "a second service is refused, by RocksDB's LOCK");
    const answer refused = in_child([this](answer &, int) { restore(where_, order_, nullptr); });
    shows(refused.failed && refused.status == CRTX_OK,
          "a restore takes libcrtx's lock, is refused LOCK, and gives up");
    expect(look_at(where_.marker.c_str()).state == CRTX_MARKER_ABSENT, "its marker is gone");
    let_child_go_on(&service);
    expect_done(end_of(service));
  }

  // On a copy, because this does harm.
  void restore_beside_service_without_looking() {
    const places copy = copy_of_store("unguarded");
    const child service = start([&copy](answer &, int channel) {
      const database db = open_unguarded(copy);
      tell_parent(channel, "r", 1);
    });
    char ready;
    expect(child_tells(&service, &ready, 1), "the service opens the copy");
    step("Unguarded", "the same on a copy, by BackupEngine alone");
    const answer restored = in_child([&copy](answer &, int) { restore_unguarded(copy); });
    shows(!restored.failed, "it restores over the store in use, and deletes RocksDB's LOCK");
    const answer second = in_child([&copy](answer &, int) { open_unguarded(copy); });
    shows(!second.failed, "so that a second process opens what the first still has open");
    let_child_go_on(&service);
    end_of(service);  // its files were deleted under it: whatever it says
  }

  void restore_normally() {
    damage();
    step("Restore", "after a bad clean-up job, on a restore intent signed and verified");
    const answer restored = in_child([this](answer &, int) { restore(where_, order_, nullptr); });
    expect_done(restored);
    show_content();
  }

  void crash() {
    damage();
    const child child = start([this](answer &, int channel) {
      restore(where_, order_, [channel](long done) { tell_parent(channel, &done, sizeof done); });
    });
    long done = 0;
    expect(child_tells(&child, &done, sizeof done), "the restore begins");
    step("Crash", "another restore, process %ld", static_cast<long>(child.pid));
    show_locks();
    try_against_live_holder();
    while (done * 2 < backup_bytes_) {
      let_child_go_on(&child);
      expect(child_tells(&child, &done, sizeof done), "it copies on until half-way");
    }
    kill_child(&child);
    line("SIGKILL after %s of %s KiB", grouped(done / 1024), grouped(backup_bytes_ / 1024));
    std::size_t restored = 0;
    for (const staged_file &file : order_.files)
      if (fs::exists(where_.store + "/" + file.name)) restored++;
    shows(restored > 0 && restored < order_.files.size() && !fs::exists(where_.store + "/CURRENT"),
          "half-written: %zu of %zu files are begun, and CURRENT is not there", restored,
          order_.files.size());
  }

  void show_that_rocksdb_is_not_enough() {
    step("LOCK alone", "it went with the process; the marker did not");
    show_locks();
    const places copy = copy_of_store("opened");
    const long tables = tables_in(copy);
    const answer opened = in_child([&copy](answer &answer, int) {
      answer.content = take_census(*open_unguarded(copy));
    });
    shows(!opened.failed && opened.content.rows == 0,
          "DB::Open(create_if_missing) that does not look makes an empty database of it");
    shows(tables > 0 && tables_in(copy) == 0, "and deletes the %ld tables that were restored",
          tables);
  }

  void refuse() {
    step("Refused", "until an operator has signed");
    const answer again = in_child([this](answer &, int) { restore(where_, order_, nullptr); });
    shows(again.status == CRTX_E_MARKER_EXISTS && again.marker_state == CRTX_MARKER_STALE,
          "the next restore is refused: %s, stale", crtx_status_name(again.status));
    paragraph(again.text);
    const long tables = tables_in(where_);
    const answer opened = in_child([this](answer &, int) { open_guarded(where_); });
    shows(opened.failed && tables_in(where_) == tables,
          "the guarded open is refused, before RocksDB sees the store");
    paragraph(opened.text);
  }

  void take_over() {
    step("Take over", "on the operator's attestation for this very marker");
    const answer wrong = restore_signed_by(intruder_);
    shows(wrong.status == CRTX_E_BAD_SIGNATURE, "signed by another key: %s",
          crtx_status_name(wrong.status));
    const answer right = restore_signed_by(operator_);
    expect_done(right);
    shows(true, "signed by the operator: accepted, and restored to the end");
    show_content();
  }

  // On a copy, because it leaves half a store without a marker: that is why nobody may do it.
  void remove_marker_under_a_restore() {
    const places copy = copy_of_store("meddled");
    step("Meddling", "on a copy: somebody deletes the marker while a restore is at work");
    const answer stopped = in_child([this, &copy](answer &answer, int) {
      restore(copy, order_, [&](long done) {
        if (done * 2 < backup_bytes_ || !fs::remove(copy.marker)) return;
        answer.content.rows = done;  // when the marker went
      });
    });
    shows(stopped.status == CRTX_E_LOST, "the restore stops: %s", crtx_status_name(stopped.status));
    paragraph(stopped.text);
    expect(stopped.content.rows * 2 >= backup_bytes_, "it came half-way");
    shows(bytes_below(copy.store) == stopped.content.rows, "and writes not one byte more");
  }

  // On a copy: the backup changes between the signature and the restore.
  void restore_a_backup_that_changed() {
    places copy = copy_of_store("bad");
    copy.backup = root_ + "/bad/backup";
    fs::copy(where_.backup, copy.backup, fs::copy_options::recursive);
    for (const auto &table : fs::directory_iterator(copy.backup + "/shared_checksum"))
      fs::resize_file(table.path(), table.file_size() / 2);
    step("Bad backup", "on a copy: its tables are cut short after they were authorized");
    const answer failed =
        in_child([this, &copy](answer &, int) { restore(copy, order_, nullptr); });
    shows(failed.failed && look_at(copy.marker.c_str()).state == CRTX_MARKER_STALE,
          "the restore fails, and keeps its marker on purpose:");
    paragraph(failed.text);
  }

  void audit() {
    step("Audit", "what stays beside the store");
    const std::vector<std::string> kept = crtx::list_evidence(where_.marker);
    expect(kept.size() == 1, "as much evidence as there were takeovers");
    crtx::verify_evidence(kept[0], keys_.public_key);
    shows(true, "%s: the operator signed for it", base_name(kept[0].c_str()));
  }

 private:
  static crtx::bytes to_bytes(const std::uint8_t *from, std::size_t size) {
    return crtx::bytes(from, from + size);
  }

  static long bytes_below(const std::string &directory) {
    long bytes = 0;
    for (const auto &file : fs::recursive_directory_iterator(directory))
      if (file.is_regular_file()) bytes += static_cast<long>(file.file_size());
    return bytes;
  }

  static long tables_in(const places &where) {
    long count = 0;
    for (const auto &file : fs::directory_iterator(where.store))
      if (file.path().extension() == ".sst") count++;
    return count;
  }

  places copy_of_store(const std::string &name) const {
    const std::string root = root_ + "/" + name;
    fs::create_directory(root);
    places copy(root);
    fs::copy(where_.store, copy.store, fs::copy_options::recursive);
    copy.backup = where_.backup;
    return copy;
  }

  void show_locks() const {
    const engine_lock lock = {"RocksDB", where_.lock.c_str(), 0, 0};
    show_both_locks(&lock, where_.marker.c_str());
  }

  void damage() {
    const answer damaged = in_child([this](answer &answer, int) {
      clean_up_badly(where_);
      answer.content = take_census(*open_guarded(where_));
    });
    expect_done(damaged);
    expect(damaged.content.rows == rows / 4, "three of four rows are gone");
  }

  void show_content() {
    const answer opened = in_child(
        [this](answer &answer, int) { answer.content = take_census(*open_guarded(where_)); });
    expect_done(opened);
    shows(opened.content.rows == rows && opened.content.sum == whole_.sum,
          "the guarded open lets us in: %s rows, their sum as before",
          grouped(opened.content.rows));
    expect(look_at(where_.marker.c_str()).state == CRTX_MARKER_ABSENT, "the marker is gone");
  }

  // While the holder lives, nobody gets past it: not even with the operator's signature.
  void try_against_live_holder() {
    const answer second = in_child([this](answer &, int) { restore(where_, order_, nullptr); });
    shows(second.status == CRTX_E_MARKER_EXISTS && second.marker_state == CRTX_MARKER_HELD,
          "a second restore meanwhile is refused: %s, held", crtx_status_name(second.status));
    const answer opened = in_child([this](answer &, int) { open_guarded(where_); });
    shows(opened.failed, "a guarded open meanwhile is refused");
    const answer not_looked = in_child([this](answer &, int) { open_unguarded(where_); });
    shows(not_looked.failed,
          "one that does not look is refused too, by LOCK, while that process lives");
    const answer signed_for = restore_signed_by(operator_);
    shows(signed_for.status == CRTX_E_CONTENDED, "a signed takeover meanwhile is refused: %s",
          crtx_status_name(signed_for.status));
  }

  answer restore_signed_by(const operator_key &signer) {
    // begin: attest
    crtx::signed_document attestation;
    const crtx::bytes signing_key = to_bytes(signer.public_key, sizeof signer.public_key);
    attestation.payload = crtx::build_takeover(
        where_.marker, signing_key, "the restore was killed; nobody else is at work", 3600);
    attestation.signature =
        crtx::sign(to_bytes(signer.seed, sizeof signer.seed), attestation.payload);
    attestation.public_key = keys_.public_key;  // the key that this deployment trusts
    attestation.deployment_id = DEPLOYMENT;
    // end: attest
    return in_child([&](answer &, int) { restore_by_takeover(where_, order_, attestation); });
  }

  const std::string root_;
  const places where_;
  operator_key operator_{};
  operator_key intruder_{};
  operator_keys keys_;
  order order_;
  census whole_;
  long backup_bytes_ = 0;
};

int main(int count, char **arguments) try {
  char root[PATH_SIZE];
  make_place(root, wants_to_keep(count, arguments));
  title("RocksDB: a restore that dies half-way, with libcrtx %s and RocksDB %s", crtx::version(),
        rocksdb_version().c_str());
  demo demo(root);
  demo.build_and_back_up();
  demo.restore_beside_service();
  demo.restore_beside_service_without_looking();
  demo.restore_normally();
  demo.crash();
  demo.show_that_rocksdb_is_not_enough();
  demo.refuse();
  demo.take_over();
  demo.remove_marker_under_a_restore();
  demo.restore_a_backup_that_changed();
  demo.audit();
  return closing_line();
} catch (const std::exception &failure) {
  give_up("%s", failure.what());
}
