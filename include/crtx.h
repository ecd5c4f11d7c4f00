/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * libcrtx: an exclusive lock on a storage engine's active store, held across a destructive restore.
 *
 * Read this first:
 *
 * - Every function returns a crtx_status, CRTX_OK or one of CRTX_E_*, unless it cannot fail, and
 *   fills the crtx_error that the caller owns and passes last (or NULL). Nothing is kept between
 *   calls: no errno, no thread-local state, nothing to initialize, no environment variables, nothing
 *   on stdout or stderr. Set struct_size of every struct; the CRTX_*_INIT macros do.
 * - Exit without crtx_lock_release() counts as a crash: the marker stays, and the next acquire is
 *   refused until an operator has signed for it. That is the purpose. There is no exit handler.
 * - Fork: a child has no part in its parent's lock. Its handles answer CRTX_E_FORKED, and its copies
 *   of the descriptors are closed before fork() returns there, so the lock ends with the parent.
 *   Exec inherits nothing. Do not call the library from fork handlers or signal handlers.
 * - Threads: every function may be called by any thread at any time. The lock belongs to the
 *   process, not to the thread. It is not reentrant.
 * - Network filesystems are refused, because OS locks cannot be trusted there, unless a flag allows
 *   them. So is a directory that everybody may write to.
 * - The lock is advisory: it stops programs that use it. A signature stops an operator's mistake and
 *   leaves evidence; it does not stop somebody who may write to the directory from deleting files.
 * - The library cannot be unloaded: dlclose() has no effect.
 * - Strings are NUL-terminated and UTF-8, but for paths, which on Unix are any bytes. Sizes are bytes
 *   and count the NUL. Times are nanoseconds since 1970-01-01T00:00:00Z.
 */
#ifndef CRTX_H
#define CRTX_H


/* Made by cbindgen from src/ffi; change it there, then run: make header */


#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif


/**
 * The version of this binary interface, and the number in the SONAME `libcrtx.so.1`. It changes
 * only when a program compiled against an older header could break. See crtx_abi_version().
 */
#define CRTX_ABI_VERSION 1

/**
 * crtx_lock_options.durability: survives process death and power loss. Two syncs to acquire, one
 * to release.
 */
#define CRTX_DURABILITY_FULL 0

/**
 * crtx_lock_options.durability: survives process death, not power loss. Nothing is synced.
 */
#define CRTX_DURABILITY_PROCESS_CRASH 1

/**
 * Flag: accept a directory on a network filesystem, although OS locks cannot be trusted there.
 */
#define CRTX_ALLOW_NETWORK_FILESYSTEM 1

/**
 * Flag: accept a directory that everybody may write to, although anybody can remove the files.
 */
#define CRTX_ALLOW_SHARED_DIRECTORY 2

/**
 * crtx_marker.state: there is no marker; the store is free.
 */
#define CRTX_MARKER_ABSENT 1

/**
 * crtx_marker.state: another process holds an OS lock; nobody may take over.
 */
#define CRTX_MARKER_HELD 2

/**
 * crtx_marker.state: a handle of this process, of any thread, owns the marker.
 */
#define CRTX_MARKER_HELD_BY_THIS_PROCESS 3

/**
 * crtx_marker.state: a marker without a holder; only a signed attestation moves it aside.
 */
#define CRTX_MARKER_STALE 4

/**
 * crtx_marker.state: nobody holds it and its text cannot be parsed.
 */
#define CRTX_MARKER_MALFORMED 5

/**
 * Bytes of an Ed25519 seed.
 */
#define CRTX_SEED_SIZE 32

/**
 * Bytes of an Ed25519 public key.
 */
#define CRTX_PUBLIC_KEY_SIZE 32

/**
 * Bytes of a detached Ed25519 signature.
 */
#define CRTX_SIGNATURE_SIZE 64

/**
 * Bytes of a digest's text, "blake3:" and 64 hex digits, with the terminating NUL.
 */
#define CRTX_DIGEST_SIZE 72

/**
 * Bytes of an operator principal, "operator:" and 64 hex digits, with the terminating NUL.
 */
