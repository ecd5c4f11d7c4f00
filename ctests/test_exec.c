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
  pid_t child = -1;
  snprintf(directory, sizeof directory, "%s", at(""));
  snprintf(path, sizeof path, "%s", at("store.lock"));
  lock = hold(path);
  CHECK_INT(descriptors_below(directory) > 0, 1); /* else this would prove nothing */
  /* posix_spawn does not run the fork handlers, so this rests on close-on-exec alone. */
  NEED_TRUE(posix_spawn(&child, program, NULL, NULL, arguments, environ) == 0);
  check_exit(child, 0);
  let_go(lock);
}

static void hold_then_exec(void *argument)
{
  char text[16], option[] = "--wait";
  char *arguments[] = {program, option, text, NULL};
  crtx_lock lock = hold(path);
  (void)lock;
  snprintf(text, sizeof text, "%d", *(int *)argument);
  execve(program, arguments, environ);
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

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(an_executed_program_inherits_no_descriptor),
      CASE(exec_ends_the_lock_and_leaves_the_marker),
  };
  if (argc == 3 && strcmp(argv[1], "--below") == 0) {
    return answer_descriptors_below(argv[2]);
  }
  if (argc == 3 && strcmp(argv[1], "--wait") == 0) {
    alarm(60); /* in case nobody kills it */
    return write(atoi(argv[2]), "r", 1) == 1 && pause() != 0 ? 0 : 1;
  }
  CHECK(readlink("/proc/self/exe", program, sizeof program - 1) > 0);
  return RUN(cases, argc, argv);
}
