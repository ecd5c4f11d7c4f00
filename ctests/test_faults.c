/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The faults of earlier locks of this kind, each named and shown to be gone. Some more, close to
 * their subjects: newlines in fields (test_misuse.c), links and FIFOs, long names, chdir
 * (test_filesystem.c), umask (test_permissions.c), forked children (test_fork.c), keys and
 * justifications (test_documents.c), windows and JSON keys (test_verification.c), races between
 * processes (test_races.c). */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct signed_text attestation;

static crtx_status quarantine(const char *path, char *stale, size_t capacity)
{
  return crtx_quarantine(path, &attestation.document, stale, capacity, NULL, &last_error);
}

static void a_contended_acquire_leaves_the_holders_companion_alone(void)
{
  struct peer peer;
  struct stat companion;
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  companion = status_of(at("store.lock.flock"));
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK(is_still(at("store.lock.flock"), &companion));
  unlink(path); /* somebody removes the marker alone: the OS lock still counts */
  WANT(CRTX_E_CONTENDED, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK(is_still(at("store.lock.flock"), &companion));
  CHECK(!exists(path));
  CHECK_INT(order_peer(&peer, CHECK_LOCK), CRTX_E_LOST);
  end_peer(&peer);
}

static void release_leaves_a_successors_files_alone(void)
{
  struct peer successor;
  struct stat marker, companion;
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  start_peer(&successor, path);
  unlink(path);
  unlink(at("store.lock.flock"));
  CHECK_INT(order_peer(&successor, ACQUIRE), CRTX_OK);
  marker = status_of(path);
  companion = status_of(at("store.lock.flock"));
  WANT(CRTX_E_LOST, crtx_lock_check(lock, &last_error));
  WANT(CRTX_E_LOST, crtx_lock_release(lock, &last_error));
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_release(lock, &last_error));
  CHECK(is_still(path, &marker));
  CHECK(is_still(at("store.lock.flock"), &companion));
  CHECK_INT(order_peer(&successor, CHECK_LOCK), CRTX_OK);
  CHECK_INT(state_of(path), CRTX_MARKER_HELD);
  CHECK_INT(order_peer(&successor, RELEASE), CRTX_OK);
  end_peer(&successor);
}

static void check_takeover_is_contended(const char *path)
{
  char stale[1024] = "";
  struct stat marker = status_of(path);
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  WANT(CRTX_E_CONTENDED, quarantine(path, stale, sizeof stale));
  WANT(CRTX_E_CONTENDED,
       crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, NULL, &last_error));
  CHECK_INT(lock.opaque, 0);
  CHECK_TEXT(stale, "");
  WANT(CRTX_E_CONTENDED, crtx_takeover_verify(path, &attestation.document, &last_error));
  CHECK(is_still(path, &marker));
}

static void a_live_holder_cannot_be_taken_over_even_with_a_valid_attestation(void)
{
  struct peer peer;
  char stale[1024];
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  attest(&attestation, path, 0); /* may be written while it is held, for later */
  check_takeover_is_contended(path);
  CHECK_INT(entries_in(at("")), 2);
  CHECK_INT(order_peer(&peer, LEAK), CRTX_OK);
  check_takeover_is_contended(path);
  CHECK_INT(order_peer(&peer, CHECK_LOCK), CRTX_OK);
  kill_peer(&peer);
  WANT(CRTX_OK, quarantine(path, stale, sizeof stale)); /* the same document, once the holder is dead */
}

static void a_deleted_companion_does_not_make_a_live_holder_look_dead(void)
{
  struct peer peer;
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  attest(&attestation, path, 0);
  unlink(at("store.lock.flock"));
  CHECK_INT(state_of(path), CRTX_MARKER_HELD);
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(last_error.marker_state, CRTX_MARKER_HELD);
  check_takeover_is_contended(path);
  CHECK_INT(order_peer(&peer, CHECK_LOCK), CRTX_E_LOST); /* the holder itself learns of it */
  end_peer(&peer);
}

static void replace_by(const char *path, const char *text)
{
  put_text(at("stranger"), text);
  NEED_TRUE(rename(at("stranger"), path) == 0);
}

static void a_replaced_marker_is_lost_and_the_strangers_file_untouched(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  replace_by(path, "a stranger's");
  WANT(CRTX_E_LOST, crtx_lock_check(lock, &last_error));
  WANT(CRTX_E_LOST, crtx_lock_release(lock, &last_error));
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_check(lock, &last_error));
  CHECK(holds_text(path, "a stranger's"));
  CHECK(!exists(at("store.lock.flock"))); /* that one was ours */
}

static void a_replaced_companion_is_lost_and_the_strangers_file_untouched(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  replace_by(at("store.lock.flock"), "a stranger's");
  WANT(CRTX_E_LOST, crtx_lock_check(lock, &last_error));
  WANT(CRTX_E_LOST, crtx_lock_release(lock, &last_error));
  CHECK(holds_text(at("store.lock.flock"), "a stranger's"));
  CHECK(!exists(path));
}

static void put_orphaned_evidence(const char *path, time_t from, int seconds)
{
  int i;
  for (i = 0; i < seconds; i++) {
    char suffix[64];
    struct tm parts;
    time_t second = from + i;
    gmtime_r(&second, &parts);
    strftime(suffix, sizeof suffix, ".stale-%Y%m%dT%H%M%SZ.attestation.json", &parts);
    put_text(joined(path, suffix), "of a crash");
  }
}

