/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Stale markers: quarantine, takeover, and the evidence that they keep. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct signed_text attestation;

/* Quarantines with `attestation`; the path of the quarantined marker lives as long as the case. */
static const char *quarantined(const char *path)
{
  char stale[1024] = "";
  size_t needed = 0;
  NEED(CRTX_OK, crtx_quarantine(path, &attestation.document, stale, sizeof stale, &needed, &last_error));
  CHECK_INT(needed, strlen(stale) + 1);
  return joined(stale, "");
}

static void check_evidence(const char *stale)
{
  CHECK(holds_bytes(joined(stale, ".attestation.json"), attestation.text, attestation.length));
  CHECK(holds_bytes(joined(stale, ".attestation.sig"), attestation.signature, sizeof attestation.signature));
  WANT(CRTX_OK, crtx_evidence_verify(stale, attestation.key, sizeof attestation.key, &last_error));
}

/* .stale-YYYYMMDDTHHMMSSZ */
static bool is_stale_suffix(const char *suffix)
{
  const char *pattern = ".stale-ddddddddTddddddZ";
  size_t i;
  for (i = 0; pattern[i] != '\0'; i++) {
    if (pattern[i] == 'd' ? !isdigit((unsigned char)suffix[i]) : suffix[i] != pattern[i]) {
      return false;
    }
  }
  return suffix[i] == '\0';
}

static void quarantine_moves_the_marker_aside_and_keeps_the_evidence(void)
{
  char text[4096];
  const char *stale, *path = at("store.lock");
  struct stat marker;
  leave_stale(path);
  get_bytes(path, text, sizeof text);
  marker = status_of(path);
  attest(&attestation, path, 0);
  stale = quarantined(path);
  CHECK(strncmp(stale, path, strlen(path)) == 0 && is_stale_suffix(stale + strlen(path)));
  CHECK(is_still(stale, &marker));
  CHECK(holds_text(stale, text));
  check_evidence(stale);
  CHECK_INT(entries_in(at("")), 3); /* no marker, no companion, no temporary file */
  CHECK_INT(state_of(path), CRTX_MARKER_ABSENT);
  let_go(hold(path));
}

static void a_stale_marker_without_companion_can_be_quarantined(void)
{
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  check_evidence(quarantined(path));
  CHECK_INT(entries_in(at("")), 3);
}

static void takeover_returns_the_lock_and_the_path_of_the_old_marker(void)
{
  char stale[1024] = "";
  size_t needed = 0;
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  NEED(CRTX_OK, crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, &needed, &last_error));
  CHECK_INT(needed, strlen(stale) + 1);
  check_evidence(stale);
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
  CHECK_INT(state_of(path), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  CHECK(!exists(at("store.lock.new")));
  let_go(lock);
  CHECK_INT(entries_in(at("")), 3);
  check_evidence(stale);
}

static void takeover_verify_says_what_quarantine_would_and_changes_nothing(void)
{
  const char *path = at("store.lock");
  struct stat marker;
  put_marker(path, 4711, LONG_AGO);
  marker = status_of(path);
  attest(&attestation, path, 0);
  WANT(CRTX_OK, crtx_takeover_verify(path, &attestation.document, &last_error));
  CHECK(is_still(path, &marker));
  CHECK_INT(entries_in(at("")), 1);
  edit(&attestation, "4711", "4712");
  WANT(CRTX_E_STALE_PID_MISMATCH, crtx_takeover_verify(path, &attestation.document, &last_error));
  unlink(path);
  WANT(CRTX_E_MARKER_ABSENT, crtx_takeover_verify(path, &attestation.document, &last_error));
  CHECK_INT(entries_in(at("")), 0);
}

static void without_a_marker_there_is_nothing_to_take_over(void)
{
  char stale[1024];
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  unlink(path);
  WANT(CRTX_E_MARKER_ABSENT, crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  WANT(CRTX_E_MARKER_ABSENT,
       crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, NULL, &last_error));
  CHECK_INT(lock.opaque, 0);
  CHECK(!exists(path));
}

