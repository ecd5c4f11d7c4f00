/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The ptrace driver: stops a child before and after each system call that the library makes, kills
 * it there, or makes the call fail. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_PTRACE_DENIED = 99 };

struct traced_call undisturbed_calls[MAX_CALLS];

static void be_traced(void (*body)(void *), void *argument)
{
  if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) {
    _exit(EXIT_PTRACE_DENIED);
  }
  alarm(30); /* a child that hangs is a failure, not a harness that hangs */
  raise(SIGSTOP);
  body(argument);
  _exit(0);
}

static int wait_for(pid_t child)
{
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) {
      return -1;
    }
  }
  return status;
}

static const char *last_part(const char *path)
{
  const char *slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

/* The file that the call is about, for messages, and for the few rules that depend on it. */
static void name_file(pid_t child, struct traced_call *call)
{
  char text[PATH_MAX + 1] = "", link[64];
  ssize_t length = -1;
  if (takes_a_name(call->number)) {
    struct iovec here = {text, 255}, there;
    there.iov_base = (void *)(uintptr_t)call->arguments[1];
    there.iov_len = 255;
    length = process_vm_readv(child, &here, 1, &there, 1, 0);
  }
  if (text[0] == '\0') { /* no name, or an empty one: the descriptor counts */
    snprintf(link, sizeof link, "/proc/%d/fd/%d", (int)child, (int)call->arguments[0]);
    length = readlink(link, text, PATH_MAX);
  }
  text[length < 0 ? 0 : length] = '\0';
  snprintf(call->file, sizeof call->file, "%.*s", MAX_NAME - 1, last_part(text));
}

struct session {
  pid_t child;
  const struct order *order;
  struct outcome *outcome;
  struct traced_call call;
  bool counts;    /* the call under way is one of the library's */
  int fail_errno; /* with which it will fail */
};

/* Which errno the call is to answer; 0: none. */
static int failure_of(const struct session *session, long index)
{
  const struct order *order = session->order;
  bool hit = order->fail_at >= 0 && (index == order->fail_at || (order->fail_for_good && index > order->fail_at));
  if (hit && !report->calm) {
    return order->fail_errno;
  }
  return session->call.number == SYS_renameat2 ? order->rename_errno : 0;
}

static bool kill_here(struct session *session)
{
  session->outcome->killed = true;
  name_file(session->child, &session->call);
  session->outcome->at = session->call;
  kill(session->child, SIGKILL);
  session->outcome->wait_status = wait_for(session->child);
  return WIFSIGNALED(session->outcome->wait_status);
}

/* Before the call. False: the driver does not work as it should. */
static bool on_entry(struct session *session, const struct __ptrace_syscall_info *info, bool *ended)
{
  long index;
  session->counts = report->armed && touches_disk_or_lock((long)info->entry.nr);
  session->fail_errno = 0;
  if (!session->counts) {
    return true;
  }
  index = session->outcome->calls++;
  session->call.number = (long)info->entry.nr;
  session->call.step = report->step;
  memcpy(session->call.arguments, info->entry.args, sizeof session->call.arguments);
  if (session->order->fail_at < 0 && session->order->kill_at < 0 && index < MAX_CALLS) {
    name_file(session->child, &session->call);
    undisturbed_calls[index] = session->call;
  }
  if (session->order->kill_at == 2 * index) {
    *ended = true;
    /* It would not run anyhow: a fatal signal at this stop skips the call. */
    return set_call_number(session->child, -1) && kill_here(session);
  }
  session->fail_errno = failure_of(session, index);
  if (index == session->order->fail_at && session->fail_errno != 0) {
    name_file(session->child, &session->call);
    session->outcome->failed = true;
    session->outcome->at = session->call;
  }
  if (session->fail_errno == SHORT_TRANSFER) {
    session->fail_errno = 0;
    return !transfers_bytes(session->call.number) || session->call.arguments[2] < 2 ||
           set_call_length(session->child, 1);
  }
  /* A close that fails has closed all the same (close(2)). */
  return session->fail_errno == 0 || session->call.number == SYS_close || set_call_number(session->child, -1);
}

static bool on_exit_of_call(struct session *session, bool *ended)
{
  if (!session->counts) {
    return true;
  }
  if (session->fail_errno != 0 && !set_call_result(session->child, -(long)session->fail_errno)) {
    return false;
  }
  if (session->order->kill_at == 2 * (session->outcome->calls - 1) + 1) {
    *ended = true;
    return kill_here(session);
  }
  return true;
}

/* Nothing more is to be done to the child: let it run at full speed. */
static bool may_be_let_go(const struct session *session)
{
  const struct order *order = session->order;
  return session->outcome->failed && !session->counts && order->kill_at < 0 && !order->fail_for_good &&
         order->rename_errno == 0;
}

static bool follow(struct session *session)
{
  int signal_number = 0;
  bool ended = false;
  while (!ended) {
    int status;
    struct __ptrace_syscall_info info;
    if (may_be_let_go(session)) {
      ptrace(PTRACE_DETACH, session->child, NULL, NULL);
      session->outcome->wait_status = wait_for(session->child);
      return true;
    }
    if (ptrace(PTRACE_SYSCALL, session->child, NULL, (void *)(long)signal_number) != 0) {
      return false;
    }
    status = wait_for(session->child);
    signal_number = 0;
    if (!WIFSTOPPED(status)) {
      session->outcome->wait_status = status;
      return true;
    }
    if (WSTOPSIG(status) != (SIGTRAP | 0x80)) {
      signal_number = WSTOPSIG(status);
      continue;
    }
    if (ptrace(PTRACE_GET_SYSCALL_INFO, session->child, (void *)sizeof info, &info) <= 0) {
      return false;
    }
    if (info.op == PTRACE_SYSCALL_INFO_ENTRY ? !on_entry(session, &info, &ended)
                                             : !on_exit_of_call(session, &ended)) {
      return false;
    }
    if (info.op == PTRACE_SYSCALL_INFO_EXIT) {
      session->counts = false;
    }
  }
  return true;
}

int run_traced(void (*body)(void *), void *argument, const struct order *order, struct outcome *outcome)
{
  struct session session;
  int status;
  memset(&session, 0, sizeof session);
  memset(outcome, 0, sizeof *outcome);
  memset(report, 0, sizeof *report);
  session.order = order;
  session.outcome = outcome;
  session.child = fork();
  if (session.child == 0) {
    be_traced(body, argument);
  }
  outcome->child = session.child;
  if (session.child < 0) {
    return PTRACE_FAILED;
  }
  status = wait_for(session.child);
  if (!WIFSTOPPED(status)) {
    return WIFEXITED(status) && WEXITSTATUS(status) == EXIT_PTRACE_DENIED ? PTRACE_DENIED : PTRACE_FAILED;
  }
  if (ptrace(PTRACE_SETOPTIONS, session.child, NULL, (void *)(PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD)) != 0 ||
      !follow(&session)) {
    kill(session.child, SIGKILL);
    wait_for(session.child);
    return PTRACE_FAILED;
  }
  return 0;
}
