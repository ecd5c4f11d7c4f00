/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * crtx.h: an exclusive lock on a storage engine's active store, held across a destructive
 * restore, that leaves evidence when a restore dies and lets nobody take over silently.
 *
 * Two files stand beside the store. PATH, the marker, is a readable text that says who is at work;
 * it outlives a crash, and that is its purpose. PATH.flock, the companion, carries an OS lock that
 * the kernel drops when the holder dies. A marker whose OS lock is held is HELD; one whose OS lock
 * is free is STALE: only an operator's signed attestation moves it aside. No marker: FREE.
 *
 * Caveats, before anything else:
 *
 * - Exit without crtx_lock_release counts as a crash. The marker stays, the next acquire is
 *   refused, and an operator has to sign for it. There is no cleanup at exit.
 *
 * - fork: a child neither inherits the lock nor keeps it alive. A parent's handle answers
 *   CRTX_E_FORKED there; the child may acquire locks of its own. In a child made by vfork, _Fork
 *   or raw clone, handles, acquire, quarantine and takeover answer CRTX_E_FORKED until it calls
 *   exec; a copy of a descriptor there keeps a lock held when the parent dies.
 *
 * - Do not call any of these functions from a signal handler, from a pthread_atfork handler, or
 *   from DllMain.
 *
 * - Threads: every function may be called by any thread at any time, and a handle may be used by
 *   several. A buffer, struct or error passed to a call belongs to that call until it returns. Do
 *   not cancel a thread (pthread_cancel) inside a call.
 *
 * - One process is one holder: two threads do not share a lock, the second acquire is refused.
 *
 * - Network filesystems are refused, because OS locks there may exclude nobody. The list of them
 *   is closed: an unknown filesystem passes. The flag that allows them makes them no safer.
 *
 * - The lock is advisory. It stops those who ask; a program that writes to the store without
 *   asking is not stopped.
 *
 * - Signatures do not stop anybody who can write to the directory: such a one can delete or forge
 *   the marker without asking this library. They make a takeover through this library somebody's
 *   signed decision, and leave the proof beside the store.
 *
 * - Do not delete PATH, PATH.flock or PATH.new by hand while anybody may be at work.
 *   crtx_lock_check and crtx_lock_release tell when somebody did: CRTX_E_LOST.
 *
 * - A process of the reference implementation at work on the same marker at the same moment is
 *   outside the promise. Its files are read, and it reads ours, when all is at rest.
 *
 * - Windows has no directory sync: a marker may be missing there after a power cut.
 *
 * Conventions:
 *
 * - A function returns crtx_status unless it cannot fail. CRTX_OK is 0. Details come back through
 *   the last argument, a crtx_error of the caller's own, or NULL; nothing is kept per thread.
 *   The comments name the statuses without their CRTX_E_. Beside those named, every function may
 *   answer INVALID_ARGUMENT and INTERNAL.
 *
 * - Every struct starts with struct_size: declare it with its CRTX_..._INIT. An input struct that is
 *   larger than this version knows is accepted up to 4,096 bytes if its unknown tail is zero;
 *   reserved fields must be zero.
 *
 * - Outputs are written only on success, except where a comment says otherwise. No output may
 *   overlap another, or an input. The library keeps no pointer after a call and gives out no memory
 *   to free.
 *
 * - Text outputs: capacity and *out_needed count bytes, with the terminating NUL. out_needed may
 *   be NULL; it is set on success and with CRTX_E_BUFFER_TOO_SMALL. buffer NULL with capacity 0
 *   asks for the size.
 *
 * - Text inputs are NUL-terminated UTF-8. Paths are any bytes on Unix, UTF-8 on Windows.
 *
 * - Nothing is printed, no environment variable is read, and no callback is called.
 */
#ifndef CRTX_H
#define CRTX_H


/* Written by cbindgen from src/ffi; do not edit. `make header` writes it anew. */