static void two_quarantines_in_one_second_never_overwrite_evidence(void)
{
  char stale[3][1024], list[4096];
  const char *path = at("store.lock");
  int i, j;
  /* Whatever second it is by then, its first name is taken. */
  put_orphaned_evidence(path, time(NULL) - 5, 120);
  for (i = 0; i < 3; i++) {
    put_marker(path, 4711 + (unsigned)i, LONG_AGO);
    attest(&attestation, path, 0);
    NEED(CRTX_OK, quarantine(path, stale[i], sizeof stale[i]));
    CHECK(stale[i][strlen(stale[i]) - 2] == '-'); /* -2, -3, -4 */
  }
  for (i = 0; i < 3; i++) {
    WANT(CRTX_OK, crtx_evidence_verify(stale[i], attestation.key, 32, &last_error));
    for (j = 0; j < i; j++) {
      CHECK(strcmp(stale[i], stale[j]) != 0);
    }
  }
  WANT(CRTX_OK, crtx_evidence_list(path, list, sizeof list, NULL, &last_error));
  CHECK_TEXT(list, stale[0]);
  CHECK_INT(entries_in(at("")), 120 + 3 * 3);
}

/* ---- markers that other programs spoiled ---- */

static void a_torn_or_empty_marker_can_be_taken_over_with_its_digest(void)
{
  static const char *const texts[] = {"", "cortex-restore-active-store-lock-v1\npid=47", "\xff\xfe"};
  char stale[1024];
  const char *path = at("store.lock");
  size_t i;
  for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    put_text(path, texts[i]);
    attest_malformed(&attestation, path, 0);
    CHECK(strstr(attestation.text, "\"stale_acquired_at\":\"1970-01-01T00:00:00+00:00\"") != NULL);
    CHECK(strstr(attestation.text, "\"stale_pid\":0") != NULL);
    put_text(path, "torn otherwise");
    WANT(CRTX_E_STALE_DIGEST_MISMATCH, quarantine(path, stale, sizeof stale));
    put_text(path, texts[i]);
    NEED(CRTX_OK, quarantine(path, stale, sizeof stale));
    WANT(CRTX_OK, crtx_evidence_verify(stale, attestation.key, 32, &last_error));
    CHECK(holds_text(stale, texts[i]));
    CHECK_INT(state_of(path), CRTX_MARKER_ABSENT);
  }
}

static void a_torn_marker_is_not_taken_over_without_its_digest(void)
{
  char stale[1024], digest[128];
  const char *found, *path = at("store.lock");
  put_text(path, "torn");
  attest_malformed(&attestation, path, 0);
  found = strstr(attestation.text, "\"stale_marker_blake3\"");
  NEED_TRUE(found != NULL);
  snprintf(digest, sizeof digest, "%.*s", (int)(strstr(found, "\"stale_pid\"") - found), found);
  edit(&attestation, digest, "");
  WANT(CRTX_E_MARKER_MALFORMED, quarantine(path, stale, sizeof stale));
  attest_malformed(&attestation, path, 0);
  edit(&attestation, "\"stale_pid\":0", "\"stale_pid\":1");
  WANT(CRTX_E_MARKER_MALFORMED, quarantine(path, stale, sizeof stale));
  CHECK(holds_text(path, "torn"));
}

static void a_sparse_marker_of_a_tebibyte_is_answered_at_once(void)
{
  char text[4096], stale[1024];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  if (truncate(path, (off_t)1 << 40) != 0) {
    skip_case("this file system has no files of 1 TiB");
  }
  watchdog(15);
  CHECK_INT(state_of(path), CRTX_MARKER_MALFORMED);
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error));
  WANT(CRTX_E_TOO_LARGE, crtx_marker_read(path, text, sizeof text, NULL, &last_error));
  WANT(CRTX_E_TOO_LARGE, crtx_takeover_build(path, DEPLOYMENT, attestation.key, 32, "x", 60, 0, text, sizeof text, NULL,
                                             &last_error));
  WANT(CRTX_E_TOO_LARGE, quarantine(path, stale, sizeof stale));
  CHECK(exists(path));
}

static void huge_evidence_is_answered_at_once(void)
{
  char stale[1024];
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  NEED(CRTX_OK, quarantine(path, stale, sizeof stale));
  if (truncate(joined(stale, ".attestation.json"), (off_t)1 << 40) != 0) {
    skip_case("this file system has no files of 1 TiB");
  }
  watchdog(15);
  CHECK(crtx_evidence_verify(stale, attestation.key, 32, &last_error) != CRTX_OK);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(a_contended_acquire_leaves_the_holders_companion_alone),
      CASE(release_leaves_a_successors_files_alone),
      CASE(a_live_holder_cannot_be_taken_over_even_with_a_valid_attestation),
      CASE(a_deleted_companion_does_not_make_a_live_holder_look_dead),
      CASE(a_replaced_marker_is_lost_and_the_strangers_file_untouched),
      CASE(a_replaced_companion_is_lost_and_the_strangers_file_untouched),
      CASE(two_quarantines_in_one_second_never_overwrite_evidence),
      CASE(a_torn_or_empty_marker_can_be_taken_over_with_its_digest),
      CASE(a_torn_marker_is_not_taken_over_without_its_digest),
      CASE(a_sparse_marker_of_a_tebibyte_is_answered_at_once),
      CASE(huge_evidence_is_answered_at_once),
  };
  return RUN(cases, argc, argv);
}
