/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The operator: attests stale markers, and holds the evidence against what the workers reported. */
#include "race.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LIST_BYTES = 4 << 20, MOST_REPORTS = 100000 };

static const uint8_t seed[CRTX_SEED_SIZE] = {'r', 'a', 'c', 'e'};
static uint8_t key[CRTX_PUBLIC_KEY_SIZE];
static char payload[65536];
static uint8_t signature[CRTX_SIGNATURE_SIZE];
static char current[PATH_BYTES + 64]; /* the attestation that is being tried; empty: none */
static unsigned uses;                 /* of the current one */
static char *reports[MOST_REPORTS];   /* stale paths, as reported */
static size_t report_count;
static crtx_error error;

void prepare_operator(struct race *race)
{
  error.struct_size = sizeof error;
  current[0] = '\0';
  while (report_count > 0) {
    free(reports[--report_count]);
  }
  if (crtx_public_key(seed, sizeof seed, key, sizeof key, &error) != CRTX_OK) {
    note_wrong(race, 0, "wrong status: crtx_public_key");
  }
}

static void want(struct race *race, const char *what, crtx_status expected, crtx_status actual)
{
  char text[2048];
  if (actual != expected) {
    snprintf(text, sizeof text, "wrong status: %.300s answered %s instead of %s: %.1024s", what, crtx_status_name(actual),
             crtx_status_name(expected), error.message);
    note_wrong(race, 0, text);
  }
}

/* CONTENDED means that the files kept changing: asked again. */
static uint32_t state_now(struct race *race, crtx_marker *marker)
{
  crtx_status status;
  do {
    memset(marker, 0, sizeof *marker);
    marker->struct_size = sizeof *marker;
    status = crtx_marker_inspect(race->marker, marker, &error);
  } while (status == CRTX_E_CONTENDED);
  want(race, "inspect", CRTX_OK, status);
  return marker->state;
}

bool becomes_stale(struct race *race, unsigned milliseconds)
{
  static const struct timespec pause = {0, 200000};
  uint64_t end = now_us() + milliseconds * UINT64_C(1000);
  crtx_marker marker;
  while (state_now(race, &marker) != CRTX_MARKER_STALE) {
    if (now_us() > end) {
      return false;
    }
    nanosleep(&pause, NULL); /* somebody who tries to acquire has the lock for an instant */
  }
  return true;
}

static bool build(struct race *race, crtx_signed_document *document)
{
  size_t needed = 0;
  crtx_status status = crtx_takeover_build(race->marker, NULL, key, sizeof key, "the race left it behind", 3600, 0,
                                           payload, sizeof payload, &needed, &error);
  want(race, "build", CRTX_OK, status);
  if (status != CRTX_OK) {
    return false;
  }
  want(race, "sign", CRTX_OK, crtx_sign(seed, sizeof seed, (const uint8_t *)payload, needed - 1, signature,
                                        sizeof signature, &error));
  memset(document, 0, sizeof *document);
  document->struct_size = sizeof *document;
  document->payload = (const uint8_t *)payload;
  document->payload_len = needed - 1;
  document->signature = signature;
  document->signature_len = sizeof signature;
  document->public_key = key;
  document->public_key_len = sizeof key;
  document->deployment_id = "deployment:race";
  return true;
}

void check_that_the_holder_is_safe(struct race *race)
{
  char stale_path[PATH_BYTES + 128];
  crtx_marker marker;
  crtx_signed_document document;
  race->tally.stopped_but_free += state_now(race, &marker) != CRTX_MARKER_HELD;
  if (build(race, &document)) {
    want(race, "verification against a stopped holder", CRTX_E_CONTENDED,
         crtx_takeover_verify(race->marker, &document, &error));
    want(race, "quarantine of a stopped holder's marker", CRTX_E_CONTENDED,
         crtx_quarantine(race->marker, &document, stale_path, sizeof stale_path, NULL, &error));
  }
}

