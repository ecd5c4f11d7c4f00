/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A marker on disk: inspect and read. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FIRST_LINE "cortex-restore-active-store-lock-v1\n"
#define REST "scope=production\nrestore_intent_blake3=" INTENT_DIGEST "\n"
#define OWNER "host=h\ndeployment_id=d\noperator_principal_id=o\n"
#define TIME "acquired_at=" LONG_AGO "\n"

static crtx_marker inspected(const char *path)
{
  crtx_marker marker;
  memset(&marker, 0xee, sizeof marker);
  marker.struct_size = sizeof marker;
  NEED(CRTX_OK, crtx_marker_inspect(path, &marker, &last_error));
  return marker;
}

static bool all_zero(const void *bytes, size_t length)
{
  const unsigned char *at_byte = bytes;
  while (length > 0 && *at_byte == 0) {
    at_byte++;
    length--;
  }
  return length == 0;
}

static void no_marker_is_a_state_and_not_an_error(void)
{
  crtx_marker marker = inspected(at("store.lock"));
  CHECK_INT(marker.state, CRTX_MARKER_ABSENT);
  CHECK(all_zero(&marker.pid, sizeof marker - offsetof(crtx_marker, pid)));
  CHECK_INT(entries_in(at("")), 0);
}

static void a_companion_without_a_marker_is_free(void)
{
  put_text(at("store.lock.flock"), "");
  CHECK_INT(state_of(at("store.lock")), CRTX_MARKER_ABSENT);
  CHECK(exists(at("store.lock.flock")));
}

static void a_marker_of_the_reference_implementation_is_read_field_by_field(void)
{
  char digest[80];
  const char *path = at("active-store.lock");
  crtx_marker marker;
  copy_fixture("active-store.lock", path);
  marker = inspected(path);
  CHECK_INT(marker.struct_size, sizeof marker);
  CHECK_INT(marker.state, CRTX_MARKER_STALE);
  CHECK_INT(marker.pid, 5641);
  CHECK_INT(marker.reserved, 0);
  CHECK_INT(marker.acquired_at_unix_ns, INT64_C(1795394455469509729));
  CHECK_TEXT(marker.acquired_at, "2026-11-23T00:40:55.469509729+00:00");
  CHECK_TEXT(marker.host, "fixture-host");
  CHECK_TEXT(marker.deployment_id, "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556");
  CHECK_TEXT(marker.operator_principal_id, PRINCIPAL);
  CHECK_TEXT(marker.scope, "production");
  CHECK_TEXT(marker.restore_intent_blake3, "blake3:410d3ad470123e4024ac3f3b5edef093a220cb7b8705f5241e432f218c0080e8");
  NEED(CRTX_OK, crtx_blake3_file(path, digest, sizeof digest, NULL, &last_error));
  CHECK_TEXT(marker.marker_blake3, digest);
}

static void inspect_changes_nothing_on_disk(void)
{
  const char *path = at("store.lock");
  struct stat before, after;
  put_marker(path, 4711, LONG_AGO);
  before = status_of(path);
  CHECK_INT(inspected(path).state, CRTX_MARKER_STALE);
  after = status_of(path);
  CHECK_INT(entries_in(at("")), 1); /* no companion came to be */
  CHECK(is_still(path, &before));
  CHECK_INT(after.st_mtim.tv_sec, before.st_mtim.tv_sec);
  CHECK_INT(after.st_mtim.tv_nsec, before.st_mtim.tv_nsec);
  CHECK_INT(after.st_mode, before.st_mode);
}

