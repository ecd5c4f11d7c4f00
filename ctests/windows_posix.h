/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The few calls of POSIX that the tests for every platform make, on Windows. Included before each
 * source by the compiler's command line. Paths are UTF-8 there and here. */
#ifndef CRTX_CTESTS_WINDOWS_POSIX_H
#define CRTX_CTESTS_WINDOWS_POSIX_H

#include <fcntl.h>
#include <io.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#define O_CLOEXEC (O_BINARY | O_NOINHERIT)
#define O_NONBLOCK 0

/* As lstat: the numbers by which Windows tells files apart, and no owner. */
struct posix_stat {
  uint64_t st_dev, st_ino;
  int64_t st_size;
  struct timespec st_mtim;
  unsigned st_mode;
};
int posix_lstat(const char *path, struct posix_stat *status);
/* The name is free at once, whoever has the file open. */
int posix_unlink(const char *path);
/* Replaces what stands at the new name, though not at one stroke. */
int posix_rename(const char *from, const char *to);
int posix_truncate(const char *path, int64_t length);
int windows_host_name(char *name, size_t capacity);
int posix_mkdir(const char *path, unsigned mode);
/* Gives the group Everyone all rights to a directory. */
int windows_open_to_everybody(const char *directory);

#undef stat
#define stat posix_stat
#define lstat posix_lstat
#define unlink posix_unlink
#define rename posix_rename
#define truncate posix_truncate
#define mkdir posix_mkdir
#define gmtime_r(seconds, parts) gmtime_s((parts), (seconds))

#endif
