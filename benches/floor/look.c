/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Refusals and inspection: calls that look, and change nothing. */
#include "calls.h"

enum { LONGEST_MARKER = 4096 };

static int open_directory(const struct floor_site *site, int *directory) {
  struct stat status;
  TRY(*directory = open(site->directory, O_RDONLY | O_CLOEXEC | O_DIRECTORY));
  TRY(fstat(*directory, &status));
  return 0;
}

/* A shared try, which is in no holder's way. */
static int try_shared(int file, int *is_mine) {
  *is_mine = flock(file, LOCK_SH | LOCK_NB) == 0;
  return *is_mine || errno == EWOULDBLOCK ? 0 : errno;
}

static int read_text(int marker) {
  char text[LONGEST_MARKER + 1];
  TRY(read(marker, text, sizeof text));
  return 0;
}

/* Whether somebody holds it is told by the marker's lock, who by its text. */
static int read_marker(int marker) {
  int failure, is_mine;
  struct stat status;
  TRY(fstat(marker, &status));
  if ((failure = try_shared(marker, &is_mine)) != 0) return failure;
  return read_text(marker);
}

int floor_refused_by_a_holder(const struct floor_site *site) {
  int failure, directory, companion, marker;
  struct stat status;
  struct statfs filesystem;
  if ((failure = open_directory(site, &directory)) != 0) return failure;
  TRY(fstatfs(directory, &filesystem));
  TRY(companion = openat(directory, site->companion, O_RDWR | O_CREAT | LOCK_FILE, 0600));
  TRY(fstat(companion, &status));
  if (flock(companion, LOCK_EX | LOCK_NB) == 0) return WAS_NOT_REFUSED;
  TRY(marker = openat(directory, site->marker, O_RDONLY | LOCK_FILE));
  if ((failure = read_marker(marker)) != 0) return failure;
  TRY(fstatat(directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  TRY(close(companion));
  TRY(close(marker));
  TRY(close(directory));
  return 0;
}

int floor_refused_by_a_stale_marker(const struct floor_site *site) {
  int failure, directory, companion, marker;
  struct stat status;
  struct statfs filesystem;
  if ((failure = open_directory(site, &directory)) != 0) return failure;
  TRY(fstatfs(directory, &filesystem));
  TRY(companion = openat(directory, site->companion, O_RDWR | O_CREAT | LOCK_FILE, 0600));
  TRY(fstat(companion, &status));
  TRY(flock(companion, LOCK_EX | LOCK_NB));
  TRY(fstatat(directory, site->companion, &status, AT_SYMLINK_NOFOLLOW));
  TRY(marker = openat(directory, site->marker, O_RDONLY | LOCK_FILE));
  if ((failure = read_marker(marker)) != 0) return failure;
  TRY(fstatat(directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  TRY(flock(marker, LOCK_UN));
  TRY(close(marker));
  TRY(flock(companion, LOCK_UN));
  TRY(close(companion));
  TRY(close(directory));
  return 0;
}

int floor_inspect(const struct floor_site *site) {
  int failure, directory, companion, marker, has_companion, has_marker;
  struct stat status;
  if ((failure = open_directory(site, &directory)) != 0) return failure;
  marker = openat(directory, site->marker, O_RDONLY | LOCK_FILE);
  if (marker < 0) {
    if (errno != ENOENT) return errno;
    TRY(close(directory));
    return 0;
  }
  TRY(fstat(marker, &status));
  TRY(companion = openat(directory, site->companion, O_RDONLY | LOCK_FILE));
  TRY(fstat(companion, &status));
  if ((failure = try_shared(companion, &has_companion)) != 0) return failure;
  if ((failure = try_shared(marker, &has_marker)) != 0) return failure;
  if ((failure = read_text(marker)) != 0) return failure;
  if (has_marker) TRY(flock(marker, LOCK_UN));
  if (has_companion) TRY(flock(companion, LOCK_UN));
  TRY(close(companion));
  TRY(fstatat(directory, site->companion, &status, AT_SYMLINK_NOFOLLOW));
  TRY(fstatat(directory, site->marker, &status, AT_SYMLINK_NOFOLLOW));
  TRY(close(marker));
  TRY(close(directory));
  return 0;
}