#define CRTX_PRINCIPAL_SIZE 74

/**
 * What stale_path wants beyond strlen(marker_path), with the terminating NUL.
 */
#define CRTX_STALE_PATH_EXTRA 32

/**
 * What a call came to: CRTX_OK or one of the CRTX_E_* numbers.
 */
typedef int32_t crtx_status;

/**
 * Who acquires, for what, and how. Start from CRTX_LOCK_OPTIONS_INIT. The texts are UTF-8 and are
 * copied before the call returns.
 */
typedef struct crtx_lock_options {
  /**
   * sizeof(crtx_lock_options), set by the caller.
   */
  uint32_t struct_size;
  /**
   * CRTX_DURABILITY_*.
   */
  uint32_t durability;
  /**
   * CRTX_ALLOW_*, or-ed.
   */
  uint64_t flags;
  /**
   * How long to wait for a holder, in milliseconds; 0 makes one attempt. A stale marker is never
   * waited for.
   */
  uint32_t timeout_ms;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The deployment, 1 to 255 bytes without control characters.
   */
  const char *deployment_id;
  /**
   * The operator, 1 to 255 bytes without control characters.
   */
  const char *operator_principal_id;
  /**
   * The digest that crtx_intent_verify() gave: "blake3:" and 64 lowercase hex digits.
   */
  const char *restore_intent_blake3;
  /**
   * The host to name in the marker, 0 to 255 bytes; NULL for this machine's name.
   */
  const char *host;
} crtx_lock_options;

/**
 * A lock's handle: a value, copied freely, never dereferenced. All-zero is never valid. Threads
 * may share it. Used after its release, made up, or of another process, it is refused.
 */
typedef struct crtx_lock {
  /**
   * Not for the caller.
   */
  uint64_t opaque;
} crtx_lock;

/**
 * Why a call failed. The caller owns it and sets struct_size (CRTX_ERROR_INIT); every call that is
 * given one fills it, with CRTX_OK and empty texts on success. Fields that do not fit into
 * struct_size are left out; under 16 nothing is written. One thread at a time may use it.
 */
typedef struct crtx_error {
  /**
   * sizeof(crtx_error), set by the caller.
   */
  uint32_t struct_size;
  /**
   * The same as the return value.
   */
  crtx_status status;
  /**
   * errno, on Windows GetLastError(); 0 where the operating system had no part in it.
   */
  int32_t os_error;
  /**
   * CRTX_MARKER_*: what was found, for status 20 to 23; otherwise 0.
   */
  uint32_t marker_state;
  /**
   * The step that failed, such as "marker publish". Ends in NUL.
   */
  char operation[64];
  /**
   * One English sentence for people. It names the file, escaped, a long path shortened in the
   * middle. Ends in NUL.
   */
  char message[1024];
} crtx_error;

/**
 * A marker as it was found. The caller owns it and sets struct_size (CRTX_MARKER_INIT), 8 to
 * 4,096; what it holds is filled, the rest of it zeroed. Texts end in NUL and are empty where the
 * marker is absent or cannot be parsed.
 */
typedef struct crtx_marker {
  /**
   * sizeof(crtx_marker), set by the caller.
   */
  uint32_t struct_size;
  /**
   * CRTX_MARKER_*.
   */
  uint32_t state;
  /**
   * The holder's process id, in its own pid namespace; evidence for people only.
   */
  uint32_t pid;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * When the lock was acquired, in nanoseconds since 1970.
   */
  int64_t acquired_at_unix_ns;
  /**
   * The same as the marker writes it (RFC 3339).
   */
  char acquired_at[64];
  /**
   * The holder's host; evidence for people only.
   */
  char host[256];
  /**
   * The deployment.
   */
  char deployment_id[256];
  /**
   * The operator who authorized the restore.
   */
  char operator_principal_id[256];
  /**
   * "production".
   */
  char scope[32];
  /**
   * The digest of the restore intent.
   */
  char restore_intent_blake3[80];
  /**
   * The digest of the marker's own bytes; of a malformed marker too, up to 1 MiB.
   */
  char marker_blake3[80];
} crtx_marker;

