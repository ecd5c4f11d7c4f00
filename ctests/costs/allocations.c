/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stands before the C library's allocator, which the library uses, and counts. */
#include "costs.h"

#include <errno.h>
#include <stdlib.h>

/* glibc's own names for its allocator. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

static long count;

long allocation_count(void)
{
  return count;
}

void *malloc(size_t size)
{
  count++;
  return __libc_malloc(size);
}

void *calloc(size_t number, size_t size)
{
  count++;
  return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size)
{
  count++;
  return __libc_realloc(old, size);
}

int posix_memalign(void **place, size_t alignment, size_t size)
{
  count++;
  *place = __libc_memalign(alignment, size);
  return *place == NULL ? ENOMEM : 0;
}

void *aligned_alloc(size_t alignment, size_t size)
{
  count++;
  return __libc_memalign(alignment, size);
}