static void an_attestation_serves_for_one_marker_only(void)
{
  char stale[1024];
  const char *path = at("store.lock");
  leave_stale(path);
  attest(&attestation, path, 0);
  quarantined(path);
  leave_stale(path); /* the same process, a later time */
  WANT(CRTX_E_STALE_TIME_MISMATCH,
       crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
}

static void a_refused_takeover_changes_nothing_but_the_companion(void)
{
  char stale[1024] = "";
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  struct stat marker;
  put_marker(path, 4711, LONG_AGO);
  marker = status_of(path);
  attest(&attestation, path, 0);
  edit(&attestation, "4711", "4712");
  WANT(CRTX_E_STALE_PID_MISMATCH,
       crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, NULL, &last_error));
  CHECK_INT(lock.opaque, 0);
  CHECK_TEXT(stale, "");
  CHECK(is_still(path, &marker));
  CHECK(!exists(at("store.lock.new")));
  CHECK(entries_in(at("")) == 1 || exists(at("store.lock.flock")));
}

static void takeover_for_another_deployment_is_refused(void)
{
  char stale[1024];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  options.deployment_id = "deployment:other";
  WANT(CRTX_E_DEPLOYMENT_MISMATCH,
       crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, NULL, &last_error));
  attestation.document.deployment_id = "deployment:other";
  WANT(CRTX_E_DEPLOYMENT_MISMATCH,
       crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
}

static void the_buffer_for_the_stale_path_is_checked_before_anything_is_touched(void)
{
  char stale[1024] = "untouched";
  size_t needed = 0;
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  size_t wanted = strlen(path) + 32;
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  WANT(CRTX_E_BUFFER_TOO_SMALL,
       crtx_quarantine(path, &attestation.document, stale, wanted - 1, &needed, &last_error));
  CHECK_INT(needed, wanted);
  needed = 0;
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_quarantine(path, &attestation.document, NULL, 0, &needed, &last_error));
  CHECK_INT(needed, wanted);
  WANT(CRTX_E_BUFFER_TOO_SMALL,
       crtx_takeover(path, &attestation.document, &options, &lock, stale, wanted - 1, &needed, &last_error));
  CHECK_INT(lock.opaque, 0);
  CHECK_TEXT(stale, "untouched");
  CHECK_INT(entries_in(at("")), 1);
  WANT(CRTX_OK, crtx_quarantine(path, &attestation.document, stale, wanted, &needed, &last_error));
}

static void the_reference_implementations_attestation_moves_its_marker(void)
{
  const char *stale, *path = at("active-store.lock");
  copy_fixture("active-store.lock", path);
  load_signed_fixture(&attestation, "TAKEOVER.json", "TAKEOVER.sig");
  attestation.document.deployment_id = "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556";
  WANT(CRTX_OK, crtx_takeover_verify(path, &attestation.document, &last_error));
  stale = quarantined(path);
  check_evidence(stale);
}

static void put_evidence_names(const char *path)
{
  static const char *const suffixes[] = {
      ".stale-20240101T000000Z-10", ".stale-20240101T000000Z", ".stale-20240101T000000Z-2", ".stale-20230601T120000Z",
      /* and what is none: */
      ".stale-tomorrow", ".stale-20240101T000000Z-1000", ".stale-20220101T000000Z.attestation.json",
      ".stale-20220101T000000Z.attestation.sig", ".flock", ".staleness"};
  size_t i;
  for (i = 0; i < sizeof suffixes / sizeof suffixes[0]; i++) {
    put_text(joined(path, suffixes[i]), "x");
  }
  put_text(joined(path, "x.stale-20240101T000000Z"), "x");
}

static void evidence_is_listed_oldest_first_in_nul_ended_paths(void)
{
  static const char *const expected[] = {".stale-20230601T120000Z", ".stale-20240101T000000Z",
                                         ".stale-20240101T000000Z-2", ".stale-20240101T000000Z-10"};
  char list[4096];
  size_t needed = 0, again = 0, place = 0, i;
  const char *path = at("store.lock");
  put_evidence_names(path);
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_evidence_list(path, NULL, 0, &needed, &last_error));
  NEED_TRUE(needed > 1 && needed < sizeof list);
  memset(list, 0x55, sizeof list);
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_evidence_list(path, list, needed - 1, &again, &last_error));
  CHECK_INT(again, needed);
  NEED(CRTX_OK, crtx_evidence_list(path, list, needed, &again, &last_error));
  CHECK_INT(again, needed);
  CHECK_INT(list[needed], 0x55);
  for (i = 0; i < sizeof expected / sizeof expected[0] && place < needed; i++) {
    CHECK_TEXT(list + place, joined(path, expected[i]));
    place += strlen(list + place) + 1;
  }
  CHECK_INT(list[place], '\0');
  CHECK_INT(place + 1, needed);
}

