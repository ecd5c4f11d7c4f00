/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Threads: races that one of them must win, and handles that any of them may use. */
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { RACERS = 64, RELEASERS = 16 };

/* Threads cannot use at(), so each case puts the path here first. */
static char path[512];

static void set_path(void)
{
  snprintf(path, sizeof path, "%s", at("store.lock"));
}

static void run_threads(void *(*body)(void *), void *arguments, size_t argument_size, int count)
{
  pthread_t threads[RACERS];
  int i;
  for (i = 0; i < count; i++) {
    NEED_TRUE(pthread_create(&threads[i], NULL, body, (char *)arguments + (size_t)i * argument_size) == 0);
  }
  for (i = 0; i < count; i++) {
    pthread_join(threads[i], NULL);
  }
}

struct racer {
  pthread_barrier_t *start;
  crtx_lock lock;
  crtx_status status;
};

static void *race_to_acquire(void *argument)
{
  struct racer *racer = argument;
  crtx_lock_options options = usual_options();
  pthread_barrier_wait(racer->start);
  racer->status = crtx_lock_acquire(path, &options, &racer->lock, &last_error);
  return NULL;
}

/* Returns the winner's lock. */
static crtx_lock check_one_winner(const struct racer *racers)
{
  crtx_lock winner = {0};
  int i, winners = 0;
  for (i = 0; i < RACERS; i++) {
    if (racers[i].status == CRTX_OK) {
      winners++;
      winner = racers[i].lock;
    } else {
      CHECK(racers[i].status == CRTX_E_MARKER_EXISTS || racers[i].status == CRTX_E_CONTENDED);
      CHECK_INT(racers[i].lock.opaque, 0);
    }
  }
  CHECK_INT(winners, 1);
  return winner;
}

static void of_64_threads_that_race_to_acquire_exactly_one_wins(void)
{
  static struct racer racers[RACERS];
  pthread_barrier_t start;
  int round, i;
  set_path();
  pthread_barrier_init(&start, NULL, RACERS);
  for (round = 0; round < rounds(10); round++) {
    crtx_lock winner;
    for (i = 0; i < RACERS; i++) {
      racers[i].start = &start;
      racers[i].lock.opaque = 77;
    }
    run_threads(race_to_acquire, racers, sizeof racers[0], RACERS);
    winner = check_one_winner(racers);
    WANT(CRTX_OK, crtx_lock_check(winner, &last_error));
    let_go(winner);
    CHECK_INT(state_of(path), CRTX_MARKER_ABSENT);
  }
  pthread_barrier_destroy(&start);
}

static void *race_to_release(void *argument)
{
  struct racer *racer = argument;
  pthread_barrier_wait(racer->start);
  racer->status = crtx_lock_release(racer->lock, &last_error);
  return NULL;
}

static void of_racing_releases_one_wins_and_the_others_have_a_bad_handle(void)
{
  struct racer racers[RELEASERS];
  pthread_barrier_t start;
  int round, i;
  set_path();
  pthread_barrier_init(&start, NULL, RELEASERS);
  for (round = 0; round < rounds(50); round++) {
    int released = 0, refused = 0;
    crtx_lock lock = hold(path);
    for (i = 0; i < RELEASERS; i++) {
      racers[i].start = &start;
      racers[i].lock = lock;
    }
    run_threads(race_to_release, racers, sizeof racers[0], RELEASERS);
    for (i = 0; i < RELEASERS; i++) {
      released += racers[i].status == CRTX_OK;
      refused += racers[i].status == CRTX_E_BAD_HANDLE;
    }
    CHECK_INT(released, 1);
    CHECK_INT(refused, RELEASERS - 1);
  }
  pthread_barrier_destroy(&start);
}

static volatile int turns; /* guarded by nothing but the lock under test */

