/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What must hold of a call one of whose system calls failed: a clear status with that errno, the
 * disk as before (or the message says what stands where), no descriptor and no lock kept but by a
 * handle that may be released again; and nothing at all to be seen of an interruption. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static bool ends_with(const char *text, const char *end)
{
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool is_companion(const struct traced_call *call)
{
  return ends_with(call->file, ".flock");
}

/* Failures that do not matter to the call: what it wants is done by other means, or is a courtesy. */
static bool is_harmless(const struct place *place, const struct traced_call *call, int fail_errno)
{
  enum step step = place->scenario->steps[call->step].step;
  bool looks_or_removes = call->number == SYS_newfstatat || call->number == SYS_unlinkat;
  if (call->number == SYS_close) {
    return true; /* it has closed */
  }
  if (call->number == SYS_flock && call->arguments[1] == LOCK_UN) {
    return true; /* the close that follows unlocks */
  }
  if (fail_errno == EEXIST && call->number == SYS_openat) {
    return true; /* another name is taken, or the leftover removed */
  }
  if (step == QUARANTINE && looks_or_removes && is_companion(call)) {
    return true; /* a companion that stays is taken up by the next call */
  }
  /* A refused acquire looks whether a companion of its own making may go. */
  return step == ACQUIRE && place->scenario->steps[call->step].expected != CRTX_OK &&
         call->number == SYS_newfstatat && strcmp(call->file, MARKER) == 0;
}

static bool is_right_status(const struct traced_call *call, int fail_errno, const struct step_report *told)
{
  if (fail_errno == EACCES && call->number == SYS_openat && is_companion(call)) {
    return told->status == CRTX_E_INSECURE_PERMISSIONS && told->error.os_error == EACCES;
  }
  /* Contended: there was a marker, and it was gone at the next look. */
  if (fail_errno == EEXIST && (told->status == CRTX_E_MARKER_EXISTS || told->status == CRTX_E_LOST ||
                               (told->status == CRTX_E_CONTENDED && told->error.os_error == EEXIST))) {
    return call->number == SYS_renameat2 || call->number == SYS_linkat;
  }
  return told->status == CRTX_E_IO && told->error.os_error == fail_errno;
}

static void check_status(const struct order *order, const struct traced_call *call, const struct step_report *told)
{
  if (!is_right_status(call, order->fail_errno, told)) {
    complain("answers %s with os_error %d: %s", crtx_status_name(told->status), (int)told->error.os_error,
             told->error.message);
  }
  if (told->error.status != told->status || told->error.operation[0] == '\0' || told->error.message[0] == '\0') {
    complain("its crtx_error is not filled");
  }
}

/* The handle lives after a failure: nothing was changed, both locks are held. */
static void check_living_handle(enum step step)
{
  if (step == ACQUIRE || step == TAKEOVER || step == QUARANTINE) {
    complain("it failed, and yet there is a handle");
  }
  if (!report->marker_there || !report->companion_there || !report->everything_locked) {
    complain("the handle lives, but marker %s, companion %s, locks %s", report->marker_there ? "there" : "gone",
             report->companion_there ? "there" : "gone", report->everything_locked ? "held" : "not held");
  }
  if (report->retried != CRTX_OK) {
    complain("a second release answers %s", crtx_status_name(report->retried));
  }
}

static void check_ended_handle(const struct place *place, enum step step, const struct traced_call *at, bool for_good)
{
  bool held_by_driver = place->scenario->beginning == FROM_HELD;
  if (step == RELEASE && report->marker_there) {
    complain("the release ended the handle, but the marker is still there");
  }
  if (step == RELEASE && report->companion_there && !is_companion(at) && !for_good) {
    complain("the release ended the handle, but did not remove the companion");
  }
  if (step == CHECK || (step == INSPECT && place->scenario->steps[report->step - 1].step == CHECK)) {
    complain("a failed %s ended the handle", step == CHECK ? "check" : "inspect");
  }
  if (report->something_locked && !held_by_driver) {
    complain("an OS lock is kept, and no handle for it");
  }
  if (report->open_descriptors != 0) {
    complain("%d descriptors are left open", report->open_descriptors);
  }
}

static const char *stale_name_in(const char *text)
{
  return strstr(text, ".stale-");
}

/* After a failure of quarantine or takeover, or of an acquire after the marker was published: what
 * is not as before must be told. */
static void check_message_tells(const struct place *place, const struct step_report *told, unsigned state,
                                int evidence, bool for_good)
{
  enum step step = place->scenario->steps[report->step].step;
  bool moved = state == DISK_STALE || state == DISK_STALE_NEW;
  const char *stale = stale_name_in(told->stale_path);
  if (step == TAKEOVER && moved != (stale != NULL)) {
    complain("the old marker %s, but stale_path is \"%s\"", moved ? "stands aside" : "is in place", told->stale_path);
  }
  if ((step == TAKEOVER || step == QUARANTINE) && moved &&
      (stale_name_in(told->error.message) == NULL || (stale != NULL && strstr(told->error.message, stale) == NULL))) {
    complain("the message does not say where the old marker stands: %s", told->error.message);
  }
  if (evidence > 0 && !for_good && stale_name_in(told->error.message) == NULL) {
    complain("evidence is left, and the message does not say so: %s", told->error.message);
  }
  if ((step == ACQUIRE || step == TAKEOVER) && (state == DISK_NEW || state == DISK_STALE_NEW) &&
      strstr(told->error.message, "new marker") == NULL) {
    complain("the new marker stayed, and the message does not say so: %s", told->error.message);
  }
}

static unsigned states_after_failure(const struct place *place, bool for_good)
{
  enum step step = place->scenario->steps[report->step].step;
  unsigned possible = states_after_kill(place->scenario), undone;
  struct step_report *told = &report->steps[report->step];
  if (step == RELEASE || report->handle == CRTX_OK) {
    /* The release is complete, at the latest by its second try. */
    crtx_status status = told->status;
    if (step == RELEASE) {
      told->status = CRTX_OK;
    }
    possible = states_after_kill(place->scenario);
    told->status = status;
    return step == RELEASE ? possible : possible & (DISK_FREE | DISK_STALE);
  }
  if (for_good) {
    return possible;
  }
  told->begun = false;
  undone = states_after_kill(place->scenario);
  told->begun = true;
  return undone;
}

static void check_failed_step(struct place *place, const struct order *order, const struct outcome *outcome)
{
  enum step step = place->scenario->steps[report->step].step;
  if (order->fail_errno == EINTR || order->fail_errno == SHORT_TRANSFER) {
    complain("%s was noticed: %s", order->fail_errno == EINTR ? "an interruption" : "a short transfer",
             report->steps[report->step].error.message);
    return;
  }
  if (outcome->at.step != report->step && !(order->fail_for_good && outcome->at.step < report->step)) {
    complain("step %d failed, not this one", (int)report->step);
  }
  check_status(order, &outcome->at, &report->steps[report->step]);
  if (report->handle == CRTX_OK) {
    check_living_handle(step);
  } else {
    check_ended_handle(place, step, &outcome->at, order->fail_for_good);
  }
}

static void check_ended_well(const struct outcome *outcome)
{
  if (!WIFEXITED(outcome->wait_status) || WEXITSTATUS(outcome->wait_status) != 0 || !report->finished) {
    complain("the child ended with wait status %d", outcome->wait_status);
  }
  if (report->left_open != 0) {
    complain("%d descriptors are left open at the end", report->left_open);
  }
}

/* All steps answered as they should: the states that they found must be right as well. */
static void check_states_found(const struct place *place)
{
  const struct scenario *scenario = place->scenario;
  bool malformed = place->variant.old_marker != USUAL && place->variant.old_marker != TWO_NAMES;
  size_t i;
  for (i = 0; scenario->steps[i].step != END; i++) {
    uint32_t expected = scenario->steps[i].state;
    uint32_t found = report->steps[i].error.marker_state;
    if (expected == CRTX_MARKER_STALE && malformed) {
      expected = CRTX_MARKER_MALFORMED;
    }
    if (!report->steps[i].done || (expected != 0 && found != expected)) {
      complain("step %d found state %u instead of %u", (int)i, (unsigned)found, (unsigned)expected);
    }
  }
}

static void check_rest(struct place *place, const struct order *order, const struct outcome *outcome)
{
  static struct snapshot now;
  int evidence = 0;
  unsigned allowed = report->failed ? states_after_failure(place, order->fail_for_good)
                                    : states_after_kill(place->scenario);
  unsigned state;
  take_snapshot(place->directory, &now);
  state = check_disk(place, outcome->child, allowed, &now, &evidence);
  check_nobody_holds(place);
  if (report->failed) {
    check_message_tells(place, &report->steps[report->step], state, evidence, order->fail_for_good);
    if (!order->fail_for_good && report->fresh_there && find_entry(&place->before, MARKER ".new") == NULL) {
      complain("PATH.new is left");
    }
  } else if (evidence > 0 && order->fail_at >= 0) {
    complain("evidence is left without its marker, and nothing was said");
  }
  if (state != 0) {
    check_aftermath(place, state, &now, outcome->child, order->fail_at % 2 == 1);
  }
}

void check_failed(struct place *place, const struct order *order, const struct outcome *outcome)
{
  check_ended_well(outcome);
  if (report->failed) {
    check_failed_step(place, order, outcome);
  } else {
    check_states_found(place);
    if (order->fail_errno != EINTR && order->fail_errno != SHORT_TRANSFER &&
        !is_harmless(place, &outcome->at, order->fail_errno)) {
      complain("the failure was passed over in silence");
    }
  }
  check_rest(place, order, outcome);
}

void check_undisturbed(struct place *place, const struct outcome *outcome)
{
  static const struct order nothing = {0, -1, 0, false, -1};
  check_ended_well(outcome);
  if (report->failed) {
    complain("undisturbed, step %d answers %s: %s", (int)report->step,
             crtx_status_name(report->steps[report->step].status), report->steps[report->step].error.message);
  } else {
    check_states_found(place);
  }
  check_rest(place, &nothing, outcome);
}

void check_killed(struct place *place, const struct order *order, const struct outcome *outcome)
{
  static struct snapshot now;
  int evidence = 0;
  unsigned state;
  take_snapshot(place->directory, &now);
  state = check_disk(place, outcome->child, states_after_kill(place->scenario), &now, &evidence);
  check_nobody_holds(place);
  if (state != 0) {
    check_aftermath(place, state, &now, outcome->child, (order->kill_at / 2 + order->fail_at) % 2 == 0);
  }
}
