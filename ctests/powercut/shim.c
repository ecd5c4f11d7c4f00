/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Preloaded into the workload. CRTX_POWERCUT_SHIM says what it does:
 *
 *   no-sync            fsync does nothing: the control
 *   no-file-sync       fsync of a file does nothing
 *   no-directory-sync  fsync of a directory does nothing
 *   no-sync-N          the Nth fsync, forked children's counted too, does nothing
 *   commit             every call that changes the file system of CRTX_POWERCUT_DIRECTORY is followed
 *                      by a commit, so that a cut may show the disk as it was between any two calls
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static bool is_mode(const char *name)
{
  const char *mode = getenv("CRTX_POWERCUT_SHIM");
  return mode != NULL && strcmp(mode, name) == 0;
}

static bool is_the_one_to_skip(void)
{
  static int *count;
  char mode[32];
  if (count == NULL) {
    count = mmap(NULL, sizeof *count, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (count == MAP_FAILED) {
      abort();
    }
  }
  snprintf(mode, sizeof mode, "no-sync-%d", ++*count);
  return is_mode(mode);
}

static long raw_call(long number, long a, long b, long c, long d, long e, long f)
{
  static long (*next)(long, ...);
  if (next == NULL) {
    void *found = dlsym(RTLD_NEXT, "syscall");
    memcpy(&next, &found, sizeof next); /* ISO C has no cast from an object to a function */
  }
  return next(number, a, b, c, d, e, f);
}

static long committed(long result)
{
  const char *path = getenv("CRTX_POWERCUT_DIRECTORY");
  if (result >= 0 && path != NULL && is_mode("commit")) {
    long directory = raw_call(SYS_openat, AT_FDCWD, (long)path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
    if (directory >= 0) {
      syncfs((int)directory);
      close((int)directory);
    }
  }
  return result;
}

int fsync(int descriptor)
{
  struct stat facts;
  if (is_the_one_to_skip() || is_mode("no-sync") ||
      (fstat(descriptor, &facts) == 0 && is_mode(S_ISDIR(facts.st_mode) ? "no-directory-sync" : "no-file-sync"))) {
    return 0;
  }
  return (int)raw_call(SYS_fsync, descriptor, 0, 0, 0, 0, 0);
}

ssize_t write(int descriptor, const void *bytes, size_t size)
{
  return committed(raw_call(SYS_write, descriptor, (long)bytes, (long)size, 0, 0, 0));
}

int openat(int directory, const char *name, int flags, ...)
{
  va_list arguments;
  long result;
  va_start(arguments, flags);
  result = raw_call(SYS_openat, directory, (long)name, flags, (flags & O_CREAT) != 0 ? va_arg(arguments, int) : 0, 0, 0);
  va_end(arguments);
  return (int)((flags & O_CREAT) != 0 ? committed(result) : result);
}

int unlinkat(int directory, const char *name, int flags)
{
  return (int)committed(raw_call(SYS_unlinkat, directory, (long)name, flags, 0, 0, 0));
}

int renameat(int from_directory, const char *from, int to_directory, const char *to)
{
  return (int)committed(raw_call(SYS_renameat2, from_directory, (long)from, to_directory, (long)to, 0, 0));
}

/* The library calls renameat2 this way, for older C libraries. */
long syscall(long number, ...)
{
  long arguments[6];
  va_list list;
  long result;
  int i;
  va_start(list, number);
  for (i = 0; i < 6; i++) {
    arguments[i] = va_arg(list, long);
  }
  va_end(list);
  result = raw_call(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
  return number == SYS_renameat2 ? committed(result) : result;
}
