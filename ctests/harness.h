/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A small test harness: named cases, each in a directory of its own, under a watchdog, and with the
 * open descriptors counted before and after. */
#ifndef CRTX_CTESTS_HARNESS_H
#define CRTX_CTESTS_HARNESS_H

#include <crtx.h>
#include <stdbool.h>
#include <sys/types.h>

struct test_case {
  const char *name;
  void (*body)(void);
};

#define CASE(name) { #name, name }

/* Runs the cases whose name contains argv[1] (all of them without it), prints the closing line,
 * and returns the exit status of the program. */
int run_cases(const struct test_case *cases, size_t count, int argc, char **argv);
#define RUN(cases, argc, argv) run_cases((cases), sizeof(cases) / sizeof((cases)[0]), (argc), (argv))

/* The error of the call under WANT or NEED; one for each thread. */
extern __thread crtx_error last_error;

#define CHECK(condition) check_true(__FILE__, __LINE__, #condition, (condition) ? true : false)
#define CHECK_INT(actual, expected) \
  check_int(__FILE__, __LINE__, #actual, (long long)(actual), (long long)(expected))
#define CHECK_TEXT(actual, expected) check_text(__FILE__, __LINE__, #actual, (actual), (expected))
/* The call must answer `expected`, and last_error, if it was passed, must tell the same. */
#define WANT(expected, call) want_status(__FILE__, __LINE__, #call, (expected), (clear_error(), (call)))
/* Like WANT and CHECK, but the case (or the child process) ends if it fails. Not for threads. */
#define NEED(expected, call) (WANT((expected), (call)) ? (void)0 : abandon_case())
#define NEED_TRUE(condition) (CHECK(condition) ? (void)0 : abandon_case())

bool check_true(const char *file, int line, const char *what, bool holds);
bool check_int(const char *file, int line, const char *what, long long actual, long long expected);
bool check_text(const char *file, int line, const char *what, const char *actual, const char *expected);
bool want_status(const char *file, int line, const char *what, crtx_status expected, crtx_status actual);
void clear_error(void);
void abandon_case(void) __attribute__((noreturn));
/* Ends the case as skipped; in a child process the parent's wait_child does it. */
void skip_case(const char *reason) __attribute__((noreturn));

/* A path in the directory of this case; valid until the case ends. Not for threads. */
const char *at(const char *name);
/* A copy that is valid until the case ends: a, then b. Not for threads. */
const char *joined(const char *a, const char *b);

/* The case must end within so many seconds from now; every case starts with 60. The environment
 * variable CRTX_TEST_SLOWNESS multiplies it, for valgrind. */
void watchdog(unsigned seconds);
/* How often to repeat a race: fewer times where CRTX_TEST_SLOWNESS says that it takes long, at least twice. */
int rounds(int usual);
void pause_ms(unsigned milliseconds);

/* Runs the body in a forked child, where checks work as usual, and makes its failures ours. */
void in_child(void (*body)(void *), void *argument);
/* Waits for a child that was made in another way, and checks its exit code. */
void check_exit(pid_t child, int expected);
pid_t start_child(void (*body)(void *), void *argument);
void wait_child(pid_t child);
/* For children that were not made by start_child: the two ends of their life. */
void begin_child(void);
void end_child(void) __attribute__((noreturn));

#endif