static void an_empty_list_of_evidence_is_a_single_nul(void)
{
  char list[4] = "xyz";
  size_t needed = 0;
  WANT(CRTX_OK, crtx_evidence_list(at("store.lock"), list, sizeof list, &needed, &last_error));
  CHECK_INT(needed, 1);
  CHECK_INT(list[0], '\0');
}

/* A quarantined marker with its evidence, for the cases that break it. */
static const char *fresh_evidence(void)
{
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  return quarantined(path);
}

static void want_evidence(crtx_status expected, const char *stale)
{
  WANT(expected, crtx_evidence_verify(stale, attestation.key, sizeof attestation.key, &last_error));
}

static void forged_evidence_has_a_bad_signature(void)
{
  const char *stale = fresh_evidence();
  uint8_t strangers_key[32], signature[64];
  NEED(CRTX_OK, crtx_public_key(stranger_seed, 32, strangers_key, 32, &last_error));
  WANT(CRTX_E_BAD_SIGNATURE, crtx_evidence_verify(stale, strangers_key, 32, &last_error));
  attestation.text[attestation.length / 2] ^= 1;
  put_bytes(joined(stale, ".attestation.json"), attestation.text, attestation.length);
  want_evidence(CRTX_E_BAD_SIGNATURE, stale);
  attestation.text[attestation.length / 2] ^= 1;
  put_bytes(joined(stale, ".attestation.json"), attestation.text, attestation.length);
  want_evidence(CRTX_OK, stale);
  memcpy(signature, attestation.signature, sizeof signature);
  put_bytes(joined(stale, ".attestation.sig"), signature, 63);
  want_evidence(CRTX_E_BAD_SIGNATURE, stale);
  signature[0] ^= 1;
  put_bytes(joined(stale, ".attestation.sig"), signature, 64);
  want_evidence(CRTX_E_BAD_SIGNATURE, stale);
}

static void evidence_that_is_missing_or_for_another_marker_is_invalid(void)
{
  const char *stale = fresh_evidence();
  const char *json = joined(stale, ".attestation.json"), *signature = joined(stale, ".attestation.sig");
  NEED_TRUE(rename(json, at("kept")) == 0);
  want_evidence(CRTX_E_EVIDENCE_INVALID, stale);
  NEED_TRUE(rename(at("kept"), json) == 0 && rename(signature, at("kept")) == 0);
  want_evidence(CRTX_E_EVIDENCE_INVALID, stale);
  NEED_TRUE(rename(at("kept"), signature) == 0);
  want_evidence(CRTX_OK, stale);
  put_marker(stale, 4712, LONG_AGO);
  want_evidence(CRTX_E_EVIDENCE_INVALID, stale);
  unlink(stale);
  want_evidence(CRTX_E_EVIDENCE_INVALID, stale);
}

static void evidence_is_verified_long_after_its_document_expired(void)
{
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, INT64_C(1000000000) * SECOND); /* September 2001 */
  check_evidence(quarantined(path));
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(quarantine_moves_the_marker_aside_and_keeps_the_evidence),
      CASE(a_stale_marker_without_companion_can_be_quarantined),
      CASE(takeover_returns_the_lock_and_the_path_of_the_old_marker),
      CASE(takeover_verify_says_what_quarantine_would_and_changes_nothing),
      CASE(without_a_marker_there_is_nothing_to_take_over),
      CASE(an_attestation_serves_for_one_marker_only),
      CASE(a_refused_takeover_changes_nothing_but_the_companion),
      CASE(takeover_for_another_deployment_is_refused),
      CASE(the_buffer_for_the_stale_path_is_checked_before_anything_is_touched),
      CASE(the_reference_implementations_attestation_moves_its_marker),
      CASE(evidence_is_listed_oldest_first_in_nul_ended_paths),
      CASE(an_empty_list_of_evidence_is_a_single_nul),
      CASE(forged_evidence_has_a_bad_signature),
      CASE(evidence_that_is_missing_or_for_another_marker_is_invalid),
      CASE(evidence_is_verified_long_after_its_document_expired),
  };
  return RUN(cases, argc, argv);
}
