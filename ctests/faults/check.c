/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What must hold after a kill: where the markers may be, by how far the child came; that evidence
 * is complete or its marker still in place; that nobody holds a lock; and that the next caller is
 * served and finds nothing left over. */
#include "faults.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STALE_PREFIX MARKER ".stale-"

/* ---- how far the child came ---- */

static unsigned after_step(unsigned state, enum step step, bool leaked)
{
  switch (step) {
  case ACQUIRE:
    return state == DISK_FREE ? DISK_NEW : state == DISK_STALE ? DISK_STALE_NEW : state;
  case RELEASE:
    return leaked ? state : state == DISK_NEW ? DISK_FREE : state == DISK_STALE_NEW ? DISK_STALE : state;
  case QUARANTINE:
    return DISK_STALE;
  case TAKEOVER:
    return DISK_STALE_NEW;
  default:
    return state;
  }
}

/* The states in which the child may have left the disk. */
unsigned states_after_kill(const struct scenario *scenario)
{
  unsigned state = scenario->beginning == FROM_FREE ? DISK_FREE : DISK_OLD;
  bool leaked = false;
  size_t i;
  for (i = 0; scenario->steps[i].step != END && report->steps[i].begun; i++) {
    enum step step = scenario->steps[i].step;
    const struct step_report *told = &report->steps[i];
    unsigned next = scenario->steps[i].expected == CRTX_OK ? after_step(state, step, leaked) : state;
    if (!told->done || told->status != scenario->steps[i].expected) {
      unsigned between = step == TAKEOVER && next != state ? (unsigned)DISK_STALE : 0;
      unsigned retried = told->done && report->handle == CRTX_OK ? after_step(state, RELEASE, leaked) : 0;
      return state | between | next | retried;
    }
    state = next;
    leaked = leaked || step == LEAK;
  }
  return state;
}

/* Whether the child died as the holder. */
static bool died_as_holder(const struct scenario *scenario)
{
  bool holds = false;
  size_t i;
  for (i = 0; scenario->steps[i].step != END && report->steps[i].begun; i++) {
    enum step step = scenario->steps[i].step;
    bool done_well = report->steps[i].done && report->steps[i].status == CRTX_OK;
    holds = step == RELEASE ? false : holds || (done_well && (step == ACQUIRE || step == TAKEOVER));
  }
  return holds;
}

/* ---- what the disk holds ---- */

static bool is_new_marker(const struct place *place, const struct entry *marker, pid_t child)
{
  static const char tail[] = "\nscope=production\nrestore_intent_blake3=" INTENT "\n";
  char text[8192], head[512];
  size_t head_length, tail_length = sizeof tail - 1, length;
  ssize_t read_length = read_file(place->path, text, sizeof text);
  const char *time;
  snprintf(head, sizeof head,
           "cortex-restore-active-store-lock-v1\npid=%d\nhost=" HOST "\ndeployment_id=" DEPLOYMENT
           "\noperator_principal_id=" PRINCIPAL "\nacquired_at=",
           (int)child);
  head_length = strlen(head);
  length = read_length < 0 ? 0 : (size_t)read_length;
  if (length < head_length + 25 + tail_length || memcmp(text, head, head_length) != 0 ||
      memcmp(text + length - tail_length, tail, tail_length) != 0) {
    return false;
  }
  time = text + head_length;
  return memchr(time, '\n', length - head_length - tail_length) == NULL && (marker->mode & 07777) == 0644 &&
         marker->owner == directory_owner(place);
}

/* The old marker under its stale name must be the very file, with evidence that verifies. */
static void check_quarantined(struct place *place, const struct entry *stale)
{
  char path[PATH_MAX];
  crtx_error error = CRTX_ERROR_INIT;
  const struct entry *old = find_entry(&place->before, MARKER);
  snprintf(path, sizeof path, "%s/%s", place->directory, stale->name);
  if (old != NULL && !same_file(old, stale)) {
    complain("%s is not the old marker", stale->name);
  }
  if (crtx_evidence_verify(path, place->attestation.key, 32, &error) != CRTX_OK) {
    complain("the evidence of %s does not verify: %s", stale->name, error.message);
  }
}

/* The name of the marker that this evidence belongs to; false for the marker itself. */
static bool evidence_of(const char *name, char *marker, size_t capacity)
{
  const char *suffix = strstr(name, ".attestation.");
  if (suffix == NULL) {
    return false;
  }
  snprintf(marker, capacity, "%.*s", (int)(suffix - name), name);
  return true;
}

/* A new name of evidence must have been free, with both others. */
static void check_name_was_free(const struct place *place, const char *marker)
{
  static const char *const endings[] = {"", ".attestation.json", ".attestation.sig"};
  char name[MAX_NAME + 32];
  size_t i;
  for (i = 0; i < 3; i++) {
    snprintf(name, sizeof name, "%s%s", marker, endings[i]);
    if (find_entry(&place->before, name) != NULL) {
      complain("evidence was written under %s, of which %s was taken", marker, name);
    }
  }
}

