/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Other protocols, as bare calls. */
#include "calls.h"

/* The marker is created under its own name: whoever looks meanwhile, or after a crash, can see half of it. */
int reference_acquire(const struct floor_site *site, struct floor_lock *lock, int durable) {
  TRY(lock->directory = open(site->directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(lock->marker = openat(lock->directory, site->marker, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  TRY(write(lock->marker, site->text, site->length));
  if (durable) TRY(fsync(lock->marker));
  TRY(lock->companion = openat(lock->directory, site->companion, O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  TRY(flock(lock->companion, LOCK_EX | LOCK_NB));
  TRY(close(lock->marker));
  return 0;
}

int reference_release(const struct floor_site *site, struct floor_lock *lock) {
  TRY(unlinkat(lock->directory, site->marker, 0));
  TRY(close(lock->companion));
  TRY(unlinkat(lock->directory, site->companion, 0));
  TRY(close(lock->directory));
  return 0;
}

/* The calls that strace shows of PostgreSQL 15 (`postgres --single`). The file is synced when it is created,
   and again when the line about shared memory is added; its directory never. The server's working
   directory stands for it there. */
int postmaster_acquire(const struct floor_site *site) {
  int directory, file;
  char text[8192];
  TRY(directory = open(site->directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(file = openat(directory, site->marker, O_RDWR | O_CREAT | O_EXCL, 0600));
  TRY(write(file, site->text, 35));
  TRY(fsync(file));
  TRY(close(file));
  TRY(file = openat(directory, site->marker, O_RDWR));
  TRY(read(file, text, sizeof text - 1));
  TRY(pwrite(file, site->text, 55, 0));
  TRY(fsync(file));
  TRY(close(file));
  TRY(close(directory));
  return 0;
}

int postmaster_release(const struct floor_site *site) {
  int directory;
  TRY(directory = open(site->directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(unlinkat(directory, site->marker, 0));
  TRY(close(directory));
  return 0;
}
