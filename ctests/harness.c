/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "harness.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SKIPPED_CHILD = 77, MAX_PATHS = 8192, MAX_DESCRIPTORS = 4096, NO_STATUS = INT32_MIN };

__thread crtx_error last_error;

static jmp_buf case_end;
static pid_t harness_process;
static int failures; /* of this case in this process; counted atomically, threads check too */
static const char *skip_reason;
static char case_directory[PATH_MAX];
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
      printf("  %.64s (errno %d): %.1024s\n", last_error.operation, (int)last_error.os_error, last_error.message);
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

void end_child(void)
{
  fflush(NULL);
  _exit(failures == 0 ? 0 : 1);
}

void abandon_case(void)
{
  if (getpid() != harness_process) {
    end_child();
  }
  longjmp(case_end, 1);
}

void skip_case(const char *reason)
{
  skip_reason = reason;
  if (getpid() != harness_process) {
    printf("  %s\n", reason);
    fflush(NULL);
    _exit(failures == 0 ? SKIPPED_CHILD : 1);
  }
  longjmp(case_end, 1);
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

static void on_alarm(int signal_number)
{
  (void)signal_number;
  if (write(STDOUT_FILENO, hung_text, strlen(hung_text)) < 0) {
    _exit(3);
  }
  _exit(2);
}

void watchdog(unsigned seconds)
{
  alarm(seconds * slowness);
}

int rounds(int usual)
{
  int fewer = usual / (int)slowness;
  return fewer < 2 ? 2 : fewer;
}

void pause_ms(unsigned milliseconds)
{
  struct timespec left;
  left.tv_sec = milliseconds / 1000;
  left.tv_nsec = (long)(milliseconds % 1000) * 1000000L;
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

void begin_child(void)
{
  failures = 0;
  snprintf(hung_text, sizeof hung_text, "  a child process gave no answer in time\n");
  watchdog(45); /* a child does not inherit its parent's alarm */
}

pid_t start_child(void (*body)(void *), void *argument)
{
  pid_t child;
  fflush(NULL);
  child = fork();
  if (child == 0) {
    begin_child();
    body(argument);
    end_child();
  }
  NEED_TRUE(child > 0);
  return child;
}

void wait_child(pid_t child)
{
  int status = -1;
  pid_t ended;
  do {
    ended = waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  NEED_TRUE(ended == child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED_CHILD) {
    skip_case("the child process could not do it");
  }
  CHECK_INT(status, 0); /* the wait status: exit code times 256, or a signal number */
}

void check_exit(pid_t child, int expected)
{
  int status = -1;
  NEED_TRUE(child > 0 && waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK_INT(WEXITSTATUS(status), expected);
}

void in_child(void (*body)(void *), void *argument)
{
  wait_child(start_child(body, argument));
}

/* ---- descriptors ---- */

static size_t open_descriptors(int *descriptors)
{
  size_t count = 0;
  struct dirent *entry;
  DIR *listing = opendir("/proc/self/fd");
  if (listing == NULL) {
    return 0;
  }
  while ((entry = readdir(listing)) != NULL && count < MAX_DESCRIPTORS) {
    int descriptor = atoi(entry->d_name);
    if (entry->d_name[0] != '.' && descriptor != dirfd(listing)) {
      descriptors[count++] = descriptor;
    }
  }
  closedir(listing);
  return count;
}

static bool contains(const int *descriptors, size_t count, int descriptor)
{
  size_t i;
  for (i = 0; i < count && descriptors[i] != descriptor; i++) {
  }
  return i < count;
}

static void report_new_descriptors(const int *before, size_t before_count, const int *after, size_t after_count)
{
  size_t i;
  for (i = 0; i < after_count; i++) {
    char link[64], target[PATH_MAX];
    ssize_t length;
    if (contains(before, before_count, after[i])) {
      continue;
    }
    snprintf(link, sizeof link, "/proc/self/fd/%d", after[i]);
    length = readlink(link, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    printf("  descriptor %d was left open: %s\n", after[i], target);
  }
}

/* ---- the runner ---- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
  (void)info, (void)kind, (void)walk;
  return remove(path);
}

static void make_case_directory(void)
{
  const char *base = getenv("TMPDIR");
  if (base == NULL || base[0] != '/') {
    base = "/tmp";
  }
  snprintf(case_directory, sizeof case_directory, "%s/crtx-ctest-XXXXXX", base);
  if (mkdtemp(case_directory) == NULL) {
    perror(case_directory);
    exit(1);
  }
  /* at() appends a name, so the slash belongs to the directory. */
  strncat(case_directory, "/", sizeof case_directory - strlen(case_directory) - 1);
}

static void start_case(const struct test_case *test)
{
  failures = 0;
  skip_reason = NULL;
  make_case_directory();
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
  static int before[MAX_DESCRIPTORS], after[MAX_DESCRIPTORS];
  size_t before_count, after_count;
  mode_t mask = umask(022);
  start_case(test);
  before_count = open_descriptors(before);
  if (setjmp(case_end) == 0) {
    test->body();
  }
  after_count = open_descriptors(after);
  if (!CHECK_INT(after_count, before_count)) {
    report_new_descriptors(before, before_count, after, after_count);
  }
  alarm(0);
  umask(mask);
  case_directory[strlen(case_directory) - 1] = '\0';
  nftw(case_directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
  forget_paths();
  count_case(test);
}

static void prepare(void)
{
  struct sigaction action;
  const char *text = getenv("CRTX_TEST_SLOWNESS");
  if (text != NULL && atoi(text) > 0) {
    slowness = (unsigned)atoi(text);
  }
  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  harness_process = getpid();
}

int run_cases(const struct test_case *cases, size_t count, int argc, char **argv)
{
  size_t i;
  prepare();
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