/**
 * A signed document, and what the caller knows without it. Start from CRTX_SIGNED_DOCUMENT_INIT.
 * Nothing of it is kept after the call.
 */
typedef struct crtx_signed_document {
  /**
   * sizeof(crtx_signed_document), set by the caller.
   */
  uint32_t struct_size;
  /**
   * CRTX_ALLOW_*, or-ed, for the calls that take a marker_path.
   */
  uint32_t flags;
  /**
   * The raw bytes that were signed, at most 65,536.
   */
  const uint8_t *payload;
  /**
   * Bytes of the payload.
   */
  size_t payload_len;
  /**
   * The detached signature.
   */
  const uint8_t *signature;
  /**
   * Bytes of the signature: 64.
   */
  size_t signature_len;
  /**
   * The operator's public key that the caller trusts.
   */
  const uint8_t *public_key;
  /**
   * Bytes of the public key: 32.
   */
  size_t public_key_len;
  /**
   * This deployment, UTF-8, 1 to 255 bytes.
   */
  const char *deployment_id;
  /**
   * The time to verify at, in nanoseconds since 1970; 0 for the system clock.
   */
  int64_t now_unix_ns;
} crtx_signed_document;

/**
 * What a restore is about to do, to be found in the operator's intent. Start from
 * CRTX_INTENT_EXPECTATION_INIT. Paths are UTF-8, absolute, without "." and "..", at most 4,096
 * bytes; digests are "blake3:" and 64 lowercase hex digits.
 */
typedef struct crtx_intent_expectation {
  /**
   * sizeof(crtx_intent_expectation), set by the caller.
   */
  uint32_t struct_size;
  /**
   * 0.
   */
  uint32_t reserved;
  /**
   * The database that will be replaced.
   */
  const char *active_db_path;
  /**
   * The event log that will be replaced.
   */
  const char *active_event_log_path;
  /**
   * The digest of the backup's manifest.
   */
  const char *backup_manifest_blake3;
  /**
   * The digest of the staged database.
   */
  const char *staged_sqlite_blake3;
  /**
   * The digest of the staged event log.
   */
  const char *staged_jsonl_blake3;
} crtx_intent_expectation;

/**
 * The call succeeded.
 */
#define CRTX_OK 0

/**
 * An argument is missing, out of range, not UTF-8, or a reserved name; correct the call.
 */
#define CRTX_E_INVALID_ARGUMENT 1

/**
 * The lock handle is zero, was released before, or was never given out; correct the program.
 */
#define CRTX_E_BAD_HANDLE 2

/**
 * The handle belongs to the parent process; a forked child must acquire a lock of its own.
 */
#define CRTX_E_FORKED 3

/**
 * The output does not fit the buffer; call again with the size that out_needed tells.
 */
#define CRTX_E_BUFFER_TOO_SMALL 4

/**
 * A marker is there: wait for the holder if it is held, or have an operator attest a takeover if
 * it is stale.
 */
#define CRTX_E_MARKER_EXISTS 20

/**
 * Somebody holds the OS lock at this moment; nobody may take over, so wait and try again.
 */
#define CRTX_E_CONTENDED 21

/**
 * There is no marker to read, to quarantine or to take over; the store is free.
 */
#define CRTX_E_MARKER_ABSENT 22

/**
 * The marker or its companion is gone or is no longer ours; stop writing to the store and find
 * out who removed it.
 */
#define CRTX_E_LOST 23

/**
 * The operating system refused a step; os_error and operation tell which and why.
 */
#define CRTX_E_IO 40

/**
 * The directory that should hold the marker does not exist; create it or correct the path.
 */
#define CRTX_E_NO_PARENT_DIRECTORY 41

/**
 * A lock file is a symlink, FIFO, socket, device or directory, or has more than one link; find
 * out who put it there.
 */
#define CRTX_E_NOT_REGULAR_FILE 42

/**
 * The directory is writable by everybody, or a lock file belongs to another user; correct owner
 * and mode.
 */
