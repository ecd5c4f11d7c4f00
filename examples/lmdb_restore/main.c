/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A restore of an LMDB environment that is killed half-way, and what may and may not follow. */
#include "ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define ENTRIES 100000L

struct demo {
  struct ledger ledger;
  struct operator_key operator_key;
  struct operator_key intruder;
  struct order order;
  struct census whole; /* as it was backed up */
  struct engine_lock engine_lock;
};

struct report {
  long done;
  long total;
};

static void make_ledger(struct ledger *ledger, int keep) {
  make_place(ledger->root, keep);
  join(ledger->store, ledger->root, "ledger");
  join(ledger->data, ledger->store, "data.mdb");
  join(ledger->lock_file, ledger->store, "lock.mdb");
  join(ledger->marker, ledger->root, "ledger.restore");
  join(ledger->backup, ledger->root, "backup");
  join(ledger->staged, ledger->backup, "data.mdb");
  join(ledger->manifest, ledger->backup, "manifest.json");
  make_directory(ledger->store);
  make_directory(ledger->backup);
}

static void build_and_back_up(struct demo *demo) {
  struct ledger *ledger = &demo->ledger;
  char digest[TEXT_SIZE], text[256];
  MDB_env *env;
  build(ledger, ENTRIES);
  env = open_guarded(ledger);
  expect(env != NULL && take_census(env, &demo->whole) == 0, "the new store can be read");
  mdb_env_close(env);
  expect(demo->whole.entries == ENTRIES, "all entries are in it");
  back_up(ledger);
  file_digest(ledger->staged, digest);
  snprintf(text, sizeof text, "{\"data.mdb\":\"%s\"}\n", digest);
  write_file(ledger->manifest, text);
  step("Build", "%s entries, %s KiB, backed up by mdb_env_copy()", grouped(ENTRIES),
       grouped(file_size(ledger->staged) / 1024));
}

static void authorize_restore(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  expect_status(authorize(&demo->ledger, &demo->order, &demo->operator_key, &error), CRTX_OK,
                &error, "verify the restore intent");
}

static void run_service(void *context, int channel) {
  struct ledger *ledger = context;
  MDB_env *env = open_guarded(ledger);
  if (env == NULL) give_up("%s", ledger->text);
  tell_parent(channel, "r", 1);
  mdb_env_close(env);
}

static void restore_beside_service(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct child service = start_child(run_service, &demo->ledger);
  char ready, before[TEXT_SIZE], after[TEXT_SIZE];
  enum ending ending;
  expect(child_tells(&service, &ready, 1), "the service opens the store");
  file_digest(demo->ledger.data, before);
  step("In use", "a service, process %ld, has the store open", (long)service.pid);
  show_both_locks(&demo->engine_lock, demo->ledger.marker);
  ending = restore(&demo->ledger, &demo->order, NULL, &error);
  shows(ending == IN_USE, "a restore takes libcrtx's lock, is refused LMDB's, and gives up");
  file_digest(demo->ledger.data, after);
  shows(strcmp(before, after) == 0 && look_at(demo->ledger.marker).state == CRTX_MARKER_ABSENT,
        "nothing was written, and its marker is gone");
  let_child_go_on(&service);
  expect_child_to_end(&service);
}

static void damage(struct demo *demo) {
  struct census census;
  MDB_env *env;
  clean_up_badly(&demo->ledger);
  env = open_guarded(&demo->ledger);
  expect(env != NULL && take_census(env, &census) == 0, "the damaged store can be read");
  mdb_env_close(env);
  expect(census.entries == ENTRIES / 4, "three of four entries are gone");
}

static void show_content(struct demo *demo) {
  struct ledger *ledger = &demo->ledger;
  struct census census;
  char digest[TEXT_SIZE];
  MDB_env *env;
  file_digest(ledger->data, digest);
  shows(strcmp(digest, demo->order.digests[1]) == 0, "data.mdb is the backup, byte for byte");
  env = open_guarded(ledger);
  expect(env != NULL, "the guarded open lets us in: %s", ledger->text);
  expect(take_census(env, &census) == 0, "the restored store can be read");
  mdb_env_close(env);
  shows(census.entries == ENTRIES && census.sum == demo->whole.sum,
        "the guarded open lets us in: %s entries, their sum as before", grouped(census.entries));
}

