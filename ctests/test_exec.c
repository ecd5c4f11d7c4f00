/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Exec: the new program inherits nothing, and the lock of the old one has ended. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static char path[512];
static char program[PATH_MAX]; /* this one: resolved early, as valgrind cannot execute /proc/self/exe */

/* The same arguments for the emulator that runs this program, if one does: the kernel could not execute it. */
static char **for_whoever_runs_it(char **arguments)
{
  static char *whole[8];
  size_t i;
  whole[0] = getenv("CRTX_TEST_RUNNER");
  if (whole[0] == NULL) {
    return arguments;
  }
  for (i = 0; arguments[i] != NULL && i < 6; i++) {
    whole[i + 1] = arguments[i];
  }
  whole[i + 1] = NULL;
  return whole;
}

static pid_t spawn(char **arguments)
{
  char **whole = for_whoever_runs_it(arguments);
  pid_t child = -1;
  NEED_TRUE(posix_spawn(&child, whole[0], NULL, NULL, whole, environ) == 0);
  return child;
}

/* What the program does when it is executed with --below: answers how many descriptors it inherited. */
static int answer_descriptors_below(const char *directory)
{
  return descriptors_below(directory) == 0 ? 0 : 1;
}

static void an_executed_program_inherits_no_descriptor(void)
{
  char option[] = "--below", directory[512];
  char *arguments[] = {program, option, directory, NULL};
  crtx_lock lock;
  snprintf(directory, sizeof directory, "%s", at(""));
  snprintf(path, sizeof path, "%s", at("store.lock"));
  lock = hold(path);
  CHECK_INT(descriptors_below(directory) > 0, 1); /* else this would prove nothing */
  /* posix_spawn does not run the fork handlers, so this rests on close-on-exec alone. */
  check_exit(spawn(arguments), 0);
  let_go(lock);
}

static void hold_then_exec(void *argument)
{
  char text[16], option[] = "--wait";
  char *arguments[] = {program, option, text, NULL};
  crtx_lock lock = hold(path);
  (void)lock;
  snprintf(text, sizeof text, "%d", *(int *)argument);
  execve(for_whoever_runs_it(arguments)[0], for_whoever_runs_it(arguments), environ);
  CHECK(!"exec failed");
}

static void exec_ends_the_lock_and_leaves_the_marker(void)
{
  int quit[2], ready;
  char byte;
  pid_t child;
  snprintf(path, sizeof path, "%s", at("store.lock"));
  NEED_TRUE(pipe(quit) == 0);
  ready = quit[1]; /* the new program writes a byte there, then waits for a signal */
  child = start_child(hold_then_exec, &ready);
  CHECK(read(quit[0], &byte, 1) == 1);
  CHECK_INT(state_of(path), CRTX_MARKER_STALE); /* while the process lives on */
  kill(child, SIGKILL);
  waitpid(child, NULL, 0);
  close(quit[0]);
  close(quit[1]);
}

/* What the program does when it is executed with --vfork: the library's first call in this process, and
 * in this memory, is made by a child by vfork. */
static int acquire_after_a_vfork_child_was_first(const char *marker_path)
{
  volatile pid_t child = vfork();
  crtx_lock lock;
  crtx_lock_options options = usual_options();
  int status = -1;
  if (child == 0) {
    crtx_marker marker = CRTX_MARKER_INIT;
    _exit(crtx_marker_inspect(marker_path, &marker, NULL));
  }
  if (waitpid(child, &status, 0) != child || status != 0) {
    return 1;
  }
  if (crtx_lock_acquire(marker_path, &options, &lock, NULL) != CRTX_OK) {
    return 2;
  }
  return crtx_lock_release(lock, NULL) == CRTX_OK ? 0 : 3;
}

static void a_vfork_child_that_was_first_leaves_its_parent_a_working_library(void)
{
  char option[] = "--vfork", marker_path[512];
  char *arguments[] = {program, option, marker_path, NULL};
  snprintf(marker_path, sizeof marker_path, "%s", at("store.lock"));
  check_exit(spawn(arguments), 0);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(an_executed_program_inherits_no_descriptor),
      CASE(exec_ends_the_lock_and_leaves_the_marker),
      CASE(a_vfork_child_that_was_first_leaves_its_parent_a_working_library),
  };
  if (argc == 3 && strcmp(argv[1], "--below") == 0) {
    return answer_descriptors_below(argv[2]);
  }
  if (argc == 3 && strcmp(argv[1], "--vfork") == 0) {
    return acquire_after_a_vfork_child_was_first(argv[2]);
  }
  if (argc == 3 && strcmp(argv[1], "--wait") == 0) {
    alarm(60); /* in case nobody kills it */
    return write(atoi(argv[2]), "r", 1) == 1 && pause() != 0 ? 0 : 1;
  }
  CHECK(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
  return RUN(cases, argc, argv);
}