#define CRTX_E_INSECURE_PERMISSIONS 43

/**
 * The directory is on a network filesystem, where OS locks cannot be trusted; use a local one,
 * or allow it by flag.
 */
#define CRTX_E_UNSUPPORTED_FILESYSTEM 44

/**
 * The marker's name leaves no room for the 44 bytes that the longest derived name adds; use a
 * shorter name.
 */
#define CRTX_E_NAME_TOO_LONG 45

/**
 * A file or document is over its size limit.
 */
#define CRTX_E_TOO_LARGE 46

/**
 * The marker cannot be parsed; it is quarantined only with an attestation that names its digest.
 */
#define CRTX_E_MARKER_MALFORMED 47

/**
 * The public key is not 32 bytes, not canonical, of small order, or of mixed order; use a proper
 * Ed25519 key.
 */
#define CRTX_E_UNTRUSTED_KEY 60

/**
 * The signature is not exactly 64 raw bytes; pass the detached signature, not an encoding of it.
 */
#define CRTX_E_SIGNATURE_LENGTH 61

/**
 * The signature does not hold for these bytes and this key; nothing in the document is to be
 * believed.
 */
#define CRTX_E_BAD_SIGNATURE 62

/**
 * The signed payload is not the strict JSON object that its kind demands.
 */
#define CRTX_E_PAYLOAD_MALFORMED 63

/**
 * The signed document is of another kind than this call wants.
 */
#define CRTX_E_KIND_MISMATCH 64

/**
 * The signed document has a schema version that this library does not know.
 */
#define CRTX_E_SCHEMA_MISMATCH 65

/**
 * The document names an operator principal that is not the one derived from the verifying key.
 */
#define CRTX_E_PRINCIPAL_MISMATCH 66

/**
 * The document, the marker and the caller do not name the same deployment.
 */
#define CRTX_E_DEPLOYMENT_MISMATCH 67

/**
 * The document is not valid yet; check the clocks, or wait.
 */
#define CRTX_E_NOT_YET_VALID 68

/**
 * The document has expired; have the operator sign a new one.
 */
#define CRTX_E_EXPIRED 69

/**
 * The document's validity window ends before it begins, or is longer than 86,700 seconds.
 */
#define CRTX_E_WINDOW_INVALID 70

/**
 * The attestation names another process than the marker on disk; attest the marker that is
 * there.
 */
#define CRTX_E_STALE_PID_MISMATCH 71

/**
 * The attestation names another time than the marker on disk; attest the marker that is there.
 */
#define CRTX_E_STALE_TIME_MISMATCH 72

/**
 * The attestation names another digest than that of the marker on disk; attest the marker that
 * is there.
 */
#define CRTX_E_STALE_DIGEST_MISMATCH 73

/**
 * The justification is blank, over 1,024 bytes, or has control characters; write one plain
 * sentence.
 */
#define CRTX_E_JUSTIFICATION_INVALID 74

/**
 * The restore intent authorizes another path than the one to be restored.
 */
#define CRTX_E_PATH_MISMATCH 75

/**
 * The restore intent authorizes other bytes than those that are staged.
 */
#define CRTX_E_DIGEST_MISMATCH 76

/**
 * The evidence is missing, or does not fit the quarantined marker.
 */
#define CRTX_E_EVIDENCE_INVALID 77

/**
 * The library caught a fault of its own; the handle, if any, still exists; please report it.
 */
#define CRTX_E_INTERNAL 120

/**
 * The name of a status, such as "CRTX_E_CONTENDED"; "CRTX_E_UNKNOWN" for a number that this
 * library does not know. Never NULL; the text lives as long as the program. Any thread may call
 * this.
 */
const char *crtx_status_name(crtx_status status);

/**
 * One sentence on a status: what it means and what to do. Never NULL; the text lives as long as
 * the program. Any thread may call this. The message in crtx_error says more: it names the file.
 */
const char *crtx_status_message(crtx_status status);

