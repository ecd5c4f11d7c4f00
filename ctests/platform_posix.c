/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "harness.h"
#include "platform.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MAX_DESCRIPTORS = 4096 };

static pid_t harness_process;
static mode_t usual_mask;
static const char *hung_text; /* prepared in advance: the signal handler only writes it */
static int open_before[MAX_DESCRIPTORS], open_after[MAX_DESCRIPTORS];
static size_t count_before;

/* ---- processes ---- */

bool is_child(void)
{
  return getpid() != harness_process;
}

bool play_role(int argc, char **argv, int *status)
{
  (void)argc, (void)argv, (void)status;
  return false; /* there is fork */
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

/* ---- time ---- */

static void on_alarm(int signal_number)
{
  (void)signal_number;
  if (write(STDOUT_FILENO, hung_text, strlen(hung_text)) < 0) {
    _exit(3);
  }
  _exit(2);
}

void arm_watchdog(unsigned seconds, const char *text)
{
  hung_text = text;
  alarm(seconds);
}

void disarm_watchdog(void)
{
  alarm(0);
}

void pause_ms(unsigned milliseconds)
{
  struct timespec left;
  left.tv_sec = milliseconds / 1000;
  left.tv_nsec = (long)(milliseconds % 1000) * 1000000L;
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
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

/* ---- cases ---- */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
  (void)info, (void)kind, (void)walk;
  return remove(path);
}

static void make_directory(char *directory, size_t capacity)
{
  const char *base = getenv("TMPDIR");
  if (base == NULL || base[0] != '/') {
    base = "/tmp";
  }
  snprintf(directory, capacity, "%s/crtx-ctest-XXXXXX", base);
  if (mkdtemp(directory) == NULL) {
    perror(directory);
    exit(1);
  }
  /* at() appends a name, so the slash belongs to the directory. */
  strncat(directory, "/", capacity - strlen(directory) - 1);
}

void before_case(char *directory, size_t capacity)
{
  usual_mask = umask(022);
  make_directory(directory, capacity);
  count_before = open_descriptors(open_before);
}

void after_case(const char *directory)
{
  char path[PATH_MAX];
  size_t count_after = open_descriptors(open_after);
  if (!CHECK_INT(count_after, count_before)) {
    report_new_descriptors(open_before, count_before, open_after, count_after);
  }
  umask(usual_mask);
  snprintf(path, sizeof path, "%s", directory);
  path[strlen(path) - 1] = '\0';
  nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

void prepare_platform(void)
{
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = on_alarm;
  sigaction(SIGALRM, &action, NULL);
  signal(SIGPIPE, SIG_IGN);
  setvbuf(stdout, NULL, _IOLBF, 0);
  harness_process = getpid();
}