struct findings {
  const struct entry *marker;
  int quarantined, lone_evidence;
};

static void look_at_entry(struct place *place, const struct snapshot *now, const struct entry *entry,
                          struct findings *findings)
{
  char marker[MAX_NAME];
  if (strcmp(entry->name, MARKER) == 0) {
    findings->marker = entry;
  } else if (strcmp(entry->name, MARKER ".flock") == 0) {
    if (!S_ISREG(entry->mode)) {
      complain("the companion is no regular file");
    }
  } else if (strcmp(entry->name, MARKER ".new") == 0 || find_entry(&place->before, entry->name) != NULL) {
    return; /* what was there is compared by check_nothing_is_lost */
  } else if (strncmp(entry->name, STALE_PREFIX, sizeof STALE_PREFIX - 1) != 0) {
    complain("a file that nobody knows: %s", entry->name);
  } else if (evidence_of(entry->name, marker, sizeof marker)) {
    check_name_was_free(place, marker);
    findings->lone_evidence += find_entry(now, marker) == NULL;
  } else {
    check_name_was_free(place, entry->name);
    check_quarantined(place, entry);
    findings->quarantined++;
  }
}

/* Earlier evidence, and files that are not the library's. */
static void check_nothing_is_lost(const struct place *place, const struct snapshot *now)
{
  size_t i;
  for (i = 0; i < place->before.count; i++) {
    const struct entry *entry = &place->before.entries[i];
    if ((strncmp(entry->name, STALE_PREFIX, sizeof STALE_PREFIX - 1) == 0 || strcmp(entry->name, "victim") == 0) &&
        !same_file(entry, find_entry(now, entry->name))) {
      complain("%s was changed or removed", entry->name);
    }
  }
}

/* A holder has a companion, which nobody else can open. */
static void check_companion(const struct place *place, const struct snapshot *now)
{
  const struct entry *companion = find_entry(now, MARKER ".flock");
  if (companion == NULL) {
    complain("the holder had no companion");
  } else if ((companion->mode & 07777) != 0600 || companion->owner != directory_owner(place)) {
    complain("the holder's companion has mode %04o and owner %u", (unsigned)companion->mode & 07777u,
             (unsigned)companion->owner);
  }
}

unsigned check_disk(struct place *place, pid_t child, unsigned allowed, const struct snapshot *now, int *evidence)
{
  struct findings findings = {NULL, 0, 0};
  const struct entry *old = find_entry(&place->before, MARKER);
  bool is_old, stale;
  unsigned state;
  size_t i;
  for (i = 0; i < now->count; i++) {
    look_at_entry(place, now, &now->entries[i], &findings);
  }
  check_nothing_is_lost(place, now);
  is_old = findings.marker != NULL && same_file(findings.marker, old);
  if (findings.marker != NULL && !is_old && !is_new_marker(place, findings.marker, child)) {
    complain("the marker is neither the old one nor a whole new one");
    return 0;
  }
  stale = findings.quarantined == 1;
  if (findings.quarantined > 1 || (is_old && stale) || (old != NULL && !is_old && !stale)) {
    complain("the old marker exists %d times", findings.quarantined + is_old);
    return 0;
  }
  if (findings.marker == NULL) {
    state = stale ? DISK_STALE : DISK_FREE;
  } else {
    state = is_old ? DISK_OLD : stale ? DISK_STALE_NEW : DISK_NEW;
  }
  if ((state & allowed) == 0) {
    complain("the disk is in state %u, which is none of %u", state, allowed);
  }
  if (findings.lone_evidence > 0 && state != DISK_OLD) {
    complain("evidence without its marker, which is not in place either");
  }
  if (died_as_holder(place->scenario) && !report->failed) {
    check_companion(place, now);
  }
  *evidence = findings.lone_evidence;
  return state;
}

void check_nobody_holds(const struct place *place)
{
  bool is_free = lock_is_free(place->path) && lock_is_free(place->companion) && lock_is_free(place->fresh);
  if (place->scenario->beginning == FROM_HELD) {
    if (lock_is_free(place->path) || lock_is_free(place->companion)) {
      complain("the live holder's lock is gone");
    }
  } else if (!is_free) {
    complain("somebody holds an OS lock");
  }
}

/* ---- the next caller ---- */

static bool want(crtx_status expected, crtx_status actual, const char *what, const crtx_error *error)
{
  if (actual != expected) {
    complain("%s afterwards: %s (%s), not %s", what, crtx_status_name(actual), error->message,
             crtx_status_name(expected));
  }
  return actual == expected;
}

