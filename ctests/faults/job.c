/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One job: a scenario in a variant, once for each kill or each failure of one kind. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { MOST_COMPLAINTS = 4 }; /* printed for each job; all are counted */

static const struct job *current_job;
static const struct order *current_order;
static const struct outcome *current_outcome;
static struct job_result *current_result;

static const char *failure_name(int fail_errno)
{
  static const struct {
    int number;
    const char *name;
  } names[] = {{EIO, "EIO"},       {ENOSPC, "ENOSPC"}, {EACCES, "EACCES"}, {EMFILE, "EMFILE"},         {EINTR, "EINTR"},
               {ENOLCK, "ENOLCK"}, {EEXIST, "EEXIST"}, {EXDEV, "EXDEV"},   {SHORT_TRANSFER, "short transfer"}};
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (names[i].number == fail_errno) {
      return names[i].name;
    }
  }
  return "an errno";
}

void describe_job(const struct job *job, char *text, size_t capacity)
{
  static const char *const kinds[] = {"kill", "fail once with", "fail for good with", "kill after"};
  char variant[128];
  describe_variant(&job->variant, variant, sizeof variant);
  snprintf(text, capacity, "%s%s%s [%s] %s", kinds[job->kind], job->kind == KILL ? "" : " ",
           job->kind == KILL ? "" : failure_name(job->fail_errno), job->scenario->name, variant);
}

static void print_position(void)
{
  const struct traced_call *at = &current_outcome->at;
  if (current_order->kill_at >= 0) {
    printf(", killed %s %s(%s) in step %d", current_order->kill_at % 2 == 0 ? "before" : "after",
           call_name(at->number), at->file, (int)at->step);
  }
  if (current_order->fail_at >= 0) {
    const struct traced_call *failed = &undisturbed_calls[current_order->fail_at % MAX_CALLS];
    printf(", failing %s(%s) in step %d", call_name(failed->number), failed->file, (int)failed->step);
  }
}

void complain(const char *format, ...)
{
  char text[256];
  va_list arguments;
  if (current_result == NULL || current_result->failures++ >= MOST_COMPLAINTS) {
    return;
  }
  describe_job(current_job, text, sizeof text);
  printf("FAIL %s", text);
  print_position();
  printf(":\n     ");
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
  fflush(stdout);
}

/* Whether the call can fail so at all. */
static bool applies(const struct traced_call *call, int fail_errno)
{
  long number = call->number;
  bool renames = number == SYS_renameat2 || number == SYS_linkat;
#ifdef SYS_renameat
  renames = renames || number == SYS_renameat;
#endif
  switch (fail_errno) {
  case ENOLCK:
    return number == SYS_flock;
  case EXDEV:
    return renames;
  case EEXIST:
    return number == SYS_renameat2 || number == SYS_linkat ||
           (number == SYS_openat && (call->arguments[2] & O_EXCL) != 0);
  case SHORT_TRANSFER:
    return transfers_bytes(number) && call->arguments[2] > 1;
  case EINTR:
    return number != SYS_getcwd; /* nothing in it waits */
  default:
    return true;
  }
}

/* No way to recover from these is to be killed in: the call goes on as if nothing had happened. */
static bool cannot_be_noticed(const struct traced_call *call)
{
  return call->number == SYS_close || (call->number == SYS_flock && call->arguments[1] == LOCK_UN);
}

static void run(struct place *place, const struct order *order, struct outcome *outcome)
{
  current_order = order;
  current_outcome = outcome;
  set_up(place, current_job->scenario, &current_job->variant);
  if (run_traced(perform_scenario, place, order, outcome) != 0) {
    complain("the child could not be traced to its end");
    exit(1);
  }
}

static void kill_everywhere(struct place *place, struct order order)
{
  struct outcome outcome;
  bool killed = true;
  for (order.kill_at = 2 * (order.fail_at + 1); killed; order.kill_at++) {
    run(place, &order, &outcome);
    killed = outcome.killed;
    if (killed) {
      current_result->kills++;
      check_killed(place, &order, &outcome);
    } else if (order.fail_at < 0) {
      check_undisturbed(place, &outcome);
    } else {
      check_failed(place, &order, &outcome);
    }
  }
}

static void fail_everywhere(struct place *place, struct order order, long calls)
{
  struct outcome outcome;
  for (order.fail_at = 0; order.fail_at < calls; order.fail_at++) {
    const struct traced_call *call = &undisturbed_calls[order.fail_at];
    if (!applies(call, order.fail_errno)) {
      continue;
    }
    if (current_job->kind == KILL_AFTER_FAILURE) {
      if (!cannot_be_noticed(call)) {
        kill_everywhere(place, order);
      }
      continue;
    }
    run(place, &order, &outcome);
    if (outcome.failed) {
      current_result->injected++;
      check_failed(place, &order, &outcome);
    } else {
      complain("call %ld of %ld was not reached", order.fail_at, calls);
    }
  }
}

void do_job(const struct job *job, struct place *place, struct job_result *result)
{
  struct order order = {0, -1, 0, false, -1};
  struct outcome outcome;
  current_job = job;
  current_result = result;
  order.rename_errno = job->variant.rename_errno;
  run(place, &order, &outcome);
  check_undisturbed(place, &outcome);
  if (outcome.calls == 0 || outcome.calls > MAX_CALLS) {
    complain("%ld system calls were seen", outcome.calls);
  } else if (job->kind == KILL) {
    kill_everywhere(place, order);
  } else {
    order.fail_errno = job->fail_errno;
    order.fail_for_good = job->kind == FAIL_FOR_GOOD;
    fail_everywhere(place, order, outcome.calls);
  }
  result->done = true;
}
