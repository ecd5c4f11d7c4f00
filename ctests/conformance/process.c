/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Steps of other processes: one that holds a lock, and a forked one that has no part in it. */
#include "run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a holder is told of the step that started it. */
static const char *const holder_words[] = {"path", "deployment_id", "operator_principal_id", "restore_intent_blake3",
                                           "host", "durability",    "allow"};
enum { HOLDER_WORDS = sizeof holder_words / sizeof holder_words[0], ANSWER_BYTES = 64 };

/* One line, without its end; empty if there is none any more. */
static struct text answer_of(int descriptor)
{
  char line[ANSWER_BYTES];
  size_t length = 0;
  while (length < sizeof line && read(descriptor, line + length, 1) == 1 && line[length] != '\n') {
    length++;
  }
  return text_of(line, length);
}

/* ---- the holder's side ---- */

static void set_words(struct step *step, char **words)
{
  for (; *words != NULL; words++) {
    struct pair *pair = &step->arguments.all[step->arguments.count++];
    char *value = strchr(*words, '=');
    pair->name = text_of(*words, (size_t)(value - *words)).bytes;
    pair->value = text_from(value + 1);
  }
}

int be_a_holder(char **words)
{
  static struct table no_table;
  static struct step step;
  static struct run run;
  struct text order;
  set_words(&step, words);
  run.table = &no_table;
  run.step = &step;
  run.verb = "acquire";
  run_call(&run);
  dprintf(STDOUT_FILENO, "%s\n", run.status.bytes);
  order = answer_of(STDIN_FILENO);
  if (order.length == 0) {
    return 1; /* the runner has gone, and the marker stays */
  }
  usleep((useconds_t)(strtoul(order.bytes, NULL, 10) * 1000));
  run.verb = "release";
  run_call(&run);
  dprintf(STDOUT_FILENO, "%s\n", run.status.bytes);
  return 0;
}

/* ---- the runner's side ---- */

static char **command_of(const struct run *run)
{
  char **command = allocate((HOLDER_WORDS + 4) * sizeof *command);
  size_t i, count = 0;
  struct text value;
  command[count++] = text_from("/proc/self/exe").bytes;
  command[count++] = text_from("--hold").bytes;
  command[count++] = text_from("lock=lock").bytes;
  for (i = 0; i < HOLDER_WORDS; i++) {
    if (argument_given(run, holder_words[i], &value)) {
      command[count++] = text_printed("%s=%s", holder_words[i], value.bytes).bytes;
    }
  }
  return command;
}

static void do_hold(struct run *run)
{
  char **command = command_of(run);
  struct text answer;
  int to[2], from[2];
  end_child(run);
  if (pipe2(to, O_CLOEXEC) != 0 || pipe2(from, O_CLOEXEC) != 0) {
    stop_case(run, "pipe: %s", strerror(errno));
  }
  fflush(NULL);
  run->child = fork();
  if (run->child == 0) {
    dup2(to[0], STDIN_FILENO);
    dup2(from[1], STDOUT_FILENO);
    execv(command[0], command);
    _exit(127);
  }
  close(to[0]);
  close(from[1]);
  run->child_input = to[1];
  run->child_output = from[0];
  answer = answer_of(run->child_output);
  if (!text_is(answer, "CRTX_OK")) {
    stop_case(run, "the holder answered \"%s\"", answer.bytes);
  }
  set_variable(&run->variables, "child", text_printed("%d", (int)run->child), true);
  fprintf(run->transcript, "child %d\n", (int)run->child);
}

static void bury(struct run *run)
{
  waitpid(run->child, NULL, 0);
  close(run->child_input);
  close(run->child_output);
  run->child = 0;
}

/* Waits for the answer to what `free` told it. */
static void reap(struct run *run)
{
  struct text answer = answer_of(run->child_output);
  bury(run);
  if (!text_is(answer, "CRTX_OK")) {
    stop_case(run, "the holder released with \"%s\"", answer.bytes);
  }
}

static void do_free(struct run *run)
{
  struct text after;
  bool later = argument_given(run, "after_ms", &after);
  if (run->child == 0) {
    stop_case(run, "there is no holder");
  }
  dprintf(run->child_input, "%s\n", later ? after.bytes : "0");
  if (!later) {
    reap(run);
  }
}

static void do_await(struct run *run)
{
  reap(run);
}

static void do_kill(struct run *run)
{
  if (run->child == 0 || kill(run->child, SIGKILL) != 0) {
    stop_case(run, "there is no holder");
  }
  bury(run);
}

void end_child(struct run *run)
{
  if (run->child != 0) {
    kill(run->child, SIGKILL);
    bury(run);
  }
}

/* The status alone comes back, as the exit code. */
static void do_forked(struct run *run)
{
  struct text verb = argument(run, "call");
  int status = -1;
  pid_t child;
  fflush(NULL);
  child = fork();
  if (child == 0) {
    run->verb = verb.bytes;
    run_call(run);
    for (status = 0; strcmp(crtx_status_name(status), run->status.bytes) != 0; status++) {
    }
    _exit(status);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
    stop_case(run, "the forked child did not answer");
  }
  run->status = text_from(crtx_status_name(WEXITSTATUS(status)));
}

bool run_process(struct run *run)
{
  static const struct {
    const char *verb;
    void (*act)(struct run *run);
  } acts[] = {{"hold", do_hold}, {"free", do_free}, {"await", do_await}, {"kill", do_kill}, {"forked", do_forked}};
  size_t i;
  for (i = 0; i < sizeof acts / sizeof acts[0]; i++) {
    if (strcmp(acts[i].verb, run->verb) == 0) {
      acts[i].act(run);
      return true;
    }
  }
  return false;
}
