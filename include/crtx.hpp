// SPDX-License-Identifier: MIT OR Apache-2.0
// libcrtx for C++17: a thin, header-only wrapper of crtx.h. It adds ownership and exceptions, and
// no rules of its own; crtx.h says what each call does and which status it can come to.
// Texts are UTF-8; paths are any bytes on Unix, and UTF-8 on Windows. Times are nanoseconds since
// 1970-01-01T00:00:00Z. Every call that is not noexcept may throw crtx::error, and std::bad_alloc.
// The free functions may be called from any thread at any time.
#ifndef CRTX_HPP
#define CRTX_HPP

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>
#include "crtx.h"

namespace crtx {

using bytes = std::vector<std::uint8_t>;

// Why a call failed. what() is the library's message: one sentence that names the file or field.
// Copying never throws.
class error : public std::runtime_error {
 public:
  error(crtx_status status, const crtx_error &details)
      : std::runtime_error(details.message), status_(status), details_(details) {}
  crtx_status status() const noexcept { return status_; }  // CRTX_E_*
  const char *status_name() const noexcept { return crtx_status_name(status_); }
  // What the status means and what to do about it, in one sentence.
  const char *advice() const noexcept { return crtx_status_message(status_); }
  // The step that failed, such as "marker publish".
  const char *operation() const noexcept { return details_.operation; }
  // errno (GetLastError() on Windows), 0 where the operating system had no part in it.
  std::int32_t os_error() const noexcept { return details_.os_error; }
  // CRTX_MARKER_*: the marker as it was found, for the statuses 20 to 23; else 0.
  std::uint32_t marker_state() const noexcept { return details_.marker_state; }

 private:
  crtx_status status_;
  crtx_error details_;
};

// A takeover that failed. stale_path() is empty unless the old marker had been moved there and
// could not be moved back; what() then says what stands where.
class takeover_error : public error {
 public:
  takeover_error(crtx_status status, const crtx_error &details, std::string stale_path)
      : error(status, details),
        stale_path_(std::make_shared<const std::string>(std::move(stale_path))) {}
  const std::string &stale_path() const noexcept { return *stale_path_; }

