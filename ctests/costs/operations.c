/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The calls that are measured, and what must be there before each. */
#include "costs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char digest[] = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

static void need(struct stage *stage, crtx_status status)
{
  if (status != CRTX_OK) {
    fprintf(stderr, "costs: %s: %s\n", crtx_status_name(status), stage->error.message);
    exit(2);
  }
}

/* The calls. */

static crtx_status acquire(struct stage *stage)
{
  return crtx_lock_acquire(stage->marker, &stage->options, &stage->lock, &stage->error);
}

static crtx_status check(struct stage *stage)
{
  return crtx_lock_check(stage->lock, &stage->error);
}

static crtx_status leak(struct stage *stage)
{
  return crtx_lock_leak(stage->lock, &stage->error);
}

static crtx_status release(struct stage *stage)
{
  return crtx_lock_release(stage->lock, &stage->error);
}

static crtx_status lock_marker(struct stage *stage)
{
  return crtx_lock_marker(stage->lock, &stage->found, &stage->error);
}

static crtx_status inspect(struct stage *stage)
{
  return crtx_marker_inspect(stage->marker, &stage->found, &stage->error);
}

static crtx_status read_marker(struct stage *stage)
{
  return crtx_marker_read(stage->marker, stage->text, sizeof stage->text, &stage->needed, &stage->error);
}

static crtx_status quarantine(struct stage *stage)
{
  return crtx_quarantine(stage->marker, &stage->document, stage->stale, sizeof stage->stale, NULL, &stage->error);
}

static crtx_status takeover(struct stage *stage)
{
  return crtx_takeover(stage->marker, &stage->document, &stage->options, &stage->lock, stage->stale,
                       sizeof stage->stale, NULL, &stage->error);
}

static crtx_status takeover_verify(struct stage *stage)
{
  return crtx_takeover_verify(stage->marker, &stage->document, &stage->error);
}

static crtx_status intent_verify(struct stage *stage)
{
  return crtx_intent_verify(&stage->document, &stage->expectation, stage->text, sizeof stage->text, NULL,
                            &stage->error);
}

static crtx_status evidence_verify(struct stage *stage)
{
  return crtx_evidence_verify(stage->stale, stage->key, sizeof stage->key, &stage->error);
}

/* What is there before them. */

static void crash_only(struct stage *stage)
{
  stage->options.durability = CRTX_DURABILITY_PROCESS_CRASH;
}

static void held_here(struct stage *stage)
{
  need(stage, acquire(stage));
}

static void held_here_crash_only(struct stage *stage)
{
  crash_only(stage);
  held_here(stage);
}

static void held_here_and_leaked(struct stage *stage)
{
  held_here(stage);
  need(stage, leak(stage));
}

static void stale(struct stage *stage)
{
  held_here_and_leaked(stage);
  need(stage, release(stage));
}

/* Another process holds the lock for as long as this one lives. */
static void held_elsewhere(struct stage *stage)
{
  int to_holder[2], to_us[2];
  char byte = 0;
  if (pipe(to_holder) != 0 || pipe(to_us) != 0) {
    die("pipe");
  }
  fflush(NULL);
  switch (fork()) {
  case -1:
    die("fork");
  case 0:
    close(to_holder[1]);
    need(stage, acquire(stage));
    if (write(to_us[1], "", 1) != 1 || read(to_holder[0], &byte, 1) != 0) {
      _exit(1);
    }
    _exit(0);
  default:
    break;
  }
  stage->holder = to_holder[1];
  stage->options.timeout_ms = stage->waits ? 333 : 0;
  close(to_us[1]);
  if (read(to_us[0], &byte, 1) != 1) {
    die("the holder");
  }
}

static void sign_payload(struct stage *stage)
{
  need(stage, crtx_sign(stage->seed, sizeof stage->seed, stage->payload, stage->needed - 1, stage->signature,
                        sizeof stage->signature, &stage->error));
  stage->document.payload = stage->payload;
  stage->document.payload_len = stage->needed - 1;
  stage->document.signature = stage->signature;
  stage->document.signature_len = sizeof stage->signature;
  stage->document.public_key = stage->key;
  stage->document.public_key_len = sizeof stage->key;
  stage->document.deployment_id = stage->options.deployment_id;
}