#include <stddef.h>
#include <stdint.h>
#ifdef __cplusplus
extern "C" {
#endif


/**
 * The version of the C ABI that this header describes. It is the number in the SONAME, and it
 * rises only when a program compiled against an older header would no longer work. Compare it
 * with what crtx_abi_version() answers to see which library was loaded.
 */
#define CRTX_ABI_VERSION 1

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
 * A marker is there: wait for the holder if it is held, or have an operator attest a takeover if it is stale.
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
 * The marker or its companion is gone or is no longer ours; stop writing to the store and find out who removed it.
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
 * A lock file is a symlink, FIFO, socket, device or directory, or has more than one link; find out who put it there.
 */
#define CRTX_E_NOT_REGULAR_FILE 42

/**
 * The directory is writable by everybody, or a lock file belongs to another user; correct owner and mode.
 */
#define CRTX_E_INSECURE_PERMISSIONS 43

/**
 * The directory is on a network filesystem, where OS locks cannot be trusted; use a local one, or allow it by flag.
 */
#define CRTX_E_UNSUPPORTED_FILESYSTEM 44

/**
 * The marker's name leaves no room for the 44 bytes that the longest derived name adds; use a shorter name.
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
 * The public key is not 32 bytes, not canonical, of small order, or of mixed order; use a proper Ed25519 key.
 */
#define CRTX_E_UNTRUSTED_KEY 60

/**
 * The signature is not exactly 64 raw bytes; pass the detached signature, not an encoding of it.
 */
#define CRTX_E_SIGNATURE_LENGTH 61

/**
 * The signature does not hold for these bytes and this key; nothing in the document is to be believed.
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
 * The attestation names another process than the marker on disk; attest the marker that is there.
 */
#define CRTX_E_STALE_PID_MISMATCH 71

/**
 * The attestation names another time than the marker on disk; attest the marker that is there.
 */
#define CRTX_E_STALE_TIME_MISMATCH 72

/**
 * The attestation names another digest than that of the marker on disk; attest the marker that is there.
 */
#define CRTX_E_STALE_DIGEST_MISMATCH 73

/**
 * The justification is blank, over 1,024 bytes, or has control characters; write one plain sentence.
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
 * In crtx_lock_options: the marker survives a power cut once the call has returned.
 */
#define CRTX_DURABILITY_FULL 0

/**
 * In crtx_lock_options: the marker survives the death of the process, but perhaps not a power
 * cut. Nothing of the lock is synced; a takeover's evidence always.
 */
#define CRTX_DURABILITY_PROCESS_CRASH 1

/**
 * A flag: work on a network filesystem too. OS locks may not exclude anybody there.
 */
#define CRTX_ALLOW_NETWORK_FILESYSTEM 1

/**
 * A flag: work in a directory that everybody may write to too.
 */
#define CRTX_ALLOW_SHARED_DIRECTORY 2

/**
 * State of a marker: there is none, and the store is free.
 */
#define CRTX_MARKER_ABSENT 1

/**
 * State of a marker: somebody is at work; nobody may take over.
 */
#define CRTX_MARKER_HELD 2

/**
 * State of a marker: a handle of this very process owns it, whichever thread acquired it.
 */
#define CRTX_MARKER_HELD_BY_THIS_PROCESS 3

/**
 * State of a marker: its holder died, or kept the marker on purpose. Only a signed attestation
 * moves it aside.
 */
#define CRTX_MARKER_STALE 4

/**
 * State of a marker: nobody holds it, and its text cannot be parsed. It is not free.
 */
#define CRTX_MARKER_MALFORMED 5

/**
 * Bytes of an Ed25519 seed (the secret).
 */
#define CRTX_SEED_SIZE 32

/**
 * Bytes of an Ed25519 public key.
 */
#define CRTX_PUBLIC_KEY_SIZE 32

/**
 * Bytes of an Ed25519 signature.
 */
#define CRTX_SIGNATURE_SIZE 64

/**
 * Bytes of a digest as text, "blake3:" and 64 hex digits, with the terminating NUL.
 */
#define CRTX_DIGEST_SIZE 72

/**
 * Bytes of an operator principal, "operator:" and 64 hex digits, with the terminating NUL.
 */
#define CRTX_PRINCIPAL_SIZE 74

/**
 * A buffer for stale_path has at least strlen(marker_path) + CRTX_STALE_PATH_EXTRA bytes.
 */
#define CRTX_STALE_PATH_EXTRA 32

/**
 * What a call came to: CRTX_OK, or one of the CRTX_E_... numbers.
 */
typedef int32_t crtx_status;

/**
 * How to acquire a lock. The texts are copied during the call.
 */
typedef struct crtx_lock_options {
  /**
   * sizeof(crtx_lock_options), set by the caller.
   */
  uint32_t struct_size;
  /**
   * CRTX_DURABILITY_FULL or CRTX_DURABILITY_PROCESS_CRASH.
   */
  uint32_t durability;
  /**
   * CRTX_ALLOW_... flags, or 0.
   */
  uint64_t flags;
  /**
   * How long crtx_lock_acquire waits for a holder to go, in milliseconds; 0: one attempt.
   */
  uint32_t timeout_ms;
  /**
   * Must be zero.
   */
  uint32_t reserved;
  /**
   * Which deployment the store belongs to: UTF-8, 1 to 255 bytes, no control characters.
   */
  const char *deployment_id;
  /**
   * Who answers for the restore: UTF-8, 1 to 255 bytes, no control characters.
   */
  const char *operator_principal_id;
  /**
   * Digest of the restore intent, as crtx_intent_verify gives it: "blake3:" and 64 hex digits.
   */
  const char *restore_intent_blake3;
  /**
   * UTF-8, up to 255 bytes, no control characters; NULL: this machine's host name.
   */
  const char *host;
/** Full durability, no flags, one attempt; the three texts are still to be set. */
#define CRTX_LOCK_OPTIONS_INIT { sizeof(crtx_lock_options), 0, 0, 0, 0, NULL, NULL, NULL, NULL }
} crtx_lock_options;

/**
 * A lock that this process holds. It is a value: copy it freely, pass it to any thread, never
 * look inside. All-zero is never a valid handle.
 */
typedef struct crtx_lock {
  /**
   * For the library only.
   */
  uint64_t opaque;
/** A handle that is not valid, to start with. */
#define CRTX_LOCK_INIT { 0 }
} crtx_lock;

/**
 * Why a call failed. The caller owns it and passes it last, or NULL. Each call fills it anew; on
 * success with status 0 and empty texts. One error per thread, not one shared between threads.
 *
 * With a struct_size under 16 it is ignored, else the whole fields that fit into struct_size are
 * written. Its size never changes the result of a call.
 */
typedef struct crtx_error {
  /**
   * sizeof(crtx_error), set by the caller.
   */
  uint32_t struct_size;
  /**
   * The same number as the call returned.
   */
  int32_t status;
  /**
   * errno, on Windows GetLastError(); 0 if the operating system had no part in it.
   */
  int32_t os_error;
  /**
   * CRTX_MARKER_...: what was found, with the statuses 20 to 23; else 0.
   */
  uint32_t marker_state;
  /**
   * The step that failed, such as "marker publish".
   */
  char operation[64];
  /**
   * One English sentence. It names the file, escaped, and is fit for a terminal or a log.
   */
  char message[1024];
/** An empty crtx_error, to start with. */
#define CRTX_ERROR_INIT { sizeof(crtx_error), 0, 0, 0, { 0 }, { 0 } }
} crtx_error;

/**
 * A marker as it was found. All texts are NUL-terminated UTF-8, empty where there is nothing to
 * tell.
 *
 * With a struct_size from 8 to 4096 the whole fields that fit are filled, and the rest of
 * struct_size is zeroed; any other size is CRTX_E_INVALID_ARGUMENT.
 */
typedef struct crtx_marker {
  /**
   * sizeof(crtx_marker), set by the caller.
   */
  uint32_t struct_size;
  /**
   * CRTX_MARKER_...
   */
  uint32_t state;
  /**
   * The process that wrote the marker; 0 if absent or malformed. Evidence for people only.
   */
  uint32_t pid;
  /**
   * Zero.
   */
  uint32_t reserved;
  /**
   * acquired_at in nanoseconds since 1970-01-01T00:00:00Z.
   */
  int64_t acquired_at_unix_ns;
  /**
   * RFC 3339, exactly as it stands in the marker.
   */
  char acquired_at[64];
  /**
   * The holder's host name.
   */
  char host[256];
  /**
   * The deployment that the marker names.
   */
  char deployment_id[256];
  /**
   * Who answers for the restore.
   */
  char operator_principal_id[256];
  /**
   * "production".
   */
  char scope[32];
  /**
   * "blake3:" and 64 hex digits.
   */
  char restore_intent_blake3[80];
  /**
   * Digest of the marker's own bytes; known for a malformed marker too, up to 1 MiB.
   */
  char marker_blake3[80];
/** An empty crtx_marker, to start with. */
#define CRTX_MARKER_INIT \
  { sizeof(crtx_marker), 0, 0, 0, 0, { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 }, { 0 } }
} crtx_marker;

/**
 * A signed document and what to judge it by. Everything is only read, and only during the call.
 */
typedef struct crtx_signed_document {
  /**
   * sizeof(crtx_signed_document), set by the caller.
   */
  uint32_t struct_size;
  /**
   * CRTX_ALLOW_... flags, or 0, for crtx_quarantine, crtx_takeover and crtx_takeover_verify.
   */
  uint32_t flags;
  /**
   * The signed bytes, exactly as they were signed.
   */
  const uint8_t *payload;
  /**
   * Bytes in payload, at most 65,536.
   */
  size_t payload_len;
  /**
   * The detached Ed25519 signature, raw.
   */
  const uint8_t *signature;
  /**
   * Bytes in signature: CRTX_SIGNATURE_SIZE.
   */
  size_t signature_len;
  /**
   * The operator key that the caller trusts. Never take it from beside the document.
   */
  const uint8_t *public_key;
  /**
   * Bytes in public_key: CRTX_PUBLIC_KEY_SIZE.
   */
  size_t public_key_len;
  /**
   * This deployment: UTF-8, 1 to 255 bytes, no control characters.
   */
  const char *deployment_id;
  /**
   * The time to judge by, in nanoseconds since 1970-01-01T00:00:00Z; 0: the system clock.
   */
  int64_t now_unix_ns;
/** The system clock, no flags; all else is still to be set. */
#define CRTX_SIGNED_DOCUMENT_INIT \
  { sizeof(crtx_signed_document), 0, NULL, 0, NULL, 0, NULL, 0, NULL, 0 }
} crtx_signed_document;

/**
 * What a restore intent must authorize. Paths are UTF-8, absolute, without "." and ".."; digests
 * are "blake3:" and 64 lowercase hex digits. All are compared byte for byte.
 */
typedef struct crtx_intent_expectation {
  /**
   * sizeof(crtx_intent_expectation), set by the caller.
   */
  uint32_t struct_size;
  /**
   * Must be zero.
   */
  uint32_t reserved;
  /**
   * The database that is going to be replaced.
   */
  const char *active_db_path;
  /**
   * The event log that is going to be replaced.
   */
  const char *active_event_log_path;
  /**
   * Digest of the backup's manifest.
   */
  const char *backup_manifest_blake3;
  /**
   * Digest of the staged database.
   */
  const char *staged_sqlite_blake3;
  /**
   * Digest of the staged event log.
   */
  const char *staged_jsonl_blake3;
/** All is still to be set. */
#define CRTX_INTENT_EXPECTATION_INIT \
  { sizeof(crtx_intent_expectation), 0, NULL, NULL, NULL, NULL, NULL }
} crtx_intent_expectation;

/**
 * Acquires the lock: publishes the marker at marker_path and holds its OS locks. The directory of
 * marker_path must exist; a name that ends in ".flock" or ".new" is refused. With timeout_ms it
 * waits for a holder to go, never for a stale marker. On success *out_lock is the caller's, to be
 * released with crtx_lock_release; *out_lock is zeroed before anything else, also when the call
 * fails.
 *
 * Statuses: MARKER_EXISTS (held, stale or malformed: see marker_state), CONTENDED, FORKED (in a
 * child of vfork, _Fork or raw clone), NO_PARENT_DIRECTORY, NOT_REGULAR_FILE,
 * INSECURE_PERMISSIONS, UNSUPPORTED_FILESYSTEM, NAME_TOO_LONG, IO. A failed call leaves no marker
 * of its own.
 */
crtx_status crtx_lock_acquire(const char *marker_path,
                              const struct crtx_lock_options *options,
                              struct crtx_lock *out_lock,
                              struct crtx_error *error);

/**
 * Asks whether marker and companion on disk are still this lock's own. Changes nothing.
 *
 * Statuses: LOST (stop writing to the store), FORKED, BAD_HANDLE, IO.
 */
crtx_status crtx_lock_check(struct crtx_lock lock, struct crtx_error *error);

/**
 * Marks the lock so that its release keeps the marker and the companion, for a restore whose
 * rollback failed. Until the release the lock is still held. Calling it twice is fine.
 *
 * Statuses: FORKED, BAD_HANDLE.
 */
crtx_status crtx_lock_leak(struct crtx_lock lock, struct crtx_error *error);

/**
 * Removes the marker durably, then the companion, unlocks, and ends the handle; after
 * crtx_lock_leak it keeps both files. What is not this lock's own is left alone. Of two racing
 * releases one wins, the other gets BAD_HANDLE.
 *
 * Statuses: LOST (the handle has ended), IO, FORKED, BAD_HANDLE. After IO, release once more: if
 * the marker could not be removed the handle is still valid, and nothing has changed; if it
 * answers BAD_HANDLE the marker was removed, but may come back after a power cut.
 */
crtx_status crtx_lock_release(struct crtx_lock lock, struct crtx_error *error);

/**
 * Gives the marker as this lock wrote it, with state CRTX_MARKER_HELD_BY_THIS_PROCESS. The disk is
 * not read: see crtx_lock_check and crtx_marker_inspect for that.
 *
 * Statuses: FORKED, BAD_HANDLE.
 */
crtx_status crtx_lock_marker(struct crtx_lock lock,
                             struct crtx_marker *out_marker,
                             struct crtx_error *error);

/**
 * Gives the absolute path of the marker, as text.
 *
 * Statuses: BUFFER_TOO_SMALL, FORKED, BAD_HANDLE.
 */
crtx_status crtx_lock_marker_path(struct crtx_lock lock,
                                  char *buffer,
                                  size_t capacity,
                                  size_t *out_needed,
                                  struct crtx_error *error);

/**
 * Gives the absolute path of the companion, as text.
 *
 * Statuses: BUFFER_TOO_SMALL, FORKED, BAD_HANDLE.
 */
crtx_status crtx_lock_companion_path(struct crtx_lock lock,
                                     char *buffer,
                                     size_t capacity,
                                     size_t *out_needed,
                                     struct crtx_error *error);

/**
 * Tells how the marker at marker_path stands, and what it says. Changes nothing on disk and does
 * not wait. Absent and malformed are states, not errors. The answer is true at one instant only:
 * never delete a marker on the strength of it.
 *
 * Statuses: NOT_REGULAR_FILE, INSECURE_PERMISSIONS, NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED
 * (the files kept changing; on Windows also: one is being deleted, or a program does not share it),
 * IO. Works in any forked child.
 */
crtx_status crtx_marker_inspect(const char *marker_path,
                                struct crtx_marker *out_marker,
                                struct crtx_error *error);

/**
 * Gives the marker's bytes as they are, held or not, well-formed or not, with a NUL after them. A
 * malformed marker may contain NULs of its own: its length is *out_needed - 1.
 *
 * Statuses: MARKER_ABSENT, BUFFER_TOO_SMALL, TOO_LARGE (over 1 MiB), NOT_REGULAR_FILE,
 * INSECURE_PERMISSIONS, NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED (it kept changing; on Windows
 * also: it is being deleted, or a program does not share it), IO. The marker may change between two
 * calls: 4,097 bytes hold every well-formed one.
 */
crtx_status crtx_marker_read(const char *marker_path,
                             char *buffer,
                             size_t capacity,
                             size_t *out_needed,
                             struct crtx_error *error);

/**
 * Moves a stale marker aside, on the strength of an operator's signed takeover attestation: renames
 * it to "marker_path.stale-TIME" and keeps payload and signature beside it as evidence. Nothing
 * is ever overwritten, and all is synced. stale_path receives the new name as text; it needs
 * strlen(marker_path) + CRTX_STALE_PATH_EXTRA bytes, checked before anything is touched.
 *
 * Statuses: CONTENDED (the holder lives: no signature overrides it), MARKER_ABSENT,
 * MARKER_MALFORMED, LOST, BUFFER_TOO_SMALL, FORKED (in a child of vfork, _Fork or raw clone), the
 * statuses 60 to 74 of the document, and 40 to 46 of the files.
 */
crtx_status crtx_quarantine(const char *marker_path,
                            const struct crtx_signed_document *attestation,
                            char *stale_path,
                            size_t capacity,
                            size_t *out_needed,
                            struct crtx_error *error);

/**
 * Quarantines a stale marker as crtx_quarantine does, and acquires the lock in the same step: nobody
 * can get in between. It never waits: timeout_ms is not used. The flags of document and options are
 * joined. *out_lock is zeroed before anything else, also when the call fails.
 *
 * Statuses: those of crtx_quarantine and of crtx_lock_acquire; DEPLOYMENT_MISMATCH also if the
 * options name another deployment than the document. If the call fails after the old marker was
 * moved and it could not be moved back, stale_path and *out_needed are written all the same, and
 * the message says what stands where.
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
 * Asks what crtx_quarantine would answer now. Changes nothing on disk.
 *
 * Statuses: those of crtx_quarantine, without BUFFER_TOO_SMALL.
 */
crtx_status crtx_takeover_verify(const char *marker_path,
                                 const struct crtx_signed_document *attestation,
                                 struct crtx_error *error);

/**
 * Lists the quarantined markers of marker_path, oldest first: their paths, each ended by a NUL, then
 * one more NUL. *out_needed counts them all; with nothing quarantined it is 1. This alone reads the
 * whole directory.
 *
 * Statuses: BUFFER_TOO_SMALL, NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED (on Windows: a file is
 * being deleted), IO.
 */
crtx_status crtx_evidence_list(const char *marker_path,
                               char *buffer,
                               size_t capacity,
                               size_t *out_needed,
                               struct crtx_error *error);

/**
 * Proves that a quarantined marker, one path of crtx_evidence_list, was moved aside by an attestation
 * that public_key signed and that names this very marker. The time is not checked: the attestation
 * was valid when it was used.
 *
 * Statuses: BAD_SIGNATURE, UNTRUSTED_KEY, EVIDENCE_INVALID (missing, or anything else that does not
 * fit), NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED (on Windows: a program does not share a file),
 * IO.
 */
crtx_status crtx_evidence_verify(const char *stale_path,
                                 const uint8_t *public_key,
                                 size_t public_key_len,
                                 struct crtx_error *error);

/**
 * Builds the takeover attestation of the marker that is at marker_path now, held or not, as JSON
 * text for crtx_sign (without the NUL: *out_needed - 1 bytes). deployment_id NULL means the
 * marker's own; for a malformed marker it is required. justification is one plain sentence, at most
 * 1,024 bytes. The document is valid from 300 seconds before now_unix_ns (0: the system clock) until
 * valid_for_seconds after it, 1 to 86,400. It names the operator principal of public_key.
 *
 * Statuses: MARKER_ABSENT, BUFFER_TOO_SMALL, JUSTIFICATION_INVALID, UNTRUSTED_KEY,
 * DEPLOYMENT_MISMATCH, TOO_LARGE, NOT_REGULAR_FILE, INSECURE_PERMISSIONS, NO_PARENT_DIRECTORY,
 * NAME_TOO_LONG, CONTENDED (as crtx_marker_read), IO.
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
 * Builds a restore intent as JSON text for crtx_sign (without the NUL: *out_needed - 1 bytes). The
 * document is valid from 300 seconds before now_unix_ns (0: the system clock) until
 * valid_for_seconds after it, 1 to 86,400. It names the operator principal of public_key.
 *
 * Statuses: BUFFER_TOO_SMALL, UNTRUSTED_KEY, TOO_LARGE.
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
 * Verifies a signed restore intent, and that it authorizes exactly what is expected. digest receives
 * the digest of the payload as text (CRTX_DIGEST_SIZE bytes), for restore_intent_blake3 of
 * crtx_lock_options. The flags of the document are not used.
 *
 * Statuses: BUFFER_TOO_SMALL, TOO_LARGE, and 60 to 76 but for the four of markers (71 to 74).
 */
crtx_status crtx_intent_verify(const struct crtx_signed_document *intent,
                               const struct crtx_intent_expectation *expected,
                               char *digest,
                               size_t capacity,
                               size_t *out_needed,
                               struct crtx_error *error);

/**
 * Signs payload, at most 65,536 bytes, with the key of seed (CRTX_SEED_SIZE bytes). signature
 * receives CRTX_SIGNATURE_SIZE raw bytes. The library wipes its own copies of the secret; the
 * caller's seed is the caller's to wipe. payload may be NULL if payload_len is 0.
 *
 * Statuses: BUFFER_TOO_SMALL, TOO_LARGE.
 */
crtx_status crtx_sign(const uint8_t *seed,
                      size_t seed_len,
                      const uint8_t *payload,
                      size_t payload_len,
                      uint8_t *signature,
                      size_t capacity,
                      struct crtx_error *error);

/**
 * Derives the public key of seed (CRTX_SEED_SIZE bytes). public_key receives CRTX_PUBLIC_KEY_SIZE
 * raw bytes.
 *
 * Statuses: BUFFER_TOO_SMALL.
 */
crtx_status crtx_public_key(const uint8_t *seed,
                            size_t seed_len,
                            uint8_t *public_key,
                            size_t capacity,
                            struct crtx_error *error);

/**
 * Gives the operator principal of a public key as text (CRTX_PRINCIPAL_SIZE bytes).
 *
 * Statuses: UNTRUSTED_KEY, BUFFER_TOO_SMALL.
 */
crtx_status crtx_operator_principal(const uint8_t *public_key,
                                    size_t public_key_len,
                                    char *buffer,
                                    size_t capacity,
                                    size_t *out_needed,
                                    struct crtx_error *error);

/**
 * Gives the BLAKE3 digest of a regular file of any size as text (CRTX_DIGEST_SIZE bytes). Symlinks
 * are followed.
 *
 * Statuses: NOT_REGULAR_FILE, BUFFER_TOO_SMALL, IO.
 */
crtx_status crtx_blake3_file(const char *path,
                             char *buffer,
                             size_t capacity,
                             size_t *out_needed,
                             struct crtx_error *error);

/**
 * Gives the name of a status, such as "CRTX_E_CONTENDED"; "CRTX_E_UNKNOWN" for a number that this
 * library does not know. A constant text, never NULL, never to be freed. Cannot fail.
 */
const char *crtx_status_name(crtx_status status);

/**
 * Gives one sentence on a status: what it means and what to do. A constant text, never NULL, never to
 * be freed. Cannot fail.
 */
const char *crtx_status_message(crtx_status status);

/**
 * Gives the version of the library, such as "0.1.0". A constant text, never NULL, never to be freed.
 * Cannot fail.
 */
const char *crtx_version(void);

/**
 * Gives the CRTX_ABI_VERSION that the library was built with. Cannot fail.
 */
uint32_t crtx_abi_version(void);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* CRTX_H */