 private:
  std::shared_ptr<const std::string> stale_path_;  // shared, so that copying cannot throw
};

// What the holder writes into the marker, and how it locks.
struct lock_options {
  std::string deployment_id;          // 1 to 255 bytes
  std::string operator_principal_id;  // 1 to 255 bytes
  std::string restore_intent_blake3;  // "blake3:" and 64 hex, as verify_intent() gives it
  std::optional<std::string> host;    // none: this machine's host name
  std::uint32_t timeout_ms = 0;       // 0: one attempt; a stale marker is never waited for
  std::uint32_t durability = CRTX_DURABILITY_FULL;  // or CRTX_DURABILITY_PROCESS_CRASH
  std::uint64_t flags = 0;                          // CRTX_ALLOW_*
};

// A document as it was signed, and what the caller trusts.
struct signed_document {
  std::string payload;           // the exact bytes that were signed, at most 64 KiB
  bytes signature;               // 64 raw bytes
  bytes public_key;              // the operator key that the caller has pinned: 32 bytes
  std::string deployment_id;     // this deployment
  std::int64_t now_unix_ns = 0;  // 0: the system clock
  std::uint32_t flags = 0;       // CRTX_ALLOW_*, for quarantine and takeover
};

// What a restore intent must authorize. Paths are absolute, digests "blake3:" and 64 hex.
struct intent_expectation {
  std::string active_db_path, active_event_log_path;
  std::string backup_manifest_blake3, staged_sqlite_blake3, staged_jsonl_blake3;
};

// A marker as it was read. The texts are empty where it is absent or malformed.
struct marker_info {
  std::uint32_t state = 0;  // CRTX_MARKER_*
  std::uint32_t pid = 0;
  std::int64_t acquired_at_unix_ns = 0;
  std::string acquired_at, host, deployment_id, operator_principal_id, scope;
  std::string restore_intent_blake3, marker_blake3;  // the latter: digest of the marker's own bytes
};

namespace detail {
template <class Struct>
Struct sized() noexcept {
  Struct value{};
  value.struct_size = static_cast<std::uint32_t>(sizeof(Struct));
  return value;
}

inline void require_ok(crtx_status status, const crtx_error &details) {
  if (status != CRTX_OK) throw error(status, details);
}

// A C string ends at its first NUL: a text that contains one would reach the library shortened.
inline const char *c_text(const std::string &text) {
  if (text.find('\0') == std::string::npos) return text.c_str();
  crtx_error details = sized<crtx_error>();
  std::strncpy(details.operation, "argument check", sizeof details.operation - 1);
  std::strncpy(details.message, crtx_status_message(CRTX_E_INVALID_ARGUMENT),
               sizeof details.message - 1);
  throw error(CRTX_E_INVALID_ARGUMENT, details);
}

// Calls `function(arguments..., error)`.
template <class Function, class... Arguments>
void run(Function function, Arguments... arguments) {
  crtx_error details = sized<crtx_error>();
  require_ok(function(arguments..., &details), details);
}

// Calls `function(arguments..., buffer, capacity, needed, error)` until the text fits: it may grow
// between two calls, as a marker on disk may.
template <class Function, class... Arguments>
std::string text_of(std::size_t first_guess, Function function, Arguments... arguments) {
  std::string buffer;
  for (std::size_t needed = first_guess;;) {
    buffer.resize(needed);
    crtx_error details = sized<crtx_error>();
    const crtx_status status = function(arguments..., &buffer[0], buffer.size(), &needed, &details);
    if (status == CRTX_E_BUFFER_TOO_SMALL && needed > buffer.size()) continue;
    require_ok(status, details);
    buffer.resize(needed - 1);  // without the terminating NUL
    return buffer;
  }
}

// The C views below borrow from their arguments, which must outlive the call.
inline crtx_lock_options c_view(const lock_options &options) {
  crtx_lock_options view = sized<crtx_lock_options>();
  view.durability = options.durability;
  view.flags = options.flags;
  view.timeout_ms = options.timeout_ms;
  view.deployment_id = c_text(options.deployment_id);
  view.operator_principal_id = c_text(options.operator_principal_id);
  view.restore_intent_blake3 = c_text(options.restore_intent_blake3);
  view.host = options.host ? c_text(*options.host) : nullptr;
  return view;
}

// An empty vector may have no data pointer, and NULL would be another mistake than a wrong length.
inline const std::uint8_t *data_of(const bytes &value) noexcept {
  static const std::uint8_t nothing = 0;
  return value.empty() ? &nothing : value.data();
}
inline const std::uint8_t *data_of(const std::string &value) noexcept {
  return reinterpret_cast<const std::uint8_t *>(value.data());
}

inline crtx_signed_document c_view(const signed_document &document) {
  crtx_signed_document view = sized<crtx_signed_document>();
  view.flags = document.flags;
  view.payload = data_of(document.payload);
  view.payload_len = document.payload.size();
  view.signature = data_of(document.signature);
  view.signature_len = document.signature.size();
  view.public_key = data_of(document.public_key);
  view.public_key_len = document.public_key.size();
  view.deployment_id = c_text(document.deployment_id);
  view.now_unix_ns = document.now_unix_ns;
  return view;
}

inline crtx_intent_expectation c_view(const intent_expectation &expected) {
  crtx_intent_expectation view = sized<crtx_intent_expectation>();
  view.active_db_path = c_text(expected.active_db_path);
  view.active_event_log_path = c_text(expected.active_event_log_path);
  view.backup_manifest_blake3 = c_text(expected.backup_manifest_blake3);
  view.staged_sqlite_blake3 = c_text(expected.staged_sqlite_blake3);
  view.staged_jsonl_blake3 = c_text(expected.staged_jsonl_blake3);
  return view;
}

inline marker_info from_c(const crtx_marker &marker) {
  return {marker.state, marker.pid, marker.acquired_at_unix_ns, marker.acquired_at, marker.host,
          marker.deployment_id, marker.operator_principal_id, marker.scope,
          marker.restore_intent_blake3, marker.marker_blake3};
}

// The library wants room for the longest name, before it touches anything.
inline std::size_t stale_capacity(const std::string &marker_path) {
  return marker_path.size() + CRTX_STALE_PATH_EXTRA;
}
}  // namespace detail

// The exclusive lock on a store, from acquire to release.
// The destructor releases, on every way out of the scope, an exception included: the marker is
// removed and the store counts as whole. Where a restore fails half-way and the rollback fails
// too, the store is not whole: call leak() first, and the marker stays as evidence, as after a
// crash. The destructor never throws. If it cannot remove the marker, it keeps it like leak(), so
// that the lock never outlives its object; call release() to learn of failures.
//
// Threads: a lock may be moved to another thread and used from several at once, as long as no
// thread moves, releases or destroys the object meanwhile. In a forked child every call but the
// destructor throws CRTX_E_FORKED, and the destructor leaves the parent's lock alone.
class lock {
 public:
  struct takeover_result;