static uint32_t state_to_report(const struct place *place, unsigned state)
{
  enum old_marker old = place->variant.old_marker;
  if (state == DISK_FREE || state == DISK_STALE) {
    return CRTX_MARKER_ABSENT;
  }
  return state == DISK_OLD && old != USUAL && old != TWO_NAMES ? CRTX_MARKER_MALFORMED : CRTX_MARKER_STALE;
}

static void check_reported_state(const struct place *place, uint32_t expected, pid_t pid)
{
  crtx_marker marker = CRTX_MARKER_INIT;
  crtx_error error = CRTX_ERROR_INIT;
  if (want(CRTX_OK, crtx_marker_inspect(place->path, &marker, &error), "inspect", &error) &&
      (marker.state != expected || (expected == CRTX_MARKER_STALE && marker.pid != (uint32_t)pid))) {
    complain("inspect reports state %u of process %u", (unsigned)marker.state, (unsigned)marker.pid);
  }
}

static void take_over(struct place *place, uint32_t reported, crtx_lock *lock, bool in_two_steps)
{
  static struct attestation attestation;
  char stale[PATH_MAX];
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock_options options = lock_options(&place->variant);
  want(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(place->path, &options, lock, &error), "acquire", &error);
  if (error.marker_state != reported) {
    complain("a refused acquire reports state %u", (unsigned)error.marker_state);
  }
  if (!attest(&attestation, place->path)) {
    complain("no attestation can be made");
    return;
  }
  if (!in_two_steps) {
    want(CRTX_OK,
         crtx_takeover(place->path, &attestation.document, &options, lock, stale, sizeof stale, NULL, &error),
         "takeover", &error);
  } else if (want(CRTX_OK, crtx_quarantine(place->path, &attestation.document, stale, sizeof stale, NULL, &error),
                  "quarantine", &error)) {
    want(CRTX_OK, crtx_lock_acquire(place->path, &options, lock, &error), "acquire after quarantine", &error);
  }
  if (lock->opaque != 0) {
    want(CRTX_OK, crtx_evidence_verify(stale, attestation.key, 32, &error), "evidence", &error);
  }
}

/* Only evidence is left: complete, or as it was when the child died. */
static void check_nothing_is_left_over(struct place *place, const struct snapshot *after_death)
{
  static struct snapshot last;
  size_t i;
  take_snapshot(place->directory, &last);
  check_nothing_is_lost(place, &last);
  for (i = 0; i < last.count; i++) {
    const struct entry *entry = &last.entries[i];
    char marker[MAX_NAME];
    bool known = same_file(entry, find_entry(after_death, entry->name));
    if (strncmp(entry->name, STALE_PREFIX, sizeof STALE_PREFIX - 1) != 0) {
      if (!known || strcmp(entry->name, "victim") != 0) {
        complain("%s is left over", entry->name);
      }
    } else if (!known && evidence_of(entry->name, marker, sizeof marker) && find_entry(&last, marker) == NULL) {
      complain("the next call left %s without its marker", entry->name);
    }
  }
}

static void release_live_holder(struct place *place)
{
  crtx_error error = CRTX_ERROR_INIT;
  want(CRTX_OK, crtx_lock_check(live_holder, &error), "check by the live holder", &error);
  check_reported_state(place, CRTX_MARKER_HELD_BY_THIS_PROCESS, 0);
  want(CRTX_OK, crtx_lock_release(live_holder, &error), "release by the live holder", &error);
  live_holder.opaque = 0;
}

void check_aftermath(struct place *place, unsigned state, const struct snapshot *now, pid_t child, bool in_two_steps)
{
  crtx_lock lock = CRTX_LOCK_INIT;
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock_options options = lock_options(&place->variant);
  uint32_t reported;
  if (place->scenario->beginning == FROM_HELD) {
    release_live_holder(place);
    state = DISK_FREE;
  }
  reported = state_to_report(place, state);
  /* Root may have been at work here: then the next one is the directory's owner. */
  if (place->variant.caller == FOREIGN_DIRECTORY && seteuid(directory_owner(place)) != 0) {
    complain("cannot become another user");
  }
  check_reported_state(place, reported, state == DISK_OLD ? 4711 : child);
  if (reported != CRTX_MARKER_ABSENT) {
    take_over(place, reported, &lock, in_two_steps);
  } else {
    want(CRTX_OK, crtx_lock_acquire(place->path, &options, &lock, &error), "acquire", &error);
  }
  if (lock.opaque != 0) {
    want(CRTX_OK, crtx_lock_release(lock, &error), "release", &error);
  }
  if (place->variant.caller == FOREIGN_DIRECTORY && seteuid(getuid()) != 0) {
    complain("cannot become root again");
  }
  check_nothing_is_left_over(place, now);
}
