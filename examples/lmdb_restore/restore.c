/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The restore tool: a verified copy of the backup's data.mdb, in place. (Where there is room for a
 * second copy, rename(2) would shorten the time in which the store is neither one nor the other. It
 * would not help those who have the old file mapped, and would not say who did it.) */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHUNK_BYTES = 65536 };

static enum ending say(struct ledger *ledger, enum ending ending, const char *text) {
  snprintf(ledger->text, sizeof ledger->text, "%s", text);
  return ending;
}

static enum ending say_errno(struct ledger *ledger, enum ending ending, const char *text) {
  snprintf(ledger->text, sizeof ledger->text, "%s: %s", text, strerror(errno));
  return ending;
}

/* begin: log */
/* One line for a log. The message names the file, escaped, and has no line break. */
void describe(const crtx_error *error, char *out, size_t size) {
  snprintf(out, size, "refused: status=%s operation=\"%s\" os_error=%ld marker_state=%lu %s",
           crtx_status_name(error->status), error->operation, (long)error->os_error,
           (unsigned long)error->marker_state, error->message);
}
/* end: log */

/* begin: authorize */
/* What is signed, and what is verified, is made from the files that are there now. LMDB has no log
 * beside its data, so the data file stands for both. */
crtx_status authorize(struct ledger *ledger, struct order *order, const struct operator_key *key,
                      crtx_error *error) {
  crtx_intent_expectation expected = CRTX_INTENT_EXPECTATION_INIT;
  crtx_signed_document intent;
  struct document document;
  crtx_status status;
  file_digest(ledger->manifest, order->digests[0]);
  file_digest(ledger->staged, order->digests[1]);
  expected.active_db_path = ledger->data;
  expected.active_event_log_path = ledger->data;
  expected.backup_manifest_blake3 = order->digests[0];
  expected.staged_sqlite_blake3 = order->digests[1];
  expected.staged_jsonl_blake3 = order->digests[1];
  sign_intent(&document, key, &expected); /* the operator does this, elsewhere */
  intent = as_signed(&document, key);
  status = crtx_intent_verify(&intent, &expected, order->intent_digest, sizeof order->intent_digest,
                              NULL, error);
  order->options.deployment_id = DEPLOYMENT;
  order->options.operator_principal_id = key->principal;
  order->options.restore_intent_blake3 = order->intent_digest;
  return status;
}
/* end: authorize */

/* begin: engine-lock */
/* Whoever has the environment open holds a shared fcntl lock on the first byte of lock.mdb. The
 * exclusive one says that nobody has, and makes an mdb_env_open() that did not look wait. */
