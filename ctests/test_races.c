/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Faults that need two parties at the same moment. Each case makes the collision likely, many times;
 * whatever the timing, what it checks must hold. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static struct signed_text attestation;

static crtx_status quarantine(const char *path, char *stale, size_t capacity)
{
  return crtx_quarantine(path, &attestation.document, stale, capacity, NULL, &last_error);
}

#ifndef _WIN32 /* an open file cannot be replaced at one stroke there */
struct swap {
  pthread_barrier_t start;
  char impostor[512], path[512];
};

static void *swap_marker(void *argument)
{
  struct swap *swap = argument;
  pthread_barrier_wait(&swap->start);
  CHECK(rename(swap->impostor, swap->path) == 0);
  return NULL;
}

static void check_swap_outcome(const struct swap *swap, crtx_status status, const char *stale, const char *impostor)
{
  CHECK(holds_text(swap->path, impostor)); /* it was not quarantined, or it was moved back */
  if (status == CRTX_OK) {
    WANT(CRTX_OK, crtx_evidence_verify(stale, attestation.key, 32, &last_error));
  } else if (!CHECK(status == CRTX_E_LOST || status == CRTX_E_STALE_PID_MISMATCH || status == CRTX_E_CONTENDED)) {
    printf("  it was %d\n", (int)status);
  }
}

static void a_marker_swapped_between_check_and_rename_is_not_taken_for_the_attested_one(void)
{
  struct swap swap;
  char impostor[2048], stale[1024];
  int round;
  snprintf(swap.path, sizeof swap.path, "%s", at("store.lock"));
  snprintf(swap.impostor, sizeof swap.impostor, "%s", at("impostor"));
  pthread_barrier_init(&swap.start, NULL, 2);
  for (round = 0; round < 60; round++) {
    pthread_t thread;
    crtx_status status;
    put_marker(swap.impostor, 666, LONG_AGO);
    get_bytes(swap.impostor, impostor, sizeof impostor);
    unlink(swap.path);
    put_marker(swap.path, 4711, LONG_AGO);
    attest(&attestation, swap.path, 0);
    NEED_TRUE(pthread_create(&thread, NULL, swap_marker, &swap) == 0);
    pthread_barrier_wait(&swap.start);
    status = quarantine(swap.path, stale, sizeof stale);
    pthread_join(thread, NULL);
    check_swap_outcome(&swap, status, stale, impostor);
  }
  pthread_barrier_destroy(&swap.start);
}
#endif

/* Under fire its locks may be refused at times: then it is simply repeated. */
static crtx_lock take_over(const char *path)
{
  char stale[1024];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  crtx_status status;
  do {
    status = crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, NULL, &last_error);
  } while (status == CRTX_E_CONTENDED);
  CHECK_INT(status, CRTX_OK);
  return lock;
}

static void no_third_process_gets_in_between_quarantine_and_acquire(void)
{
  const char *path = at("store.lock");
  int round, i;
  for (round = 0; round < rounds(10); round++) {
    struct peer peers[3];
    crtx_lock lock;
    put_marker(path, 4711, LONG_AGO);
    attest(&attestation, path, 0);
    for (i = 0; i < 3; i++) {
      start_peer(&peers[i], path);
      tell_peer(&peers[i], PESTER);
    }
    lock = take_over(path);
    for (i = 0; i < 3; i++) {
      CHECK_INT(peer_answer(&peers[i]), CRTX_OK);
      end_peer(&peers[i]);
    }
    WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
    let_go(lock);
  }
}

static void a_killed_process_leaves_no_marker_or_a_whole_one(void)
{
  char stale[1024];
  const char *path = at("store.lock");
  unsigned round;
  for (round = 0; round < (unsigned)rounds(40); round++) {
    struct peer peer;
    uint32_t state;
    start_peer(&peer, path);
    CHECK_INT(order_peer(&peer, INSPECT), CRTX_MARKER_ABSENT); /* it runs by now */
    tell_peer(&peer, CHURN);
    pause_ms(3 + round % 7);
    kill_peer(&peer);
    state = state_of(path);
    CHECK(state == CRTX_MARKER_ABSENT || state == CRTX_MARKER_STALE);
    if (state == CRTX_MARKER_STALE) {
      attest(&attestation, path, 0);
      NEED(CRTX_OK, quarantine(path, stale, sizeof stale));
    }
    let_go(hold(path)); /* whatever was left over does not get in the way */
  }
}

#ifdef __linux__
static void hold_for_a_while(void *path)
{
  crtx_lock lock = hold(path);
  pause_ms(100);
  let_go(lock);
}

/* Descriptors of inotify; proc(5). */
static int count_watchers(void)
{
  int number, count = 0;
  for (number = 0; number < 64; number++) {
    char link[40], target[40] = "";
    snprintf(link, sizeof link, "/proc/self/fd/%d", number);
    count += readlink(link, target, sizeof target - 1) > 0 && strstr(target, "inotify") != NULL;
  }
  return count;
}

/* To close it would keep the call from returning for as long as the kernel takes. */
static void who_waited_closes_its_watch_only_when_it_releases(void)
{
  char path[512];
  bool has_waited = false;
  int round;
  snprintf(path, sizeof path, "%s", at("store.lock"));
  for (round = 0; round < 20 && !has_waited; round++) {
    crtx_lock lock = {0};
    crtx_lock_options options = usual_options();
    pid_t child = start_child(hold_for_a_while, path);
    while (state_of(path) != CRTX_MARKER_HELD) {
      pause_ms(1);
    }
    options.timeout_ms = 30000;
    NEED(CRTX_OK, crtx_lock_acquire(path, &options, &lock, &last_error));
    has_waited = count_watchers() == 1;
    let_go(lock);
    CHECK_INT(count_watchers(), 0);
    wait_child(child);
  }
  CHECK(has_waited);
}
#endif

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
#ifdef __linux__
      CASE(who_waited_closes_its_watch_only_when_it_releases),
#endif
#ifndef _WIN32
      CASE(a_marker_swapped_between_check_and_rename_is_not_taken_for_the_attested_one),
#endif
      CASE(no_third_process_gets_in_between_quarantine_and_acquire),
      CASE(a_killed_process_leaves_no_marker_or_a_whole_one),
  };
  return RUN(cases, argc, argv);
}
