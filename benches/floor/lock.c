/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Acquire, release and check. */
#include "calls.h"

static int look_at_directory(const struct floor_site *site, int *directory) {
  struct stat status;
  struct statfs filesystem;
  TRY(*directory = open(site->directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(fstat(*directory, &status));
  TRY(fstatfs(*directory, &filesystem));
  return 0;
}

/* The companion is opened, seen to be a regular file of ours, locked, and still at its path. */
static int claim_companion(const struct floor_site *site, struct floor_lock *lock) {
  struct stat status;
  TRY(lock->companion = openat(lock->directory, site->companion, O_RDWR | O_CREAT | LOCK_FILE, 0600));
  TRY(fstat(lock->companion, &status));
  TRY(flock(lock->companion, LOCK_EX | LOCK_NB));
  TRY(fstatat(lock->directory, site->companion, &status, AT_SYMLINK_NOFOLLOW));
  return 0;
}

/* Written under another name, locked, synced, put in place without overwriting, synced. */
static int publish(const struct floor_site *site, struct floor_lock *lock, int durable) {
  struct stat status;
  TRY(lock->marker = openat(lock->directory, site->fresh, O_RDWR | O_CREAT | O_EXCL | LOCK_FILE, 0644));
  TRY(fstat(lock->marker, &status));
  TRY(flock(lock->marker, LOCK_EX | LOCK_NB));
  TRY(fstatat(lock->directory, site->fresh, &status, AT_SYMLINK_NOFOLLOW));
  TRY(write(lock->marker, site->text, site->length));
  if (durable) TRY(fsync(lock->marker));
  TRY(renameat2(lock->directory, site->fresh, lock->directory, site->marker, RENAME_NOREPLACE));
  TRY(fstatat(lock->directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  if (durable) TRY(fsync(lock->directory));
  return 0;
}

int floor_acquire(const struct floor_site *site, struct floor_lock *lock, int durable) {
  int failure;
  if ((failure = look_at_directory(site, &lock->directory)) != 0) return failure;
  if ((failure = claim_companion(site, lock)) != 0) return failure;
  if (openat(lock->directory, site->marker, O_RDONLY | LOCK_FILE) >= 0) return EEXIST;
  return publish(site, lock, durable);
}

int floor_check(const struct floor_site *site, const struct floor_lock *lock) {
  struct stat status;
  TRY(fstat(lock->companion, &status));
  TRY(fstatat(lock->directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  TRY(fstatat(lock->directory, site->companion, &status, AT_SYMLINK_NOFOLLOW));
  return 0;
}

/* Unlocked before it is closed: a child of vfork or raw clone may have copies of the descriptors. */
static int end(const struct floor_lock *lock) {
  TRY(flock(lock->companion, LOCK_UN));
  TRY(close(lock->companion));
  TRY(flock(lock->marker, LOCK_UN));
  TRY(close(lock->marker));
  TRY(close(lock->directory));
  return 0;
}

int floor_release(const struct floor_site *site, struct floor_lock *lock, int durable) {
  int failure;
  struct stat status;
  TRY(fstat(lock->marker, &status));
  if ((failure = floor_check(site, lock)) != 0) return failure;
  TRY(unlinkat(lock->directory, site->marker, 0));
  if (durable) {
    TRY(fsync(lock->directory));
    /* That took milliseconds, in which an outsider may have put another's companion there. */
    TRY(fstatat(lock->directory, site->companion, &status, AT_SYMLINK_NOFOLLOW));
  }
  TRY(unlinkat(lock->directory, site->companion, 0));
  return end(lock);
}

static int look_if(int wanted, int file) {
  struct stat status;
  return wanted ? fstat(file, &status) : 0;
}

static int look_at_name_if(int wanted, int directory, const char *name) {
  struct stat status;
  return wanted ? fstatat(directory, name, &status, AT_SYMLINK_NOFOLLOW) : 0;
}

int floor_cycle_with(const struct floor_site *site, int looks) {
  struct floor_lock lock;
  struct statfs filesystem;
  const int at_companion = looks & LOOK_AT_COMPANION, at_marker = looks & LOOK_AT_FRESH_MARKER;
  const int before_release = looks & LOOK_BEFORE_RELEASE;
  TRY(lock.directory = open(site->directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(look_if(looks & LOOK_AT_DIRECTORY, lock.directory));
  if (looks & LOOK_AT_FILESYSTEM) TRY(fstatfs(lock.directory, &filesystem));
  TRY(lock.companion = openat(lock.directory, site->companion, O_RDWR | O_CREAT | LOCK_FILE, 0600));
  TRY(look_if(at_companion, lock.companion));
  TRY(flock(lock.companion, LOCK_EX | LOCK_NB));
  TRY(look_at_name_if(at_companion, lock.directory, site->companion));
  if ((looks & LOOK_FOR_MARKER) && openat(lock.directory, site->marker, O_RDONLY | LOCK_FILE) >= 0) return EEXIST;
  TRY(lock.marker = openat(lock.directory, site->fresh, O_RDWR | O_CREAT | O_EXCL | LOCK_FILE, 0644));
  TRY(look_if(at_marker, lock.marker));
  TRY(flock(lock.marker, LOCK_EX | LOCK_NB));
  TRY(look_at_name_if(at_marker, lock.directory, site->fresh));
  TRY(write(lock.marker, site->text, site->length));
  TRY(renameat2(lock.directory, site->fresh, lock.directory, site->marker, RENAME_NOREPLACE));
  TRY(look_at_name_if(at_marker, lock.directory, site->marker));
  TRY(look_if(before_release, lock.marker));
  TRY(look_if(before_release, lock.companion));
  TRY(look_at_name_if(before_release, lock.directory, site->marker));
  TRY(look_at_name_if(before_release, lock.directory, site->companion));
  TRY(unlinkat(lock.directory, site->marker, 0));
  TRY(unlinkat(lock.directory, site->companion, 0));
  return end(&lock);
}

int floor_block_open(const char *path, int *file) {
  TRY(*file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  return floor_block_sync(*file);
}

int floor_block_sync(int file) {
  static const char block[4096];
  TRY(pwrite(file, block, sizeof block, 0));
  TRY(fdatasync(file));
  return 0;
}

int floor_settle(const char *directory) {
  int file;
  TRY(file = open(directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(fsync(file));
  TRY(close(file));
  return 0;
}
