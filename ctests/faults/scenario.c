/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the child does. It reports each step through shared memory, and after a step that failed it
 * looks at once what it still holds. */
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

const struct scenario scenarios[] = {
    {"acquire, release", FROM_FREE, {{ACQUIRE, CRTX_OK, 0}, {RELEASE, CRTX_OK, 0}}},
    {"acquire, leak, release", FROM_FREE, {{ACQUIRE, CRTX_OK, 0}, {LEAK, CRTX_OK, 0}, {RELEASE, CRTX_OK, 0}}},
    {"acquire, check, inspect, release, inspect",
     FROM_FREE,
     {{ACQUIRE, CRTX_OK, 0},
      {CHECK, CRTX_OK, 0},
      {INSPECT, CRTX_OK, CRTX_MARKER_HELD_BY_THIS_PROCESS},
      {RELEASE, CRTX_OK, 0},
      {INSPECT, CRTX_OK, CRTX_MARKER_ABSENT}}},
    {"quarantine, acquire, release",
     FROM_STALE,
     {{QUARANTINE, CRTX_OK, 0}, {ACQUIRE, CRTX_OK, 0}, {RELEASE, CRTX_OK, 0}}},
    {"takeover, release", FROM_STALE, {{TAKEOVER, CRTX_OK, 0}, {RELEASE, CRTX_OK, 0}}},
    {"takeover, leak, release", FROM_STALE, {{TAKEOVER, CRTX_OK, 0}, {LEAK, CRTX_OK, 0}, {RELEASE, CRTX_OK, 0}}},
    {"verify, refused acquire, inspect, takeover, inspect",
     FROM_STALE,
     {{VERIFY, CRTX_OK, 0},
      {ACQUIRE, CRTX_E_MARKER_EXISTS, CRTX_MARKER_STALE},
      {INSPECT, CRTX_OK, CRTX_MARKER_STALE},
      {TAKEOVER, CRTX_OK, 0},
      {INSPECT, CRTX_OK, CRTX_MARKER_HELD_BY_THIS_PROCESS}}},
    {"all refused by a live holder",
     FROM_HELD,
     {{ACQUIRE, CRTX_E_MARKER_EXISTS, CRTX_MARKER_HELD},
      {QUARANTINE, CRTX_E_CONTENDED, CRTX_MARKER_HELD},
      {TAKEOVER, CRTX_E_CONTENDED, CRTX_MARKER_HELD},
      {VERIFY, CRTX_E_CONTENDED, CRTX_MARKER_HELD},
      {INSPECT, CRTX_OK, CRTX_MARKER_HELD}}},
};
const size_t scenario_count = sizeof scenarios / sizeof scenarios[0];

struct report *report;
crtx_lock live_holder;

static int count_descriptors(void)
{
  int descriptor, count = 0;
  for (descriptor = 0; descriptor < 128; descriptor++) {
    count += fcntl(descriptor, F_GETFD) >= 0;
  }
  return count;
}

static crtx_status inspect(const char *path, crtx_error *error)
{
  crtx_marker marker = CRTX_MARKER_INIT;
  crtx_status status = crtx_marker_inspect(path, &marker, error);
  error->marker_state = status == CRTX_OK ? marker.state : 0;
  return status;
}

static crtx_status call(enum step step, struct place *place, const char *path, crtx_lock *lock,
                        struct step_report *told)
{
  crtx_lock_options options = lock_options(&place->variant);
  crtx_signed_document *document = &place->attestation.document;
  size_t needed;
  switch (step) {
  case ACQUIRE:
    return crtx_lock_acquire(path, &options, lock, &told->error);
  case CHECK:
    return crtx_lock_check(*lock, &told->error);
  case INSPECT:
    return inspect(path, &told->error);
  case LEAK:
    return crtx_lock_leak(*lock, &told->error);
  case RELEASE:
    return crtx_lock_release(*lock, &told->error);
  case QUARANTINE:
    return crtx_quarantine(path, document, told->stale_path, sizeof told->stale_path, &needed, &told->error);
  case TAKEOVER:
    return crtx_takeover(path, document, &options, lock, told->stale_path, sizeof told->stale_path, &needed,
                         &told->error);
  case VERIFY:
    return crtx_takeover_verify(path, document, &told->error);
  default:
    return CRTX_E_INTERNAL;
  }
}

static crtx_status perform(enum step step, struct place *place, const char *path, crtx_lock *lock,
                           struct step_report *told)
{
  told->error.struct_size = sizeof told->error;
  told->begun = true;
  report->armed = 1;
  told->status = call(step, place, path, lock, told);
  report->armed = 0;
  told->done = true;
  return told->status;
}

static bool exists(const char *path)
{
  struct stat status;
  return lstat(path, &status) == 0;
}

/* After a step that failed: what is on disk, what is locked, and whether the handle lives; one that
 * lives must be good for another release. */
static void look_around(struct place *place, crtx_lock *lock, int descriptors)
{
  bool marker_free = lock_is_free(place->path), companion_free = lock_is_free(place->companion);
  report->failed = true;
  report->marker_there = exists(place->path);
  report->companion_there = exists(place->companion);
  report->fresh_there = exists(place->fresh);
  report->everything_locked = !marker_free && !companion_free;
  report->something_locked = !marker_free || !companion_free || !lock_is_free(place->fresh);
  report->open_descriptors = count_descriptors() - descriptors;
  report->calm = 1;
  report->handle = crtx_lock_check(*lock, NULL);
  if (report->handle == CRTX_OK) {
    report->armed = 1;
    report->retried = crtx_lock_release(*lock, NULL);
    report->armed = 0;
  }
}

void perform_scenario(void *argument)
{
  struct place *place = argument;
  const struct scenario *scenario = place->scenario;
  const char *path = place->path;
  crtx_lock lock = CRTX_LOCK_INIT;
  size_t i;
  int descriptors;
  if (place->variant.caller == STRICT_UMASK) {
    umask(077);
  } else if (place->variant.caller == RELATIVE_PATH) {
    path = MARKER;
    if (chdir(place->directory) != 0) {
      return;
    }
  }
  descriptors = count_descriptors();
  for (i = 0; scenario->steps[i].step != END; i++) {
    report->step = i;
    if (perform(scenario->steps[i].step, place, path, &lock, &report->steps[i]) != scenario->steps[i].expected) {
      look_around(place, &lock, descriptors);
      break;
    }
  }
  if (scenario->steps[i].step == END && scenario->steps[i - 1].step != RELEASE && lock.opaque != 0) {
    report->left_open = 0; /* ends with the lock held: as good as killed */
  } else {
    report->left_open = count_descriptors() - descriptors;
  }
  report->finished = true;
}