static int lock_out_lmdb(struct ledger *ledger, enum ending *ending) {
  struct flock first_byte;
  int file = open(ledger->lock_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (file < 0) {
    *ending = say_errno(ledger, NOT_TRIED, "cannot open LMDB's own lock file");
    return -1;
  }
  memset(&first_byte, 0, sizeof first_byte);
  first_byte.l_type = F_WRLCK;
  first_byte.l_whence = SEEK_SET;
  first_byte.l_len = 1;
  if (fcntl(file, F_SETLK, &first_byte) == 0) return file;
  if (errno == EAGAIN || errno == EACCES) /* POSIX lets a system choose between the two */
    *ending = say(ledger, IN_USE, "the store is open elsewhere: LMDB's own lock is taken");
  else
    *ending = say_errno(ledger, NOT_TRIED, "cannot lock LMDB's own lock file");
  close(file);
  return -1;
}
/* end: engine-lock */

static int copy_chunk(int from, int to, off_t offset, size_t length) {
  char chunk[CHUNK_BYTES];
  return pread(from, chunk, length, offset) == (ssize_t)length &&
         pwrite(to, chunk, length, offset) == (ssize_t)length;
}

/* begin: copy */
static int copy_in_place(int from, int to, crtx_lock lock, const struct watcher *watcher,
                         crtx_error *error) {
  off_t total = lseek(from, 0, SEEK_END);
  off_t done = 0;
  while (done < total) {
    size_t length = total - done < CHUNK_BYTES ? (size_t)(total - done) : CHUNK_BYTES;
    if (crtx_lock_check(lock, error) != CRTX_OK) return 0; /* not ours any more: not a byte more */
    if (!copy_chunk(from, to, done, length)) return 0;
    done += (off_t)length;
    if (watcher != NULL) watcher->after_chunk(watcher->context, (long)done, (long)total);
  }
  if (crtx_lock_check(lock, error) != CRTX_OK) return 0;
  /* On the disk before the marker goes, or a power cut leaves half a store and no marker. */
  return ftruncate(to, total) == 0 && fsync(to) == 0;
}

static int copy_and_verify(struct ledger *ledger, const struct order *order, crtx_lock lock,
                           const struct watcher *watcher, crtx_error *error) {
  char digest[TEXT_SIZE] = "";
  int from = open(ledger->staged, O_RDONLY | O_CLOEXEC);
  int to = open(ledger->data, O_WRONLY | O_CLOEXEC);
  int copied = from >= 0 && to >= 0 && copy_in_place(from, to, lock, watcher, error);
  if (from >= 0) close(from);
  if (to >= 0) close(to);
  /* The backup may have changed since it was authorized: what counts is what stands there now. */
  return copied &&
         crtx_blake3_file(ledger->data, digest, sizeof digest, NULL, error) == CRTX_OK &&
         strcmp(digest, order->digests[1]) == 0;
}
/* end: copy */

/* begin: release */
/* After IO once more. BAD_HANDLE the second time: the marker is gone, but may come back after a
 * power cut. Whatever the second call says, the first message stays: it tells what failed. */
static crtx_status release(crtx_lock lock, crtx_error *error) {
  crtx_status status = crtx_lock_release(lock, error);
  if (status == CRTX_E_IO && crtx_lock_release(lock, NULL) == CRTX_OK) return CRTX_OK;
  return status;
}
/* end: release */

/* begin: restore */
/* With the lock held, by acquire or by takeover. It is always released, and the marker is kept
 * unless the store is whole: after a takeover it is not, until the copy is done. */
static enum ending restore_under(crtx_lock lock, int whole, struct ledger *ledger,
                                 const struct order *order, const struct watcher *watcher,
                                 crtx_error *error) {
  enum ending ending = RESTORED;
  int engine_lock = lock_out_lmdb(ledger, &ending);
  if (engine_lock >= 0) {
    whole = copy_and_verify(ledger, order, lock, watcher, error);
    if (!whole && error->status != CRTX_OK)
      ending = say(ledger, IN_DOUBT, error->message);
    else if (!whole)
      ending = say(ledger, IN_DOUBT, "what was copied is not the backup");
    close(engine_lock);
  }
  if (!whole) crtx_lock_leak(lock, NULL);
  if (release(lock, error) != CRTX_OK) return say(ledger, IN_DOUBT, error->message);
  return ending;
}

enum ending restore(struct ledger *ledger, const struct order *order,
                    const struct watcher *watcher, crtx_error *error) {
  crtx_lock lock;
  if (crtx_lock_acquire(ledger->marker, &order->options, &lock, error) != CRTX_OK)
    return say(ledger, REFUSED, error->message);
  return restore_under(lock, 1, ledger, order, watcher, error);
}
/* end: restore */

/* begin: takeover */
enum ending restore_by_takeover(struct ledger *ledger, const struct order *order,
                                const struct document *attestation, const struct operator_key *key,
                                crtx_error *error) {
  crtx_signed_document document = as_signed(attestation, key); /* key: the one that we trust */
  crtx_lock lock;
  char stale_path[STALE_PATH_SIZE];
  if (crtx_takeover(ledger->marker, &document, &order->options, &lock, stale_path,
                    sizeof stale_path, NULL, error) != CRTX_OK)
    return say(ledger, REFUSED, error->message);
  return restore_under(lock, 0, ledger, order, NULL, error);
}
/* end: takeover */
