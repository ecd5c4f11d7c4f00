/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The lock's life: acquire, check, leak, release, and what a handle tells. */
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static crtx_marker marker_of(crtx_lock lock)
{
  crtx_marker marker;
  memset(&marker, 0xee, sizeof marker);
  marker.struct_size = sizeof marker;
  NEED(CRTX_OK, crtx_lock_marker(lock, &marker, &last_error));
  return marker;
}

static void the_marker_on_disk_is_the_format_byte_for_byte(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  crtx_marker marker = marker_of(lock);
  char expected[2048];
  snprintf(expected, sizeof expected,
           "cortex-restore-active-store-lock-v1\npid=%ld\nhost=ctests-host\ndeployment_id=" DEPLOYMENT
           "\noperator_principal_id=" PRINCIPAL "\nacquired_at=%s\nscope=production\nrestore_intent_blake3=" INTENT_DIGEST "\n",
           (long)getpid(), marker.acquired_at);
  CHECK(holds_text(path, expected));
  let_go(lock);
}

static void acquire_creates_two_files_and_release_removes_both(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  CHECK(exists(path));
  CHECK(exists(at("store.lock.flock")));
  CHECK_INT(entries_in(at("")), 2);
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
  let_go(lock);
  CHECK_INT(entries_in(at("")), 0);
  CHECK_INT(state_of(path), CRTX_MARKER_ABSENT);
}

static void a_handle_tells_the_marker_that_it_wrote(void)
{
  char digest[80];
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  crtx_marker marker = marker_of(lock);
  CHECK_INT(marker.struct_size, sizeof marker);
  CHECK_INT(marker.state, CRTX_MARKER_HELD_BY_THIS_PROCESS);
  CHECK_INT(marker.pid, getpid());
  CHECK_INT(marker.reserved, 0);
  CHECK_TEXT(marker.host, "ctests-host");
  CHECK_TEXT(marker.deployment_id, DEPLOYMENT);
  CHECK_TEXT(marker.operator_principal_id, PRINCIPAL);
  CHECK_TEXT(marker.scope, "production");
  CHECK_TEXT(marker.restore_intent_blake3, INTENT_DIGEST);
  WANT(CRTX_OK, crtx_blake3_file(path, digest, sizeof digest, NULL, &last_error));
  CHECK_TEXT(marker.marker_blake3, digest);
  let_go(lock);
}

static void the_time_of_acquisition_is_utc_and_says_the_same_twice(void)
{
  struct tm parts;
  time_t seconds;
  char start[32];
  crtx_lock lock = hold(at("store.lock"));
  crtx_marker marker = marker_of(lock);
  size_t length = strlen(marker.acquired_at);
  CHECK(length >= 25 && strcmp(marker.acquired_at + length - 6, "+00:00") == 0);
  seconds = (time_t)(marker.acquired_at_unix_ns / 1000000000);
  CHECK(seconds > time(NULL) - 3600 && seconds < time(NULL) + 3600);
  gmtime_r(&seconds, &parts);
  strftime(start, sizeof start, "%Y-%m-%dT%H:%M:%S", &parts);
  CHECK(strncmp(marker.acquired_at, start, strlen(start)) == 0);
  let_go(lock);
}

static void without_a_host_option_the_marker_names_this_machine(void)
{
  char name[256] = "";
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  crtx_marker marker;
  options.host = NULL;
  NEED(CRTX_OK, crtx_lock_acquire(at("store.lock"), &options, &lock, &last_error));
  this_host(name, sizeof name);
  marker = marker_of(lock);
  CHECK_TEXT(marker.host, name);
  let_go(lock);
}

static void an_empty_host_and_fields_of_255_bytes_are_accepted(void)
{
  char longest[256];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  crtx_marker marker;
  memset(longest, 'x', 255);
  longest[255] = '\0';
  options.host = "";
  options.deployment_id = longest;
  options.operator_principal_id = longest;
  NEED(CRTX_OK, crtx_lock_acquire(at("store.lock"), &options, &lock, &last_error));
  marker = marker_of(lock);
  CHECK_TEXT(marker.host, "");
  CHECK_TEXT(marker.deployment_id, longest);
  CHECK_TEXT(marker.operator_principal_id, longest);
  let_go(lock);
}

