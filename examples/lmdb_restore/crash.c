/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "story.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
  long done;
  long total;
};

void show_refusal(struct demo *demo, const char *what, uint32_t state) {
  crtx_error error = CRTX_ERROR_INIT;
  enum ending ending = restore(&demo->ledger, &demo->order, NULL, &error);
  char log_line[1280];
  shows(ending == REFUSED && error.status == CRTX_E_MARKER_EXISTS && error.marker_state == state,
        "%s is refused: %s, %s", what, crtx_status_name(error.status), state_name(state));
  describe(&error, log_line, sizeof log_line);
  if (state == CRTX_MARKER_STALE) paragraph(log_line);
}

static void tell(void *context, long done, long total) {
  struct report report;
  report.done = done;
  report.total = total;
  tell_parent(*(int *)context, &report, sizeof report);
}

static void run_restore(void *context, int channel) {
  struct demo *demo = context;
  crtx_error error = CRTX_ERROR_INIT;
  struct watcher watcher;
  watcher.after_chunk = tell;
  watcher.context = &channel;
  if (restore(&demo->ledger, &demo->order, &watcher, &error) != RESTORED)
    give_up("%s", demo->ledger.text);
}

/* While the holder lives, nobody gets past it: not even with the operator's signature. */
static void try_against_live_holder(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct order patient = demo->order;
  enum ending ending;
  show_refusal(demo, "a second restore meanwhile", CRTX_MARKER_HELD);
  /* begin: wait */
  patient.options.timeout_ms = 200; /* for a holder to end; a stale marker is never waited for */
  ending = restore(&demo->ledger, &patient, NULL, &error);
  /* end: wait */
  shows(ending == REFUSED && error.marker_state == CRTX_MARKER_HELD,
        "one that waits 200 ms is refused then");
  shows(open_guarded(&demo->ledger) == NULL, "a guarded open meanwhile is refused");
  ending = restore_signed_by(demo, &demo->operator_key, &error);
  shows(ending == REFUSED && error.status == CRTX_E_CONTENDED,
        "a signed takeover meanwhile is refused: %s", crtx_status_name(error.status));
}

/* How many bytes from the start are the other file's. */
static long same_until(const char *path, const char *other) {
  char left[4096], right[4096];
  long same = 0;
  int a = open(path, O_RDONLY | O_CLOEXEC);
  int b = open(other, O_RDONLY | O_CLOEXEC);
  if (a < 0 || b < 0) give_up("open: %s", strerror(errno));
  while (read(a, left, sizeof left) == (ssize_t)sizeof left &&
         read(b, right, sizeof right) == (ssize_t)sizeof right &&
         memcmp(left, right, sizeof left) == 0)
    same += (long)sizeof left;
  close(a);
  close(b);
  return same;
}

void crash(struct demo *demo) {
  struct child child;
  struct report report;
  damage(demo);
  child = start_child(run_restore, demo);
  expect(child_tells(&child, &report, sizeof report), "the restore begins");
  step("Crash", "another restore, process %ld", (long)child.pid);
  show_both_locks(&demo->engine_lock, demo->ledger.marker);
  try_against_live_holder(demo);
  while (report.done * 2 < report.total) {
    let_child_go_on(&child);
    expect(child_tells(&child, &report, sizeof report), "it copies on until half-way");
    progress("restoring", report.done / 1024, report.total / 1024, "KiB");
  }
  kill_child(&child);
  progress_end();
  line("SIGKILL after %s of %s KiB", grouped(report.done / 1024), grouped(report.total / 1024));
  shows(same_until(demo->ledger.data, demo->ledger.staged) >= report.done &&
            same_until(demo->ledger.data, demo->ledger.staged) < report.total,
        "the store is the backup up to there, and something else behind it");
}

/* What an open that does not look comes to. In a process of its own, because LMDB trusts its pages
 * and may run into anything; what it says to standard error then is in our own words below. */
struct finding {
  int opened;
  int walked; /* 0, or LMDB's error */
  struct census census;
};

static void open_without_looking(void *context, int channel) {
  static const struct rlimit no_core = {0, 0};
  struct ledger *ledger = context;
  struct finding finding;
  MDB_env *env = open_unguarded(ledger);
  memset(&finding, 0, sizeof finding);
  finding.opened = env != NULL;
  tell_parent(channel, &finding, sizeof finding);
  close(STDERR_FILENO);
  setrlimit(RLIMIT_CORE, &no_core);
  alarm(20);
  finding.walked = take_census(env, &finding.census);
  tell_parent(channel, &finding, sizeof finding);
}

void show_that_lmdb_is_not_enough(struct demo *demo) {
  struct child child;
  struct finding finding;
  char what[128];
  int status = 0;
  step("LMDB alone", "its lock went with the process; the marker did not");
  show_both_locks(&demo->engine_lock, demo->ledger.marker);
  child = start_child(open_without_looking, &demo->ledger);
  expect(child_tells(&child, &finding, sizeof finding), "the child opens the store");
  shows(finding.opened, "mdb_env_open() that does not look opens it, and says nothing");
  let_child_go_on(&child);
  if (child_tells(&child, &finding, sizeof finding)) {
    let_child_go_on(&child);
    snprintf(what, sizeof what, "%s entries, then \"%s\"", grouped(finding.census.entries),
             finding.walked == 0 ? "the end" : mdb_strerror(finding.walked));
    expect(waitpid(child.pid, &status, 0) == child.pid, "the child ends");
  } else {
    expect(waitpid(child.pid, &status, 0) == child.pid && WIFSIGNALED(status), "it is killed");
    snprintf(what, sizeof what, "death by signal %d (%s)", WTERMSIG(status),
             strsignal(WTERMSIG(status)));
    finding.walked = -1;
  }
  close(child.channel);
  shows(finding.walked != 0 || finding.census.sum != demo->whole.sum,
        "what is in there is not the ledger: %s", what);
}

/* begin: kill */
static void kill_after(struct demo *demo, long eighths) {
  struct child child = start_child(run_restore, demo);
  struct report report;
  expect(child_tells(&child, &report, sizeof report), "the restore begins");
  while (report.done * 8 < report.total * eighths) {
    let_child_go_on(&child);
    expect(child_tells(&child, &report, sizeof report), "it copies on");
  }
  kill_child(&child);
}

int survive_kills(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  long eighths;
  for (eighths = 0; eighths <= 8; eighths++) {
    damage(demo);
    kill_after(demo, eighths);
    expect(look_at(demo->ledger.marker).state == CRTX_MARKER_STALE, "its marker is stale");
    expect(open_guarded(&demo->ledger) == NULL, "the store is closed");
    expect(restore_signed_by(demo, &demo->operator_key, &error) == RESTORED, "taken over");
    expect(is_whole(demo), "the store is whole");
  }
  return (int)eighths;
}
/* end: kill */

static void restore_and_die(void *context) { kill_after(context, 4); }

/* The second look of the guarded open is for a restore that begins after the first, and may even
 * have died before LMDB's lock was asked. */
void open_while_a_restore_begins_and_dies(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  MDB_env *env;
  damage(demo);
  step("Race", "a restore begins, and dies, between the look and the open");
  demo->ledger.context = demo;
  demo->ledger.between = restore_and_die;
  env = open_guarded(&demo->ledger);
  demo->ledger.between = NULL;
  shows(env == NULL && look_at(demo->ledger.marker).state == CRTX_MARKER_STALE,
        "the second look finds its marker, and the store is closed again");
  expect(restore_signed_by(demo, &demo->operator_key, &error) == RESTORED, "taken over");
  demo->takeovers++;
}