static void restore_normally(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  enum ending ending;
  damage(demo);
  step("Restore", "after a bad clean-up job, on a restore intent signed and verified");
  ending = restore(&demo->ledger, &demo->order, NULL, &error);
  shows(ending == RESTORED, "restored: %s", ending == RESTORED ? "checked, copied, verified"
                                                               : demo->ledger.text);
  show_content(demo);
  shows(look_at(demo->ledger.marker).state == CRTX_MARKER_ABSENT, "the marker is gone");
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

static void show_refusal(struct demo *demo, const char *what, crtx_status wanted, uint32_t state) {
  crtx_error error = CRTX_ERROR_INIT;
  enum ending ending = restore(&demo->ledger, &demo->order, NULL, &error);
  shows(ending == REFUSED && error.status == wanted && error.marker_state == state,
        "%s is refused: %s, %s", what, crtx_status_name(error.status),
        error.marker_state == CRTX_MARKER_STALE ? "stale" : "held");
}

static enum ending restore_signed_by(struct demo *demo, const struct operator_key *signer,
                                     crtx_error *error) {
  struct document document;
  attest_takeover(&document, signer, demo->ledger.marker, 0);
  return restore_by_takeover(&demo->ledger, &demo->order, &document, &demo->operator_key, error);
}

/* While the holder lives, nobody gets past it: not even with the operator's signature. */
static void try_against_live_holder(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  enum ending ending;
  show_refusal(demo, "a second restore meanwhile", CRTX_E_MARKER_EXISTS, CRTX_MARKER_HELD);
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

static void crash(struct demo *demo) {
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

static void show_that_lmdb_is_not_enough(struct demo *demo) {
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

static void refuse(struct demo *demo) {
  step("Refused", "until an operator has signed");
  show_refusal(demo, "the next restore", CRTX_E_MARKER_EXISTS, CRTX_MARKER_STALE);
  paragraph(demo->ledger.text);
  shows(open_guarded(&demo->ledger) == NULL, "the guarded open is refused");
  paragraph(demo->ledger.text);
}

static void take_over(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct document document;
  crtx_signed_document attestation;
  enum ending ending;
  step("Take over", "on the operator's attestation for this very marker");
  ending = restore_signed_by(demo, &demo->intruder, &error);
  shows(ending == REFUSED && error.status == CRTX_E_BAD_SIGNATURE,
        "signed by another key: %s", crtx_status_name(error.status));
  attest_takeover(&document, &demo->operator_key, demo->ledger.marker, 0);
  attestation = as_signed(&document, &demo->operator_key);
  expect_status(crtx_takeover_verify(demo->ledger.marker, &attestation, &error), CRTX_OK, &error,
                "verify before anything is moved");
  ending = restore_signed_by(demo, &demo->operator_key, &error);
  shows(ending == RESTORED, "signed by the operator: %s",
        ending == RESTORED ? "accepted, and restored to the end" : demo->ledger.text);
  show_content(demo);
}

/* The backup changes after it was authorized: the copy is found out, and the store is broken. */
static void fail_half_way(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct ledger *ledger = &demo->ledger;
  char whole_backup[PATH_SIZE];
  enum ending ending;
  step("Bad backup", "the backup changes between the signature and the copy");
  damage(demo);
  join(whole_backup, ledger->backup, "whole.mdb");
  expect(rename(ledger->staged, whole_backup) == 0, "put the backup aside");
  write_file(ledger->staged, "not a database\n");
  ending = restore(ledger, &demo->order, NULL, &error);
  shows(ending == IN_DOUBT, "the restore fails: %s", ledger->text);
  shows(look_at(ledger->marker).state == CRTX_MARKER_STALE && open_guarded(ledger) == NULL,
        "it kept its marker on purpose: the store stays closed");
  expect(rename(whole_backup, ledger->staged) == 0, "put the backup back");
  ending = restore_signed_by(demo, &demo->operator_key, &error);
  shows(ending == RESTORED, "a new attestation, for that marker, and the good backup: restored");
  show_content(demo);
}

static void audit(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  char list[2 * STALE_PATH_SIZE];
  const char *path;
  int count = 0;
  const struct operator_key *key = &demo->operator_key;
  const struct operator_key *other = &demo->intruder;
  step("Audit", "what stays beside the store");
  expect_status(crtx_evidence_list(demo->ledger.marker, list, sizeof list, NULL, &error), CRTX_OK,
                &error, "list the evidence");
  for (path = list; *path != '\0'; path += strlen(path) + 1, count++) {
    crtx_status status =
        crtx_evidence_verify(path, key->public_key, sizeof key->public_key, &error);
    shows(status == CRTX_OK, "%s: the operator signed for it", base_name(path));
    expect_status(crtx_evidence_verify(path, other->public_key, sizeof other->public_key, &error),
                  CRTX_E_BAD_SIGNATURE, &error, "verify the evidence with another key");
  }
  expect(count == 2, "as much evidence as there were takeovers");
}

int main(int count, char **arguments) {
  static const crtx_lock_options defaults = CRTX_LOCK_OPTIONS_INIT;
  static struct demo demo;
  make_ledger(&demo.ledger, wants_to_keep(count, arguments));
  demo.order.options = defaults;
  demo.engine_lock.engine = "LMDB";
  demo.engine_lock.path = demo.ledger.lock_file;
  demo.engine_lock.length = 1;
  make_operator(&demo.operator_key);
  make_operator(&demo.intruder);
  title("LMDB: a restore that dies half-way, with libcrtx %s and %s", crtx_version(),
        mdb_version(NULL, NULL, NULL));
  build_and_back_up(&demo);
  authorize_restore(&demo);
  restore_beside_service(&demo);
  restore_normally(&demo);
  crash(&demo);
  show_that_lmdb_is_not_enough(&demo);
  refuse(&demo);
  take_over(&demo);
  fail_half_way(&demo);
  audit(&demo);
  forget_operator(&demo.operator_key);
  forget_operator(&demo.intruder);
  return closing_line();
}
