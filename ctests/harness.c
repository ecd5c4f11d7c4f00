/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "harness.h"
#include "platform.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_PATHS = 8192, NO_STATUS = INT32_MIN };

__thread crtx_error last_error;

static jmp_buf case_end;
static int failures; /* of this case in this process; counted atomically, threads check too */
static const char *skip_reason;
static char case_directory[4096];
static char *paths[MAX_PATHS];
static size_t path_count;
static char hung_text[512]; /* prepared in advance: the signal handler only writes it */
static unsigned slowness = 1;
static int passed_cases, failed_cases, skipped_cases;

/* ---- checks ---- */

static bool fail(const char *file, int line)
{
  __sync_fetch_and_add(&failures, 1);
  printf("%s:%d: ", file, line);
  return false;
}

bool check_true(const char *file, int line, const char *what, bool holds)
{
  if (holds) {
    return true;
  }
  fail(file, line);
  printf("%s: expected true, is false\n", what);
  return false;
}

bool check_int(const char *file, int line, const char *what, long long actual, long long expected)
{
  if (actual == expected) {
    return true;
  }
  fail(file, line);
  printf("%s: expected %lld, is %lld\n", what, expected, actual);
  return false;
}

bool check_text(const char *file, int line, const char *what, const char *actual, const char *expected)
{
  if (actual != NULL && expected != NULL && strcmp(actual, expected) == 0) {
    return true;
  }
  fail(file, line);
  printf("%s:\n  expected \"%s\"\n  is       \"%s\"\n", what, expected ? expected : "(null)", actual ? actual : "(null)");
  return false;
}

void clear_error(void)
{
  memset(&last_error, 0, sizeof last_error);
  last_error.struct_size = sizeof last_error;
  last_error.status = NO_STATUS;
}

/* Texts of the library are terminated, and safe for a terminal. */
static bool is_plain_text(const char *text, size_t capacity)
{
  size_t i;
  for (i = 0; i < capacity && text[i] != '\0'; i++) {
    if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f) {
      return false;
    }
  }
  return i < capacity;
}

static bool error_tells(crtx_status status)
{
  if (last_error.status == NO_STATUS) {
    return true; /* the call was not given last_error */
  }
  if (!is_plain_text(last_error.operation, sizeof last_error.operation) ||
      !is_plain_text(last_error.message, sizeof last_error.message)) {
    return false;
  }
  return last_error.status == status &&
         (status == CRTX_OK || (last_error.operation[0] != '\0' && last_error.message[0] != '\0'));
}

bool want_status(const char *file, int line, const char *what, crtx_status expected, crtx_status actual)
{
  if (actual != expected) {
    fail(file, line);
    printf("%s:\n  expected %d %s\n  is       %d %s\n", what, (int)expected, crtx_status_name(expected),
           (int)actual, crtx_status_name(actual));
    if (last_error.status != NO_STATUS) {
      printf("  %.64s (error %d): %.1024s\n", last_error.operation, (int)last_error.os_error, last_error.message);
    }
    return false;
  }
  if (!error_tells(actual)) {
    fail(file, line);
    printf("%s: returned %d, but its crtx_error is not in order: status %d, operation \"%.64s\", message \"%.1024s\"\n",
           what, (int)actual, (int)last_error.status, last_error.operation, last_error.message);
    return false;
  }
  return true;
}

/* ---- the life of a case ---- */

void abandon_case(void)
{
  if (is_child()) {
    end_child();
  }
  longjmp(case_end, 1);
}

void skip_case(const char *reason)
{
  skip_reason = reason;
  if (is_child()) {
    printf("  %s\n", reason);
    fflush(NULL);
    _exit(failures == 0 ? SKIPPED_CHILD : 1);
  }
  longjmp(case_end, 1);
}

void end_child(void)
{
  fflush(NULL);
  _exit(failures == 0 ? 0 : 1);
}

void begin_child(void)
{
  failures = 0;
  snprintf(hung_text, sizeof hung_text, "  a child process gave no answer in time\n");
  watchdog(45); /* a child does not inherit its parent's alarm */
}

const char *joined(const char *a, const char *b)
{
  size_t size = strlen(a) + strlen(b) + 1;
  char *text = malloc(size);
  if (text == NULL || path_count == MAX_PATHS) {
    abort();
  }
  snprintf(text, size, "%s%s", a, b);
  paths[path_count++] = text;
  return text;
}

const char *at(const char *name)
{
  return joined(case_directory, name);
}

static void forget_paths(void)
{
  while (path_count > 0) {
    free(paths[--path_count]);
    paths[path_count] = NULL;
  }
}

void watchdog(unsigned seconds)
{
  arm_watchdog(seconds * slowness, hung_text);
}

int rounds(int usual)
{
  int fewer = usual / (int)slowness;
  return fewer < 2 ? 2 : fewer;
}

/* ---- the runner ---- */

static void start_case(const struct test_case *test)
{
  failures = 0;
  skip_reason = NULL;
  before_case(case_directory, sizeof case_directory);
  snprintf(hung_text, sizeof hung_text, "FAIL %s: no answer in time; the cases after it did not run\n%d passed, %d failed\n",
           test->name, passed_cases, failed_cases + 1);
  fflush(NULL);
  watchdog(60);
}

static void count_case(const struct test_case *test)
{
  if (failures != 0) {
    failed_cases++;
    printf("FAIL %s\n", test->name);
  } else if (skip_reason != NULL) {
    skipped_cases++;
    printf("skip %s: %s\n", test->name, skip_reason);
  } else {
    passed_cases++;
    printf("ok   %s\n", test->name);
  }
}

static void run_case(const struct test_case *test)
{
  start_case(test);
  if (setjmp(case_end) == 0) {
    test->body();
  }
  after_case(case_directory);
  disarm_watchdog();
  forget_paths();
  count_case(test);
}

static void prepare(void)
{
  const char *text = getenv("CRTX_TEST_SLOWNESS");
  if (text != NULL && atoi(text) > 0) {
    slowness = (unsigned)atoi(text);
  }
  prepare_platform();
}

int run_cases(const struct test_case *cases, size_t count, int argc, char **argv)
{
  size_t i;
  int status;
  prepare();
  if (play_role(argc, argv, &status)) {
    return status;
  }
  for (i = 0; i < count; i++) {
    if (argc < 2 || strstr(cases[i].name, argv[1]) != NULL) {
      run_case(&cases[i]);
    }
  }
  printf("%d passed, %d failed", passed_cases, failed_cases);
  if (skipped_cases > 0) {
    printf(", %d skipped", skipped_cases);
  }
  printf("\n");
  return failed_cases == 0 ? 0 : 1;
}