/**
 * Takes the exclusive lock of the store that marker_path stands for, or says who has it.
 *
 * Creates marker_path (mode 0644) and its companion, marker_path.flock (0600). The directory must
 * exist. *out_lock is zeroed first and is a handle on CRTX_OK only; it is released once, with
 * crtx_lock_release(). One attempt, unless options->timeout_ms makes it wait for a holder; a stale
 * marker is never waited for. Not reentrant: a second acquire in the same process is refused like
 * anybody's.
 *
 * CRTX_E_MARKER_EXISTS: a marker is there; error->marker_state tells whether it is held, stale or
 * malformed. CRTX_E_CONTENDED: another process is at the OS lock and there is no marker (yet, or
 * any more). CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE, CRTX_E_INSECURE_PERMISSIONS,
 * CRTX_E_UNSUPPORTED_FILESYSTEM, CRTX_E_NAME_TOO_LONG, CRTX_E_IO, CRTX_E_INVALID_ARGUMENT;
 * CRTX_E_FORKED in a process made by raw clone or vfork. After a failure nothing on disk has
 * changed, but that an empty companion may remain.
 *
 * Any thread may call this. A forked child does not have the lock.
 */
crtx_status crtx_lock_acquire(const char *marker_path,
                              const struct crtx_lock_options *options,
                              struct crtx_lock *out_lock,
                              struct crtx_error *error);

/**
 * Tells whether marker and companion are still ours, by device and inode. Two look-ups in the
 * directory, no sync: cheap enough for the end of every batch of writes.
 *
 * CRTX_OK, CRTX_E_LOST (stop writing to the store), CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_IO.
 * Any thread may call this.
 */
crtx_status crtx_lock_check(struct crtx_lock lock, struct crtx_error *error);

/**
 * Keeps marker and companion on disk when the lock is released: for a restore whose rollback
 * failed. The lock is held until then. Twice is fine.
 *
 * CRTX_OK, CRTX_E_FORKED, CRTX_E_BAD_HANDLE. Any thread may call this.
 */
crtx_status crtx_lock_leak(struct crtx_lock lock, struct crtx_error *error);

/**
 * Removes marker and companion and gives the lock back; after crtx_lock_leak() only the latter.
 * At most once: of two racing releases one wins, the other gets CRTX_E_BAD_HANDLE.
 *
 * CRTX_OK and CRTX_E_LOST (something was no longer ours, and was left alone) end the handle.
 * CRTX_E_IO: if the marker could not be removed, nothing was changed and the handle lives, to be
 * tried again; if the marker was removed and only the sync after it failed, the handle has ended
 * and the marker may come back after a power loss. crtx_lock_check() on the handle tells which:
 * CRTX_E_BAD_HANDLE when it has ended. CRTX_E_FORKED, CRTX_E_BAD_HANDLE.
 *
 * Any thread may call this. Exit without it counts as a crash: the marker stays.
 */
crtx_status crtx_lock_release(struct crtx_lock lock, struct crtx_error *error);

/**
 * What the lock's marker says, as it was written. Touches no file.
 *
 * CRTX_OK, CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
 */
crtx_status crtx_lock_marker(struct crtx_lock lock,
                             struct crtx_marker *out_marker,
                             struct crtx_error *error);

/**
 * The marker's absolute path, as it was when the lock was acquired. capacity and *out_needed
 * (which may be NULL) count bytes with the terminating NUL.
 *
 * CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_INVALID_ARGUMENT.
 * Any thread may call this.
 */
crtx_status crtx_lock_marker_path(struct crtx_lock lock,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *out_needed,
                                  struct crtx_error *error);

/**
 * The companion's absolute path, as crtx_lock_marker_path() gives the marker's.
 *
 * CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_FORKED, CRTX_E_BAD_HANDLE, CRTX_E_INVALID_ARGUMENT.
 * Any thread may call this.
 */
crtx_status crtx_lock_companion_path(struct crtx_lock lock,
                                     char *buffer,
                                     size_t capacity,
                                     size_t *out_needed,
                                     struct crtx_error *error);