  // Holds nothing.
  lock() noexcept = default;
  // Acquires. Throws CRTX_E_MARKER_EXISTS where a marker is held or stale (see marker_state()).
  lock(const std::string &marker_path, const lock_options &options) {
    const crtx_lock_options view = detail::c_view(options);
    detail::run(crtx_lock_acquire, detail::c_text(marker_path), &view, &handle_);
  }

  // Moves the stale marker aside and acquires in one step. Throws takeover_error.
  static takeover_result takeover(const std::string &marker_path,
                                  const signed_document &attestation, const lock_options &options);

  lock(lock &&other) noexcept : handle_(std::exchange(other.handle_, crtx_lock{0})) {}
  lock &operator=(lock &&other) noexcept {
    lock(std::move(other)).swap(*this);
    return *this;
  }
  lock(const lock &) = delete;
  lock &operator=(const lock &) = delete;

  ~lock() {
    if (!*this || crtx_lock_release(handle_, nullptr) == CRTX_OK) return;
    // Both do nothing if the handle has ended or belongs to the parent process.
    crtx_lock_leak(handle_, nullptr);
    crtx_lock_release(handle_, nullptr);
  }

  // True between acquire and release. It does not look at the disk: check() does.
  explicit operator bool() const noexcept { return handle_.opaque != 0; }
  // Returns if marker and companion are still ours; throws CRTX_E_LOST if not: stop writing then.
  void check() const { detail::run(crtx_lock_check, handle_); }
  // Keeps both files when the lock is released. It is still held until then. Twice is fine.
  void leak() { detail::run(crtx_lock_leak, handle_); }
  // Removes the marker and unlocks. If it throws and the object is still true, nothing changed and
  // release() may be called again; if the object is false, the lock has ended.
  void release() {
    crtx_error details = detail::sized<crtx_error>();
    const crtx_status status = crtx_lock_release(handle_, &details);
    // The library ends the handle except where nothing was changed: only it can tell.
    if (crtx_lock_check(handle_, nullptr) == CRTX_E_BAD_HANDLE) handle_ = crtx_lock{0};
    detail::require_ok(status, details);
  }

  // The marker as this lock wrote it.
  marker_info marker() const {
    crtx_marker found = detail::sized<crtx_marker>();
    detail::run(crtx_lock_marker, handle_, &found);
    return detail::from_c(found);
  }

  // Absolute.
  std::string marker_path() const { return detail::text_of(256, crtx_lock_marker_path, handle_); }
  std::string companion_path() const {
    return detail::text_of(256, crtx_lock_companion_path, handle_);
  }

  // For calls of crtx.h; the lock stays with the object, so do not release it there.
  crtx_lock native_handle() const noexcept { return handle_; }
  void swap(lock &other) noexcept { std::swap(handle_, other.handle_); }
  friend void swap(lock &left, lock &right) noexcept { left.swap(right); }