static void *take_turns(void *unused)
{
  crtx_lock_options options = usual_options();
  int round;
  (void)unused;
  options.timeout_ms = 50000;
  for (round = 0; round < rounds(10); round++) {
    crtx_lock lock;
    int before;
    if (!WANT(CRTX_OK, crtx_lock_acquire(path, &options, &lock, &last_error))) {
      return NULL;
    }
    before = turns;
    pause_ms(1);
    turns = before + 1;
    WANT(CRTX_OK, crtx_lock_release(lock, &last_error));
  }
  return NULL;
}

static void threads_that_wait_take_turns_and_never_overlap(void)
{
  char nothing[6] = "";
  set_path();
  turns = 0;
  run_threads(take_turns, nothing, 1, 6);
  CHECK_INT(turns, 6 * rounds(10));
}

static void *use_another_threads_handle(void *argument)
{
  char text[512];
  crtx_lock lock = *(crtx_lock *)argument;
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
  WANT(CRTX_OK, crtx_lock_marker_path(lock, text, sizeof text, NULL, &last_error));
  WANT(CRTX_OK, crtx_lock_release(lock, &last_error));
  return NULL;
}

static void any_thread_may_use_and_release_a_handle(void)
{
  crtx_lock lock;
  set_path();
  lock = hold(path);
  run_threads(use_another_threads_handle, &lock, sizeof lock, 1);
  CHECK_INT(state_of(path), CRTX_MARKER_ABSENT);
  WANT(CRTX_E_BAD_HANDLE, crtx_lock_check(lock, &last_error));
}

static int stop; /* read and written atomically */

/* Never stale, and never another process's: the marker is locked, and known as ours, before it appears
 * and until it is gone. */
static void *inspect_all_the_time(void *unused)
{
  crtx_marker marker;
  (void)unused;
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    if (!WANT(CRTX_OK, crtx_marker_inspect(path, &marker, &last_error)) ||
        !CHECK(marker.state == CRTX_MARKER_ABSENT || marker.state == CRTX_MARKER_HELD_BY_THIS_PROCESS)) {
      printf("  the state was %u\n", (unsigned)marker.state);
      return NULL;
    }
  }
  return NULL;
}

static void inspectors_never_make_an_acquire_fail(void)
{
  pthread_t inspectors[2];
  int round, i;
  set_path();
  __atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
  for (i = 0; i < 2; i++) {
    NEED_TRUE(pthread_create(&inspectors[i], NULL, inspect_all_the_time, NULL) == 0);
  }
  for (round = 0; round < rounds(100); round++) {
    crtx_lock lock = {0};
    crtx_lock_options options = usual_options();
    if (!WANT(CRTX_OK, crtx_lock_acquire(path, &options, &lock, &last_error))) {
      break; /* NEED would leave the inspectors running */
    }
    WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
    let_go(lock);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  for (i = 0; i < 2; i++) {
    pthread_join(inspectors[i], NULL);
  }
}

static void *check_until_released(void *argument)
{
  crtx_lock lock = *(crtx_lock *)argument;
  crtx_status status;
  do {
    status = crtx_lock_check(lock, NULL);
  } while (status == CRTX_OK);
  CHECK_INT(status, CRTX_E_BAD_HANDLE);
  return NULL;
}

static void a_check_that_races_a_release_answers_one_or_the_other(void)
{
  int round, i;
  set_path();
  for (round = 0; round < rounds(20); round++) {
    pthread_t checkers[4];
    crtx_lock lock = hold(path);
    for (i = 0; i < 4; i++) {
      NEED_TRUE(pthread_create(&checkers[i], NULL, check_until_released, &lock) == 0);
    }
    let_go(lock);
    for (i = 0; i < 4; i++) {
      pthread_join(checkers[i], NULL);
    }
  }
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(of_64_threads_that_race_to_acquire_exactly_one_wins),
      CASE(of_racing_releases_one_wins_and_the_others_have_a_bad_handle),
      CASE(threads_that_wait_take_turns_and_never_overlap),
      CASE(any_thread_may_use_and_release_a_handle),
      CASE(inspectors_never_make_an_acquire_fail),
      CASE(a_check_that_races_a_release_answers_one_or_the_other),
  };
  return RUN(cases, argc, argv);
}
