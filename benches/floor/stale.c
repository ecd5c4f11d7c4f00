/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Quarantine and takeover, without the signature that allows them. */
#include "calls.h"

/* Both locks of the stale marker, which is read and seen to be still there. */
static int claim_stale(const struct floor_site *site, struct floor_lock *lock) {
  struct stat status;
  struct statfs filesystem;
  char text[4097];
  TRY(lock->directory = open(site->directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(fstat(lock->directory, &status));
  TRY(fstatfs(lock->directory, &filesystem));
  /* A marker that is absent is to leave no companion behind. */
  TRY(fstatat(lock->directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  TRY(lock->companion = openat(lock->directory, site->companion, O_RDWR | O_CREAT | LOCK_FILE, 0600));
  TRY(fstat(lock->companion, &status));
  TRY(flock(lock->companion, LOCK_EX | LOCK_NB));
  TRY(fstatat(lock->directory, site->companion, &status, AT_SYMLINK_NOFOLLOW));
  TRY(lock->marker = openat(lock->directory, site->marker, O_RDONLY | LOCK_FILE));
  TRY(fstat(lock->marker, &status));
  TRY(flock(lock->marker, LOCK_EX | LOCK_NB));
  TRY(fstatat(lock->directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  TRY(read(lock->marker, text, sizeof text));
  return 0;
}

static int write_evidence(int directory, const char *name, const char *bytes, size_t length) {
  struct stat status;
  int file;
  TRY(file = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | LOCK_FILE, 0644));
  TRY(fstat(file, &status));
  TRY(write(file, bytes, length));
  TRY(fsync(file));
  TRY(close(file));
  return 0;
}

/* Evidence first, then the marker moves: each step synced before the next. */
static int move_aside(const struct floor_site *site, const struct floor_evidence *evidence,
                      const struct floor_lock *lock) {
  int failure;
  struct stat status;
  const int directory = lock->directory;
  if (fstatat(directory, evidence->stale, &status, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  if (fstatat(directory, evidence->document_name, &status, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  if (fstatat(directory, evidence->signature_name, &status, AT_SYMLINK_NOFOLLOW) == 0) return EEXIST;
  failure = write_evidence(directory, evidence->document_name, evidence->document, evidence->length);
  if (failure != 0) return failure;
  failure = write_evidence(directory, evidence->signature_name, evidence->signature, 64);
  if (failure != 0) return failure;
  TRY(fsync(directory));
  TRY(renameat2(directory, site->marker, directory, evidence->stale, RENAME_NOREPLACE));
  TRY(fstatat(directory, evidence->stale, &status, AT_SYMLINK_NOFOLLOW));
  TRY(fsync(directory));
  return 0;
}

int floor_quarantine(const struct floor_site *site, const struct floor_evidence *evidence) {
  int failure;
  struct floor_lock lock;
  struct stat status;
  if ((failure = claim_stale(site, &lock)) != 0) return failure;
  if ((failure = move_aside(site, evidence, &lock)) != 0) return failure;
  TRY(fstatat(lock.directory, site->companion, &status, AT_SYMLINK_NOFOLLOW));
  TRY(unlinkat(lock.directory, site->companion, 0));
  TRY(flock(lock.companion, LOCK_UN));
  TRY(close(lock.companion));
  TRY(flock(lock.marker, LOCK_UN));
  TRY(close(lock.marker));
  TRY(close(lock.directory));
  return 0;
}

int floor_takeover(const struct floor_site *site, const struct floor_evidence *evidence,
                   struct floor_lock *lock) {
  int failure, fresh;
  struct stat status;
  if ((failure = claim_stale(site, lock)) != 0) return failure;
  TRY(fresh = openat(lock->directory, site->fresh, O_RDWR | O_CREAT | O_EXCL | LOCK_FILE, 0644));
  TRY(fstat(fresh, &status));
  TRY(flock(fresh, LOCK_EX | LOCK_NB));
  TRY(fstatat(lock->directory, site->fresh, &status, AT_SYMLINK_NOFOLLOW));
  TRY(write(fresh, site->text, site->length));
  TRY(fsync(fresh));
  if ((failure = move_aside(site, evidence, lock)) != 0) return failure;
  TRY(renameat2(lock->directory, site->fresh, lock->directory, site->marker, RENAME_NOREPLACE));
  TRY(fstatat(lock->directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  TRY(fsync(lock->directory));
  TRY(flock(lock->marker, LOCK_UN));
  TRY(close(lock->marker));
  lock->marker = fresh;
  return 0;
}
