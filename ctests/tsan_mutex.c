/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Tells ThreadSanitizer of the one way to a mutex that it cannot see.
 *
 * The standard library comes compiled, without instrumentation. Of its mutex the free case and the unlock
 * are inlined into instrumented code; the contended case is this function. The linker puts ours before it
 * (--wrap), and ours adds what the instrumentation would: the mutex was acquired. */
#include <stddef.h>

void __tsan_acquire(void *address);
void __sanitizer_symbolize_pc(void *pc, const char *format, char *text, size_t capacity);
void LOCK_CONTENDED_REAL(void *mutex);
void LOCK_CONTENDED_WRAP(void *mutex);

void LOCK_CONTENDED_WRAP(void *mutex)
{
  LOCK_CONTENDED_REAL(mutex);
  __tsan_acquire(mutex);
}

/* The runtime's symbolizer is a process at the end of two pipes. It is started before the tests begin to
 * count open descriptors. */
static void start_the_symbolizer(void) __attribute__((constructor));
static void start_the_symbolizer(void)
{
  char text[64];
  __sanitizer_symbolize_pc((char *)start_the_symbolizer + 1, "%f", text, sizeof text);
}