/**
 * Tells how a marker stands. Changes nothing on disk and waits for nobody.
 *
 * Absent and malformed are states, not errors: out_marker->state tells. The OS locks are tried
 * shared, for an instant; an acquire that meets such a try repeats its own. A marker over 1 MiB
 * has no marker_blake3. Neither the filesystem nor the directory's mode is checked.
 *
 * CRTX_OK, CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE, CRTX_E_INSECURE_PERMISSIONS (the
 * files belong to another user), CRTX_E_CONTENDED (the files were replaced at every look),
 * CRTX_E_NAME_TOO_LONG, CRTX_E_IO, CRTX_E_INVALID_ARGUMENT. Any thread may call this, in a forked
 * child too: there the parent's lock is CRTX_MARKER_HELD.
 */
crtx_status crtx_marker_inspect(const char *marker_path,
                                struct crtx_marker *out_marker,
                                struct crtx_error *error);

/**
 * The marker's raw text, up to 1 MiB, whoever owns it; takes no lock. A torn marker may hold any
 * bytes: *out_needed - 1 is their number. capacity and *out_needed (which may be NULL) count
 * bytes with the terminating NUL.
 *
 * CRTX_OK, CRTX_E_MARKER_ABSENT, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_TOO_LARGE,
 * CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE, CRTX_E_NAME_TOO_LONG, CRTX_E_IO,
 * CRTX_E_INVALID_ARGUMENT. Any thread may call this.
 */
crtx_status crtx_marker_read(const char *marker_path,
                             char *buffer,
                             size_t capacity,
                             size_t *out_needed,
                             struct crtx_error *error);

/**
 * Moves a stale marker aside, to marker_path.stale-<time>, on an operator's signed attestation
 * that names that very marker; attestation and signature are kept beside it. Nothing is ever
 * overwritten. Always durable: four syncs.
 *
 * stale_path gets the marker's new path, which begins as marker_path was written. Its capacity
 * must be strlen(marker_path) + CRTX_STALE_PATH_EXTRA, checked before anything is touched;
 * *out_needed (which may be NULL) counts the terminating NUL.
 *
 * The document is verified first: CRTX_E_UNTRUSTED_KEY, CRTX_E_TOO_LARGE,
 * CRTX_E_SIGNATURE_LENGTH, CRTX_E_BAD_SIGNATURE, CRTX_E_PAYLOAD_MALFORMED, CRTX_E_KIND_MISMATCH,
 * CRTX_E_SCHEMA_MISMATCH, CRTX_E_PRINCIPAL_MISMATCH, CRTX_E_DEPLOYMENT_MISMATCH,
 * CRTX_E_WINDOW_INVALID, CRTX_E_NOT_YET_VALID, CRTX_E_EXPIRED, CRTX_E_JUSTIFICATION_INVALID. Then
 * the marker: CRTX_E_MARKER_ABSENT; CRTX_E_CONTENDED if anybody holds either OS lock, for no
 * signature overrides a live holder; CRTX_E_MARKER_MALFORMED, CRTX_E_STALE_PID_MISMATCH,
 * CRTX_E_STALE_TIME_MISMATCH, CRTX_E_STALE_DIGEST_MISMATCH. CRTX_E_LOST: another file was put in
 * the marker's place at the last moment, and is there again. And what crtx_lock_acquire() answers
 * for directory and files. After a failure the marker is where it was, or the message says where
 * it stands.
 *
 * Any thread may call this.
 */
crtx_status crtx_quarantine(const char *marker_path,
                            const struct crtx_signed_document *attestation,
                            char *stale_path,
                            size_t capacity,
                            size_t *out_needed,
                            struct crtx_error *error);

/**
 * Quarantines a stale marker and acquires the lock in one step, so that nobody can get in between.
 * Never waits: options->timeout_ms does not count here. The flags of document and options are
 * joined.
 *
 * *out_lock is zeroed first and is a handle on CRTX_OK only. stale_path and *out_needed as for
 * crtx_quarantine(). If the new marker cannot be published, the old one is put back; if even that
 * fails, stale_path is written all the same, and the message says what stands where. Death in
 * between is a completed quarantine.
 *
 * The statuses of crtx_quarantine(), and CRTX_E_DEPLOYMENT_MISMATCH if options name another
 * deployment than the document. Any thread may call this.
 */