static void *inspect_in_thread(void *path)
{
  CHECK_INT(state_of(path), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  return NULL;
}

static void held_by_this_process_and_held_by_another_are_told_apart(void)
{
  struct peer peer;
  pthread_t thread;
  char path[512];
  crtx_lock lock;
  snprintf(path, sizeof path, "%s", at("store.lock"));
  start_peer(&peer, path);
  lock = hold(path);
  CHECK_INT(state_of(path), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  CHECK_INT(order_peer(&peer, INSPECT), CRTX_MARKER_HELD);
  NEED_TRUE(pthread_create(&thread, NULL, inspect_in_thread, path) == 0);
  pthread_join(thread, NULL);
  let_go(lock);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  CHECK_INT(state_of(path), CRTX_MARKER_HELD);
  CHECK_INT(order_peer(&peer, RELEASE), CRTX_OK);
  end_peer(&peer);
}

static void a_pid_that_is_alive_does_not_make_a_stale_marker_held(void)
{
  const char *path = at("store.lock");
  put_marker(path, (unsigned)getpid(), LONG_AGO);
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
}

/* Each of these differs from a good marker in one point. */
static const struct {
  const char *what, *text;
} malformed[] = {
    {"empty", ""},
    {"torn after the first line", FIRST_LINE},
    {"torn in the middle", FIRST_LINE "pid=17\nhost=h\ndeploym"},
    {"no final newline", FIRST_LINE "pid=17\n" OWNER TIME "scope=production\nrestore_intent_blake3=" INTENT_DIGEST},
    {"CRLF", "cortex-restore-active-store-lock-v1\r\npid=17\r\n" OWNER TIME REST},
    {"another version", "cortex-restore-active-store-lock-v2\npid=17\n" OWNER TIME REST},
    {"byte order mark", "\xef\xbb\xbf" FIRST_LINE "pid=17\n" OWNER TIME REST},
    {"an additional line", FIRST_LINE "pid=17\n" OWNER TIME REST "x=y\n"},
    {"an empty last line", FIRST_LINE "pid=17\n" OWNER TIME REST "\n"},
    {"a missing key", FIRST_LINE "pid=17\n" OWNER REST},
    {"a key twice", FIRST_LINE "pid=17\npid=17\n" OWNER TIME REST},
    {"another order", FIRST_LINE OWNER "pid=17\n" TIME REST},
    {"pid 0", FIRST_LINE "pid=0\n" OWNER TIME REST},
    {"pid with a sign", FIRST_LINE "pid=+17\n" OWNER TIME REST},
    {"negative pid", FIRST_LINE "pid=-17\n" OWNER TIME REST},
    {"pid with a leading zero", FIRST_LINE "pid=017\n" OWNER TIME REST},
    {"pid of 33 bits", FIRST_LINE "pid=4294967296\n" OWNER TIME REST},
    {"empty pid", FIRST_LINE "pid=\n" OWNER TIME REST},
    {"pid with a space", FIRST_LINE "pid= 17\n" OWNER TIME REST},
    {"control character", FIRST_LINE "pid=17\nhost=a\tb\ndeployment_id=d\noperator_principal_id=o\n" TIME REST},
    {"not UTF-8", FIRST_LINE "pid=17\nhost=\xff\ndeployment_id=d\noperator_principal_id=o\n" TIME REST},
    {"empty deployment", FIRST_LINE "pid=17\nhost=h\ndeployment_id=\noperator_principal_id=o\n" TIME REST},
    {"empty operator", FIRST_LINE "pid=17\nhost=h\ndeployment_id=d\noperator_principal_id=\n" TIME REST},
    {"no time", FIRST_LINE "pid=17\n" OWNER "acquired_at=now\n" REST},
    {"time without offset", FIRST_LINE "pid=17\n" OWNER "acquired_at=2024-02-29T12:34:56\n" REST},
    {"no such day", FIRST_LINE "pid=17\n" OWNER "acquired_at=2023-02-29T12:34:56+00:00\n" REST},
    {"time beyond int64", FIRST_LINE "pid=17\n" OWNER "acquired_at=9999-12-31T23:59:59+00:00\n" REST},
    {"another scope", FIRST_LINE "pid=17\n" OWNER TIME "scope=staging\nrestore_intent_blake3=" INTENT_DIGEST "\n"},
    {"digest without its name", FIRST_LINE "pid=17\n" OWNER TIME
                                "scope=production\nrestore_intent_blake3=af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262\n"},
    {"digest in capitals", FIRST_LINE "pid=17\n" OWNER TIME
                           "scope=production\nrestore_intent_blake3=blake3:AF1349B9F5F9A1A6A0404DEA36DCC9499BCB25C9ADC112B7CC9A93CAE41F3262\n"},
};

static void a_malformed_marker_is_reported_as_such_and_never_taken_for_free(void)
{
  const char *path = at("store.lock");
  crtx_lock_options options = usual_options();
  size_t i;
  for (i = 0; i < sizeof malformed / sizeof malformed[0]; i++) {
    crtx_lock lock = {0};
    char digest[80];
    crtx_marker marker;
    put_text(path, malformed[i].text);
    marker = inspected(path);
    NEED(CRTX_OK, crtx_blake3_file(path, digest, sizeof digest, NULL, &last_error));
    if (!CHECK_INT(marker.state, CRTX_MARKER_MALFORMED) + !CHECK_INT(marker.pid, 0) + !CHECK_TEXT(marker.host, "") +
        !CHECK_TEXT(marker.marker_blake3, digest) +
        !WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error)) +
        !CHECK(holds_text(path, malformed[i].text)) > 0) {
      printf("  with the marker: %s\n", malformed[i].what);
    }
  }
}

static void check_well_formed(const char *text)
{
  const char *path = at("store.lock");
  put_text(path, text);
  if (!CHECK_INT(inspected(path).state, CRTX_MARKER_STALE)) {
    printf("  with the marker:\n%s", text);
  }
}

