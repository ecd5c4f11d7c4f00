/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Faults that need two parties at the same moment. Each case makes the collision likely, many times;
 * whatever the timing, what it checks must hold. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static struct signed_text attestation;

static crtx_status quarantine(const char *path, char *stale, size_t capacity)
{
  return crtx_quarantine(path, &attestation.document, stale, capacity, NULL, &last_error);
}

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

struct race {
  char path[512], stop[512]; /* the children end when there is a file at `stop` */
};

static void acquire_all_the_time(void *argument)
{
  struct race *race = argument;
  crtx_lock_options options = usual_options();
  while (!exists(race->stop)) {
    crtx_lock lock;
    crtx_status status = crtx_lock_acquire(race->path, &options, &lock, NULL);
    if (!CHECK(status == CRTX_E_MARKER_EXISTS || status == CRTX_E_CONTENDED)) {
      printf("  an acquire amid the takeover answered %d\n", (int)status);
      return;
    }
  }
}

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
  struct race race;
  int round, i;
  snprintf(race.path, sizeof race.path, "%s", at("store.lock"));
  snprintf(race.stop, sizeof race.stop, "%s", at("stop"));
  for (round = 0; round < 10; round++) {
    pid_t children[3];
    crtx_lock lock;
    unlink(race.stop);
    put_marker(race.path, 4711, LONG_AGO);
    attest(&attestation, race.path, 0);
    for (i = 0; i < 3; i++) {
      children[i] = start_child(acquire_all_the_time, &race);
    }
    lock = take_over(race.path);
    pause_ms(5);
    put_text(race.stop, "");
    for (i = 0; i < 3; i++) {
      wait_child(children[i]);
    }
    WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
    let_go(lock);
  }
}

static void acquire_and_release_for_ever(void *path)
{
  crtx_lock_options options = usual_options();
  for (;;) {
    crtx_lock lock;
    NEED(CRTX_OK, crtx_lock_acquire(path, &options, &lock, &last_error));
    NEED(CRTX_OK, crtx_lock_release(lock, &last_error));
  }
}

static void a_killed_process_leaves_no_marker_or_a_whole_one(void)
{
  char path[512], stale[1024];
  unsigned round;
  snprintf(path, sizeof path, "%s", at("store.lock"));
  for (round = 0; round < 40; round++) {
    pid_t child = start_child(acquire_and_release_for_ever, path);
    uint32_t state;
    pause_ms(3 + round % 7);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    state = state_of(path);
    CHECK(state == CRTX_MARKER_ABSENT || state == CRTX_MARKER_STALE);
    if (state == CRTX_MARKER_STALE) {
      attest(&attestation, path, 0);
      NEED(CRTX_OK, quarantine(path, stale, sizeof stale));
    }
    let_go(hold(path)); /* whatever was left over does not get in the way */
  }
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(a_marker_swapped_between_check_and_rename_is_not_taken_for_the_attested_one),
      CASE(no_third_process_gets_in_between_quarantine_and_acquire),
      CASE(a_killed_process_leaves_no_marker_or_a_whole_one),
  };
  return RUN(cases, argc, argv);
}