static void make_key(struct stage *stage)
{
  need(stage, crtx_public_key(stage->seed, sizeof stage->seed, stage->key, sizeof stage->key, &stage->error));
}

static void attested(struct stage *stage)
{
  stale(stage);
  make_key(stage);
  need(stage, crtx_takeover_build(stage->marker, NULL, stage->key, sizeof stage->key, "what does it cost", 3600, 0,
                                  (char *)stage->payload, sizeof stage->payload, &stage->needed, &stage->error));
  sign_payload(stage);
}

static void attested_crash_only(struct stage *stage)
{
  crash_only(stage);
  attested(stage);
}

static void quarantined(struct stage *stage)
{
  attested(stage);
  need(stage, quarantine(stage));
}

static void intended(struct stage *stage)
{
  make_key(stage);
  stage->expectation.active_db_path = "/srv/store/ledger.db";
  stage->expectation.active_event_log_path = "/srv/store/ledger.jsonl";
  stage->expectation.backup_manifest_blake3 = digest;
  stage->expectation.staged_sqlite_blake3 = digest;
  stage->expectation.staged_jsonl_blake3 = digest;
  need(stage, crtx_intent_build(stage->options.deployment_id, &stage->expectation, stage->key, sizeof stage->key,
                                3600, 0, (char *)stage->payload, sizeof stage->payload, &stage->needed,
                                &stage->error));
  sign_payload(stage);
}

/* The library remembers the keys that it saw most recently: four others come between. */
static void intended_by_an_unknown_key(struct stage *stage)
{
  uint8_t others[32] = {0}, key[32];
  intended(stage);
  for (others[0] = 1; others[0] <= 4; others[0]++) {
    need(stage, crtx_public_key(others, sizeof others, key, sizeof key, &stage->error));
    need(stage, crtx_operator_principal(key, sizeof key, stage->text, sizeof stage->text, NULL, &stage->error));
  }
}

const struct operation operations[] = {
    {"acquire, the first call in its process", NULL, acquire, CRTX_OK, true, 0},
    {"acquire", NULL, acquire, CRTX_OK, false, 0},
    {"check", held_here, check, CRTX_OK, false, 0},
    {"leak", held_here, leak, CRTX_OK, false, 0},
    {"release", held_here, release, CRTX_OK, false, 0},
    {"release of a leaked lock", held_here_and_leaked, release, CRTX_OK, false, 0},
    {"lock_marker", held_here, lock_marker, CRTX_OK, false, 0},
    {"acquire, crash-only", crash_only, acquire, CRTX_OK, false, 0},
    {"release, crash-only", held_here_crash_only, release, CRTX_OK, false, 0},
    {"acquire refused: held by another process", held_elsewhere, acquire, CRTX_E_MARKER_EXISTS, false, 0},
    {"acquire refused: held by this process", held_here, acquire, CRTX_E_MARKER_EXISTS, false, 0},
    {"acquire refused: stale", stale, acquire, CRTX_E_MARKER_EXISTS, false, 0},
    {"inspect: no marker", NULL, inspect, CRTX_OK, false, 0},
    {"inspect: held by another process", held_elsewhere, inspect, CRTX_OK, false, 0},
    {"inspect: stale", stale, inspect, CRTX_OK, false, 0},
    {"marker_read", stale, read_marker, CRTX_OK, false, 0},
    {"takeover_verify", attested, takeover_verify, CRTX_OK, false, 0},
    {"quarantine", attested, quarantine, CRTX_OK, false, 0},
    {"takeover", attested, takeover, CRTX_OK, false, 0},
    {"takeover, crash-only", attested_crash_only, takeover, CRTX_OK, false, 0},
    {"evidence_verify", quarantined, evidence_verify, CRTX_OK, false, 0},
    {"intent_verify, a key not seen before", intended_by_an_unknown_key, intent_verify, CRTX_OK, false, 0},
    {"intent_verify", intended, intent_verify, CRTX_OK, false, 0},
    /* The last ones, because the other locks are held until the process ends. */
    {"acquire, 1,000 other locks held", NULL, acquire, CRTX_OK, false, 1000},
    {"check, 1,000 other locks held", held_here, check, CRTX_OK, false, 1000},
    {"release, 1,000 other locks held", held_here, release, CRTX_OK, false, 1000},
};

const size_t operation_count = sizeof operations / sizeof operations[0];