static void well_formed_markers_of_other_writers_are_read(void)
{
  crtx_marker marker;
  check_well_formed(FIRST_LINE "pid=1\n" OWNER TIME REST);
  check_well_formed(FIRST_LINE "pid=4294967295\n" OWNER TIME REST);
  check_well_formed(FIRST_LINE "pid=17\nhost=\ndeployment_id=a=b=c\noperator_principal_id=o\n" TIME REST);
  check_well_formed(FIRST_LINE "pid=17\nhost=h\xc3\xb6st\ndeployment_id=d\noperator_principal_id=o\n" TIME REST);
  check_well_formed(FIRST_LINE "pid=17\n" OWNER "acquired_at=1970-01-01T02:00:00.5+02:00\n" REST);
  marker = inspected(at("store.lock"));
  CHECK_INT(marker.acquired_at_unix_ns, 500000000);
  CHECK_TEXT(marker.acquired_at, "1970-01-01T02:00:00.5+02:00"); /* the text as it stands */
  check_well_formed(FIRST_LINE "pid=17\n" OWNER "acquired_at=1969-12-31T23:59:59Z\n" REST);
  CHECK_INT(inspected(at("store.lock")).acquired_at_unix_ns, -SECOND);
}

static void held_wins_over_malformed(void)
{
  struct peer peer;
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  put_text(path, "scribbled over by another program"); /* the same inode, its lock still held */
  CHECK_INT(state_of(path), CRTX_MARKER_HELD);
  end_peer(&peer);
  CHECK_INT(state_of(path), CRTX_MARKER_MALFORMED);
}

static void the_text_of_a_marker_is_read_as_it_stands(void)
{
  char expected[8192], found[8192];
  size_t needed = 0, length;
  const char *path = at("store.lock");
  copy_fixture("active-store.lock", path);
  length = get_fixture("active-store.lock", expected, sizeof expected);
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_marker_read(path, NULL, 0, &needed, &last_error));
  CHECK_INT(needed, length + 1);
  memset(found, 0x55, sizeof found);
  needed = 0;
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_marker_read(path, found, length, &needed, &last_error));
  CHECK_INT(needed, length + 1);
  CHECK(found[0] == 0x55); /* outputs are written only on success */
  needed = 0;
  WANT(CRTX_OK, crtx_marker_read(path, found, length + 1, &needed, &last_error));
  CHECK_INT(needed, length + 1);
  CHECK_TEXT(found, expected);
  WANT(CRTX_OK, crtx_marker_read(path, found, sizeof found, NULL, &last_error));
  WANT(CRTX_E_MARKER_ABSENT, crtx_marker_read(at("none.lock"), found, sizeof found, &needed, &last_error));
}

static void a_held_marker_can_be_read(void)
{
  char text[4096];
  struct peer peer;
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  WANT(CRTX_OK, crtx_marker_read(path, text, sizeof text, NULL, &last_error));
  CHECK(strncmp(text, FIRST_LINE, strlen(FIRST_LINE)) == 0);
  CHECK_INT(order_peer(&peer, RELEASE), CRTX_OK);
  end_peer(&peer);
}

static void a_marker_of_more_than_4096_bytes_is_malformed_and_still_has_a_digest(void)
{
  char text[5000], digest[80];
  const char *path = at("store.lock");
  crtx_marker marker;
  memset(text, 'x', sizeof text);
  put_bytes(path, text, sizeof text);
  marker = inspected(path);
  CHECK_INT(marker.state, CRTX_MARKER_MALFORMED);
  NEED(CRTX_OK, crtx_blake3_file(path, digest, sizeof digest, NULL, &last_error));
  CHECK_TEXT(marker.marker_blake3, digest);
}

static void a_marker_above_1_mib_is_malformed_without_a_digest_and_too_large_to_read(void)
{
  char buffer[16];
  const char *path = at("store.lock");
  crtx_marker marker;
  put_text(path, "x");
  NEED_TRUE(truncate(path, (1 << 20) + 1) == 0);
  marker = inspected(path);
  CHECK_INT(marker.state, CRTX_MARKER_MALFORMED);
  CHECK_TEXT(marker.marker_blake3, "");
  WANT(CRTX_E_TOO_LARGE, crtx_marker_read(path, buffer, sizeof buffer, NULL, &last_error));
  NEED_TRUE(truncate(path, 1 << 20) == 0);
  CHECK(inspected(path).marker_blake3[0] == 'b');
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_marker_read(path, buffer, sizeof buffer, NULL, &last_error));
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(no_marker_is_a_state_and_not_an_error),
      CASE(a_companion_without_a_marker_is_free),
      CASE(a_marker_of_the_reference_implementation_is_read_field_by_field),
      CASE(inspect_changes_nothing_on_disk),
      CASE(held_by_this_process_and_held_by_another_are_told_apart),
      CASE(a_pid_that_is_alive_does_not_make_a_stale_marker_held),
      CASE(a_malformed_marker_is_reported_as_such_and_never_taken_for_free),
      CASE(well_formed_markers_of_other_writers_are_read),
      CASE(held_wins_over_malformed),
      CASE(the_text_of_a_marker_is_read_as_it_stands),
      CASE(a_held_marker_can_be_read),
      CASE(a_marker_of_more_than_4096_bytes_is_malformed_and_still_has_a_digest),
      CASE(a_marker_above_1_mib_is_malformed_without_a_digest_and_too_large_to_read),
  };
  return RUN(cases, argc, argv);
}