 private:
  crtx_lock handle_{0};
};

struct lock::takeover_result {
  lock held;
  std::string stale_path;  // where the old marker is kept, with its evidence beside it
};

inline lock::takeover_result lock::takeover(const std::string &marker_path,
                                            const signed_document &attestation,
                                            const lock_options &options) {
  const crtx_signed_document document = detail::c_view(attestation);
  const crtx_lock_options view = detail::c_view(options);
  takeover_result result;
  std::string &stale_path = result.stale_path;
  stale_path.resize(detail::stale_capacity(marker_path));
  crtx_error details = detail::sized<crtx_error>();
  const crtx_status status =
      crtx_takeover(detail::c_text(marker_path), &document, &view, &result.held.handle_,
                    &stale_path[0], stale_path.size(), nullptr, &details);
  stale_path.resize(std::strlen(stale_path.c_str()));
  if (status != CRTX_OK) throw takeover_error(status, details, stale_path);
  return result;
}

// What stands on disk; changes nothing. Absent and malformed are states, not errors.
inline marker_info inspect(const std::string &marker_path) {
  crtx_marker found = detail::sized<crtx_marker>();
  detail::run(crtx_marker_inspect, detail::c_text(marker_path), &found);
  return detail::from_c(found);
}

// The marker's own bytes. Throws CRTX_E_MARKER_ABSENT if there is none.
inline std::string read_marker(const std::string &marker_path) {
  return detail::text_of(1024, crtx_marker_read, detail::c_text(marker_path));
}

// Moves a stale marker aside and returns its new path; its evidence is kept beside it.
inline std::string quarantine(const std::string &marker_path, const signed_document &attestation) {
  const crtx_signed_document view = detail::c_view(attestation);
  return detail::text_of(detail::stale_capacity(marker_path), crtx_quarantine,
                         detail::c_text(marker_path), &view);
}

// Returns if quarantine() would succeed now, else throws what it would throw. Changes nothing.
inline void verify_takeover(const std::string &marker_path, const signed_document &attestation) {
  const crtx_signed_document view = detail::c_view(attestation);
  detail::run(crtx_takeover_verify, detail::c_text(marker_path), &view);
}

// The paths of this marker's quarantined predecessors, oldest first.
inline std::vector<std::string> list_evidence(const std::string &marker_path) {
  const std::string list = detail::text_of(1024, crtx_evidence_list, detail::c_text(marker_path));
  std::vector<std::string> paths;
  // Each path ends with NUL, the list with one more.
  for (const char *next = list.c_str(); *next != '\0'; next += paths.back().size() + 1)
    paths.emplace_back(next);
  return paths;
}

// Returns if the evidence beside a quarantined marker is whole and signed by this key.
inline void verify_evidence(const std::string &stale_path, const bytes &key) {
  detail::run(crtx_evidence_verify, detail::c_text(stale_path), detail::data_of(key), key.size());
}

// The payload of an attestation for the marker as it stands, ready to sign. It is valid from 300 s
// before now until `valid_for_seconds` (1 to 86,400) after. No deployment: the marker's own.
inline std::string build_takeover(const std::string &marker_path, const bytes &key,
                                  const std::string &justification, std::uint32_t valid_for_seconds,
                                  const std::optional<std::string> &deployment_id = std::nullopt,
                                  std::int64_t now_unix_ns = 0) {
  return detail::text_of(4096, crtx_takeover_build, detail::c_text(marker_path),
                         deployment_id ? detail::c_text(*deployment_id) : nullptr,
                         detail::data_of(key), key.size(), detail::c_text(justification),
                         valid_for_seconds, now_unix_ns);
}

// The payload of a restore intent, ready to sign; the window is as in build_takeover().
inline std::string build_intent(const std::string &deployment_id, const intent_expectation &intent,
                                const bytes &key, std::uint32_t valid_for_seconds,
                                std::int64_t now_unix_ns = 0) {
  const crtx_intent_expectation view = detail::c_view(intent);
  return detail::text_of(4096, crtx_intent_build, detail::c_text(deployment_id), &view,
                         detail::data_of(key), key.size(), valid_for_seconds, now_unix_ns);
}

// Verifies a restore intent and returns its digest, for lock_options::restore_intent_blake3.
inline std::string verify_intent(const signed_document &intent, const intent_expectation &wanted) {
  const crtx_signed_document document = detail::c_view(intent);
  const crtx_intent_expectation expected = detail::c_view(wanted);
  return detail::text_of(80, crtx_intent_verify, &document, &expected);
}

// The Ed25519 signature, 64 raw bytes, of a payload of at most 64 KiB. The seed has 32 bytes.
inline bytes sign(const bytes &seed, const std::string &payload) {
  bytes signature(CRTX_SIGNATURE_SIZE);
  detail::run(crtx_sign, detail::data_of(seed), seed.size(), detail::data_of(payload),
              payload.size(), signature.data(), signature.size());
  return signature;
}

// The 32-byte public key of a 32-byte seed.
inline bytes public_key(const bytes &seed) {
  bytes key(CRTX_PUBLIC_KEY_SIZE);
  detail::run(crtx_public_key, detail::data_of(seed), seed.size(), key.data(), key.size());
  return key;
}

// "operator:" and 64 hex: the name under which a public key signs.
inline std::string operator_principal(const bytes &key) {
  return detail::text_of(80, crtx_operator_principal, detail::data_of(key), key.size());
}

// "blake3:" and 64 hex over a file's content, which is streamed and may be of any size.
inline std::string blake3_file(const std::string &path) {
  return detail::text_of(80, crtx_blake3_file, detail::c_text(path));
}

// Such as "0.1.0".
inline const char *version() noexcept { return crtx_version(); }

}  // namespace crtx

#endif