static void put(struct race *race, const char *suffix, const void *bytes, size_t length)
{
  char path[sizeof current + 8];
  FILE *file;
  snprintf(path, sizeof path, "%s%s", current, suffix);
  file = fopen(path, "wb");
  if (file == NULL || fwrite(bytes, 1, length, file) != length || fclose(file) != 0) {
    note_wrong(race, 0, "wrong worker: the attestation cannot be written");
  }
}

/* Who is inside while the marker is stale must be dying: its locks go before its process does. */
static bool somebody_is_inside(struct race *race)
{
  static uint64_t since;
  unsigned slot;
  for (slot = 1; slot < SLOTS; slot++) {
    if (look_at(&race->board->slots[slot].inside) != 0) {
      since = since == 0 ? now_us() : since;
      if (now_us() - since > 2000000) {
        note_wrong(race, slot, "wrong state: alive and inside, and its marker is stale");
        since = 0;
      }
      return true;
    }
  }
  since = 0;
  return false;
}

const char *attest(struct race *race)
{
  crtx_marker marker;
  crtx_signed_document document;
  if (state_now(race, &marker) != CRTX_MARKER_STALE || somebody_is_inside(race) || !build(race, &document)) {
    return NULL;
  }
  snprintf(current, sizeof current, "%s/attestation-%lu", race->directory, ++race->tally.attestations);
  put(race, "", payload, document.payload_len);
  put(race, ".sig", signature, sizeof signature);
  put(race, ".pub", key, sizeof key);
  uses = 0;
  return current;
}

bool is_attested(void)
{
  return current[0] != '\0';
}

void end_attestation(void)
{
  static const char *const suffixes[3] = {"", ".sig", ".pub"};
  char path[sizeof current + 8];
  int i;
  for (i = 0; i < 3; i++) {
    snprintf(path, sizeof path, "%s%s", current, suffixes[i]);
    unlink(path);
  }
  current[0] = '\0';
}

void note_use(struct race *race, const struct worker *worker, const char *stale_path)
{
  (void)worker;
  race->tally.used_twice += ++uses > 1;
  if (report_count < MOST_REPORTS) {
    reports[report_count++] = strdup(stale_path);
  }
}

static bool was_reported_once(const char *path)
{
  size_t i, found = 0;
  for (i = 0; i < report_count; i++) {
    found += strcmp(reports[i], path) == 0;
  }
  return found == 1;
}

static void compare_evidence(struct race *race)
{
  static char list[LIST_BYTES];
  const char *path;
  want(race, "list", CRTX_OK, crtx_evidence_list(race->marker, list, sizeof list, NULL, &error));
  for (path = list; *path != '\0'; path += strlen(path) + 1) {
    race->tally.evidence++;
    race->tally.lost_evidence += !was_reported_once(path);
    if (crtx_evidence_verify(path, key, sizeof key, &error) != CRTX_OK) {
      race->tally.bad_evidence++;
      want(race, path, CRTX_OK, error.status);
    }
  }
  if (race->tally.evidence != report_count) {
    race->tally.lost_evidence++;
  }
}

void settle(struct race *race)
{
  char stale_path[PATH_BYTES + 128];
  crtx_marker marker;
  crtx_signed_document document;
  uint32_t state = state_now(race, &marker);
  if (state == CRTX_MARKER_STALE && build(race, &document)) {
    crtx_status status = crtx_quarantine(race->marker, &document, stale_path, sizeof stale_path, NULL, &error);
    want(race, "last quarantine", CRTX_OK, status);
    uses = 0;
    race->tally.quarantines += status == CRTX_OK;
    if (status == CRTX_OK) {
      note_use(race, NULL, stale_path);
    }
  } else if (state != CRTX_MARKER_ABSENT) {
    note_wrong(race, 0, "wrong state: nobody is there, and the marker is not stale");
  }
  compare_evidence(race);
}