static void the_paths_of_a_handle_are_those_it_locked(void)
{
  char path[512], companion[512];
  size_t needed = 0;
  const char *wanted = at("store.lock");
  crtx_lock lock = hold(wanted);
  struct stat marker = status_of(wanted), flock_file = status_of(at("store.lock.flock"));
  WANT(CRTX_OK, crtx_lock_marker_path(lock, path, sizeof path, &needed, &last_error));
  CHECK_INT(needed, strlen(path) + 1);
  CHECK(is_absolute(path) && is_still(path, &marker));
  WANT(CRTX_OK, crtx_lock_companion_path(lock, companion, sizeof companion, &needed, &last_error));
  CHECK_INT(needed, strlen(companion) + 1);
  CHECK(is_absolute(companion) && is_still(companion, &flock_file));
  let_go(lock);
}

static void a_second_acquire_in_the_same_process_is_refused_and_zeroes_its_handle(void)
{
  const char *path = at("store.lock");
  crtx_lock first = hold(path), second = {77};
  crtx_lock_options options = usual_options();
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &second, &last_error));
  CHECK(last_error.marker_state == CRTX_MARKER_HELD || last_error.marker_state == CRTX_MARKER_HELD_BY_THIS_PROCESS);
  CHECK_INT(second.opaque, 0);
  WANT(CRTX_OK, crtx_lock_check(first, &last_error));
  let_go(first);
}

static void an_acquire_against_another_process_says_held(void)
{
  struct peer peer;
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(last_error.marker_state, CRTX_MARKER_HELD);
  CHECK(strstr(last_error.message, "store.lock") != NULL);
  CHECK_INT(lock.opaque, 0);
  CHECK_INT(order_peer(&peer, RELEASE), CRTX_OK);
  lock = hold(path);
  let_go(lock);
  end_peer(&peer);
}

static void a_leaked_lock_is_held_until_its_release_and_keeps_both_files(void)
{
  struct peer peer;
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  struct stat marker = status_of(path), companion = status_of(at("store.lock.flock"));
  start_peer(&peer, path);
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error));
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error)); /* twice is fine */
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
  CHECK_INT(order_peer(&peer, INSPECT), CRTX_MARKER_HELD);
  let_go(lock);
  CHECK(is_still(path, &marker));
  CHECK(is_still(at("store.lock.flock"), &companion));
  CHECK_INT(order_peer(&peer, INSPECT), CRTX_MARKER_STALE);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_E_MARKER_EXISTS);
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_release(lock, &last_error));
  end_peer(&peer);
}

static void a_released_handle_is_bad_for_every_call(void)
{
  char buffer[512];
  crtx_marker marker;
  crtx_lock lock = hold(at("store.lock"));
  let_go(lock);
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_release(lock, &last_error));
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_check(lock, &last_error));
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_leak(lock, &last_error));
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_marker(lock, &marker, &last_error));
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_marker_path(lock, buffer, sizeof buffer, NULL, &last_error));
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_companion_path(lock, buffer, sizeof buffer, NULL, &last_error));
}

static void a_handle_is_not_reused_for_the_next_lock(void)
{
  int round;
  crtx_lock before = hold(at("store.lock"));
  let_go(before);
  for (round = 0; round < 100; round++) {
    crtx_lock lock = hold(at("store.lock"));
    CHECK(lock.opaque != before.opaque);
    WANT(CRTX_E_BAD_HANDLE, crtx_lock_release(before, &last_error));
    let_go(lock);
    before = lock;
  }
}

static void a_hundred_locks_are_held_at_once_and_released_in_any_order(void)
{
  enum { COUNT = 100 };
  crtx_lock locks[COUNT];
  char name[32];
  int i;
  for (i = 0; i < COUNT; i++) {
    snprintf(name, sizeof name, "store-%d.lock", i);
    locks[i] = hold(at(name));
  }
  CHECK_INT(entries_in(at("")), 2 * COUNT);
  for (i = 0; i < COUNT; i++) {
    int other = (i * 37) % COUNT; /* 37 and 100 have no common factor: each once */
    WANT(CRTX_OK, crtx_lock_check(locks[other], &last_error));
    let_go(locks[other]);
  }
  CHECK_INT(entries_in(at("")), 0);
}