crtx_status crtx_takeover(const char *marker_path,
                          const struct crtx_signed_document *attestation,
                          const struct crtx_lock_options *options,
                          struct crtx_lock *out_lock,
                          char *stale_path,
                          size_t capacity,
                          size_t *out_needed,
                          struct crtx_error *error);

/**
 * What crtx_quarantine() would say now. Changes nothing on disk. Any thread may call this.
 */
crtx_status crtx_takeover_verify(const char *marker_path,
                                 const struct crtx_signed_document *attestation,
                                 struct crtx_error *error);

/**
 * The paths of the quarantined markers of marker_path, oldest first, each ended by a NUL, and one
 * more NUL at the end; they begin as marker_path was written. The only call that scans the
 * directory. capacity and *out_needed (which may be NULL) count every NUL.
 *
 * CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_IO,
 * CRTX_E_INVALID_ARGUMENT. Any thread may call this.
 */
crtx_status crtx_evidence_list(const char *marker_path,
                               char *buffer,
                               size_t capacity,
                               size_t *out_needed,
                               struct crtx_error *error);

/**
 * Verifies a quarantined marker against attestation and signature beside it, whenever that was.
 *
 * CRTX_E_BAD_SIGNATURE for the signature, CRTX_E_EVIDENCE_INVALID for anything else that is
 * missing or does not fit, CRTX_E_UNTRUSTED_KEY for the key. CRTX_E_NO_PARENT_DIRECTORY,
 * CRTX_E_IO, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
 */
crtx_status crtx_evidence_verify(const char *stale_path,
                                 const uint8_t *public_key,
                                 size_t public_key_len,
                                 struct crtx_error *error);

/**
 * Writes the takeover attestation for the marker at marker_path, held or stale, for the operator
 * to sign with crtx_sign(): minified JSON with sorted keys, with the marker's digest.
 *
 * deployment_id may be NULL for the marker's own; a malformed marker has none. The justification
 * is one line of 1 to 1,024 bytes. The document is valid from 300 s before now_unix_ns (nanoseconds
 * since 1970; 0 for the system clock) to valid_for_seconds (1 to 86,400) after it. capacity and
 * *out_needed (which may be NULL) count bytes with the terminating NUL, which is not to be signed.
 *
 * CRTX_OK, CRTX_E_MARKER_ABSENT, CRTX_E_JUSTIFICATION_INVALID, CRTX_E_DEPLOYMENT_MISMATCH (the
 * marker is of another deployment), CRTX_E_UNTRUSTED_KEY, CRTX_E_BUFFER_TOO_SMALL,
 * CRTX_E_TOO_LARGE (a marker over 1 MiB), CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE,
 * CRTX_E_IO, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
 */
crtx_status crtx_takeover_build(const char *marker_path,
                                const char *deployment_id,
                                const uint8_t *public_key,
                                size_t public_key_len,
                                const char *justification,
                                uint32_t valid_for_seconds,
                                int64_t now_unix_ns,
                                char *buffer,
                                size_t capacity,
                                size_t *out_needed,
                                struct crtx_error *error);

/**
 * Writes a restore intent, for the operator to sign with crtx_sign(): minified JSON with sorted
 * keys. Window, capacity and *out_needed as for crtx_takeover_build().
 *
 * CRTX_OK, CRTX_E_UNTRUSTED_KEY, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_INVALID_ARGUMENT. Touches no
 * file. Any thread may call this.
 */
crtx_status crtx_intent_build(const char *deployment_id,
                              const struct crtx_intent_expectation *intent,
                              const uint8_t *public_key,
                              size_t public_key_len,
                              uint32_t valid_for_seconds,
                              int64_t now_unix_ns,
                              char *buffer,
                              size_t capacity,
                              size_t *out_needed,
                              struct crtx_error *error);

