/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Loads the shared library LIBRARY, and prints the nanoseconds that this took. */
#include <dlfcn.h>
#include <stdio.h>
#include <time.h>

static long long now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (long long)time.tv_sec * 1000000000LL + time.tv_nsec;
}

int main(int count, char **arguments) {
  long long start;
  void *library;
  if (count != 2) return 2;
  start = now();
  library = dlopen(arguments[1], RTLD_NOW | RTLD_LOCAL);
  start = now() - start;
  if (library == NULL) {
    fprintf(stderr, "%s\n", dlerror());
    return 1;
  }
  printf("%lld\n", start);
  return 0;
}