static void process_crash_durability_gives_the_same_lock(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  options.durability = CRTX_DURABILITY_PROCESS_CRASH;
  NEED(CRTX_OK, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(state_of(path), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  let_go(lock);
  CHECK_INT(entries_in(at("")), 0);
}

static void a_leftover_of_a_crash_under_the_reserved_name_is_cleared_away(void)
{
  const char *path = at("store.lock");
  crtx_lock lock;
  put_text(at("store.lock.new"), "half a mark");
  CHECK_INT(state_of(path), CRTX_MARKER_ABSENT);
  lock = hold(path);
  CHECK(!exists(at("store.lock.new")));
  let_go(lock);
  CHECK_INT(entries_in(at("")), 0);
}

static void a_leftover_companion_is_taken_over_in_silence(void)
{
  const char *path = at("store.lock");
  crtx_lock lock;
  put_text(at("store.lock.flock"), "");
  lock = hold(path);
  let_go(lock);
  CHECK_INT(entries_in(at("")), 0);
}

static void a_holder_that_exits_without_release_leaves_a_stale_marker(void)
{
  struct peer peer;
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  CHECK_INT(state_of(path), CRTX_MARKER_HELD);
  end_peer(&peer);
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
}

static void acquire_waits_for_another_process_to_release(void)
{
  struct peer peer;
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  start_peer(&peer, path);
  tell_peer(&peer, ACQUIRE_WAITING);
  pause_ms(100); /* most likely it waits by now; if not, the test still holds */
  let_go(lock);
  CHECK_INT(peer_answer(&peer), CRTX_OK);
  CHECK_INT(state_of(path), CRTX_MARKER_HELD);
  CHECK_INT(order_peer(&peer, RELEASE), CRTX_OK);
  end_peer(&peer);
}

static void a_wait_that_times_out_answers_what_it_found(void)
{
  struct peer peer;
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_OK);
  options.timeout_ms = 50;
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(last_error.marker_state, CRTX_MARKER_HELD);
  CHECK_INT(order_peer(&peer, RELEASE), CRTX_OK);
  end_peer(&peer);
}

static void acquire_never_waits_for_a_stale_marker(void)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  leave_stale(path);
  options.timeout_ms = UINT32_MAX;
  watchdog(20);
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(last_error.marker_state, CRTX_MARKER_STALE);
}

static void a_wait_ends_when_the_holder_dies_and_leaves_its_marker(void)
{
  struct peer holder, waiter;
  const char *path = at("store.lock");
  start_peer(&holder, path);
  start_peer(&waiter, path);
  CHECK_INT(order_peer(&holder, ACQUIRE), CRTX_OK);
  tell_peer(&waiter, ACQUIRE_WAITING);
  kill_peer(&holder);
  CHECK_INT(peer_answer(&waiter), CRTX_E_MARKER_EXISTS);
  end_peer(&waiter);
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(the_marker_on_disk_is_the_format_byte_for_byte),
      CASE(acquire_creates_two_files_and_release_removes_both),
      CASE(a_handle_tells_the_marker_that_it_wrote),
      CASE(the_time_of_acquisition_is_utc_and_says_the_same_twice),
      CASE(without_a_host_option_the_marker_names_this_machine),
      CASE(an_empty_host_and_fields_of_255_bytes_are_accepted),
      CASE(the_paths_of_a_handle_are_those_it_locked),
      CASE(a_second_acquire_in_the_same_process_is_refused_and_zeroes_its_handle),
      CASE(an_acquire_against_another_process_says_held),
      CASE(a_leaked_lock_is_held_until_its_release_and_keeps_both_files),
      CASE(a_released_handle_is_bad_for_every_call),
      CASE(a_handle_is_not_reused_for_the_next_lock),
      CASE(a_hundred_locks_are_held_at_once_and_released_in_any_order),
      CASE(process_crash_durability_gives_the_same_lock),
      CASE(a_leftover_of_a_crash_under_the_reserved_name_is_cleared_away),
      CASE(a_leftover_companion_is_taken_over_in_silence),
      CASE(a_holder_that_exits_without_release_leaves_a_stale_marker),
      CASE(acquire_waits_for_another_process_to_release),
      CASE(a_wait_that_times_out_answers_what_it_found),
      CASE(acquire_never_waits_for_a_stale_marker),
      CASE(a_wait_ends_when_the_holder_dies_and_leaves_its_marker),
  };
  return RUN(cases, argc, argv);
}