/**
 * Verifies a restore intent, and that it permits just what is expected. digest gets the payload's
 * digest for crtx_lock_options.restore_intent_blake3: CRTX_DIGEST_SIZE bytes with the NUL.
 *
 * The statuses of the document as for crtx_quarantine(), but for the justification; then
 * CRTX_E_PATH_MISMATCH, CRTX_E_DIGEST_MISMATCH. CRTX_E_BUFFER_TOO_SMALL,
 * CRTX_E_INVALID_ARGUMENT. Touches no file. Any thread may call this.
 */
crtx_status crtx_intent_verify(const struct crtx_signed_document *intent,
                               const struct crtx_intent_expectation *expected,
                               char *digest,
                               size_t capacity,
                               size_t *out_needed,
                               struct crtx_error *error);

/**
 * Signs a payload of at most 65,536 bytes with the CRTX_SEED_SIZE bytes of an Ed25519 seed. The
 * signature has CRTX_SIGNATURE_SIZE bytes. The library wipes its own copies of the seed; the
 * caller wipes the seed.
 *
 * CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_TOO_LARGE, CRTX_E_INVALID_ARGUMENT. Any thread may call
 * this.
 */
crtx_status crtx_sign(const uint8_t *seed,
                      size_t seed_len,
                      const uint8_t *payload,
                      size_t payload_len,
                      uint8_t *signature,
                      size_t capacity,
                      struct crtx_error *error);

/**
 * The public key of an Ed25519 seed: CRTX_PUBLIC_KEY_SIZE bytes.
 *
 * CRTX_OK, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_INVALID_ARGUMENT. Any thread may call this.
 */
crtx_status crtx_public_key(const uint8_t *seed,
                            size_t seed_len,
                            uint8_t *public_key,
                            size_t capacity,
                            struct crtx_error *error);

/**
 * The operator principal of a public key: "operator:" and 64 lowercase hex digits,
 * CRTX_PRINCIPAL_SIZE bytes with the NUL.
 *
 * CRTX_OK, CRTX_E_UNTRUSTED_KEY, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_INVALID_ARGUMENT. Any thread may
 * call this.
 */
crtx_status crtx_operator_principal(const uint8_t *public_key,
                                    size_t public_key_len,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *out_needed,
                                    struct crtx_error *error);

/**
 * The digest of a regular file of any size: "blake3:" and 64 lowercase hex digits,
 * CRTX_DIGEST_SIZE bytes with the NUL. Symlinks are followed; a FIFO is refused at once.
 *
 * CRTX_OK, CRTX_E_NOT_REGULAR_FILE, CRTX_E_IO, CRTX_E_BUFFER_TOO_SMALL (checked before the file is
 * read), CRTX_E_INVALID_ARGUMENT. Any thread may call this.
 */
crtx_status crtx_blake3_file(const char *path,
                             char *buffer,
                             size_t capacity,
                             size_t *out_needed,
                             struct crtx_error *error);

/**
 * The library's version, such as "0.1.0". Never NULL; the text lives as long as the program. Any
 * thread may call this.
 */
const char *crtx_version(void);

/**
 * The library's CRTX_ABI_VERSION, to be compared with the header's. Any thread may call this.
 */
uint32_t crtx_abi_version(void);

/* Initialisers: crtx_error error = CRTX_ERROR_INIT; then set what you need. */
#define CRTX_LOCK_INIT { 0 }
#define CRTX_ERROR_INIT { (uint32_t)sizeof(crtx_error), 0, 0, 0, { 0 }, { 0 } }
#define CRTX_LOCK_OPTIONS_INIT { (uint32_t)sizeof(crtx_lock_options), 0, 0, 0, 0, NULL, NULL, NULL, NULL }
#define CRTX_MARKER_INIT \
  { (uint32_t)sizeof(crtx_marker), 0, 0, 0, 0, { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 } }
#define CRTX_SIGNED_DOCUMENT_INIT \
  { (uint32_t)sizeof(crtx_signed_document), 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0 }
#define CRTX_INTENT_EXPECTATION_INIT \
  { (uint32_t)sizeof(crtx_intent_expectation), 0, NULL, NULL, NULL, NULL, NULL }

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* CRTX_H */
