/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Kill everywhere, fail everywhere: the workers that do the jobs, and the figures.
 *
 *   faults [TEXT]           only the jobs whose description contains TEXT
 *   CRTX_KILLS              kill runs wanted (5000): more of them do more combinations of variants
 *   CRTX_FAULTS_WORKERS     processes at work (one for each processor)
 *   CRTX_FAULTS_DIR         where the scratch directories go (/dev/shm, or /tmp) */
#include "faults.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WANTED_KILLS = 5000, MOST_WORKERS = 16 };

struct shared {
  size_t next; /* job */
  long kills;
};

static struct shared *shared;
static struct job_result *results;
static long wanted_kills = WANTED_KILLS;

static void *share(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    perror("mmap");
    exit(2);
  }
  return memory;
}

static long number_from(const char *variable, long otherwise)
{
  const char *text = getenv(variable);
  long number = text == NULL ? 0 : atol(text);
  return number > 0 ? number : otherwise;
}

static bool is_chosen(const struct job *job, const char *wanted)
{
  char text[256];
  describe_job(job, text, sizeof text);
  return wanted == NULL || strstr(text, wanted) != NULL;
}

static int work(const struct job *jobs, size_t count, const char *wanted)
{
  struct place place;
  memset(&place, 0, sizeof place);
  report = share(sizeof *report);
  if (!make_directory(&place)) {
    perror(place.directory);
    return 2;
  }
  for (;;) {
    size_t next = __sync_fetch_and_add(&shared->next, 1);
    if (next >= count || (jobs[next].optional && __sync_fetch_and_add(&shared->kills, 0) >= wanted_kills)) {
      break;
    }
    if (is_chosen(&jobs[next], wanted)) {
      do_job(&jobs[next], &place, &results[next]);
      __sync_fetch_and_add(&shared->kills, results[next].kills);
    }
  }
  remove_directory(&place);
  return 0;
}

static void nothing(void *argument)
{
  (void)argument;
}

/* Containers and hardened kernels may forbid to trace even one's own child. */
static bool may_trace(void)
{
  static const struct order order = {0, -1, 0, false, -1};
  struct outcome outcome;
  return run_traced(nothing, NULL, &order, &outcome) == 0;
}

static int start_workers(const struct job *jobs, size_t count, const char *wanted)
{
  long worker, workers = number_from("CRTX_FAULTS_WORKERS", sysconf(_SC_NPROCESSORS_ONLN));
  int status, broken = 0;
  workers = workers < 1 ? 1 : workers > MOST_WORKERS ? MOST_WORKERS : workers;
  fflush(NULL);
  for (worker = 0; worker < workers; worker++) {
    pid_t child = fork();
    if (child == 0) {
      exit(work(jobs, count, wanted));
    }
    broken += child < 0;
  }
  while (wait(&status) > 0) {
    broken += status != 0;
  }
  return broken;
}

/* One line for each scenario and kind of job. */
static void print_group(const struct job *jobs, size_t count, enum job_kind kind, const struct scenario *scenario)
{
  static const char *const kinds[] = {"kill everywhere", "fail everywhere", "fail for good", "kill after a failure"};
  long variants = 0, kills = 0, injected = 0, failed = 0;
  size_t i;
  for (i = 0; i < count; i++) {
    if (results[i].done && jobs[i].kind == kind && jobs[i].scenario == scenario) {
      variants++;
      failed += results[i].failures > 0;
      kills += results[i].kills;
      injected += results[i].injected;
    }
  }
  if (variants > 0) {
    printf("%s %s: %s: %ld %s, %ld %s\n", failed == 0 ? "ok  " : "FAIL", kinds[kind], scenario->name, variants,
           kind == FAIL ? "variants and errnos" : "variants", kind == FAIL || kind == FAIL_FOR_GOOD ? injected : kills,
           kind == FAIL || kind == FAIL_FOR_GOOD ? "injected failures" : "kill runs");
  }
}

static int print_figures(const struct job *jobs, size_t count, int broken, bool all)
{
  long kills = 0, injected = 0, passed = 0, failed = broken;
  size_t i;
  int kind;
  for (kind = KILL; kind <= KILL_AFTER_FAILURE; kind++) {
    for (i = 0; i < scenario_count; i++) {
      print_group(jobs, count, (enum job_kind)kind, &scenarios[i]);
    }
  }
  for (i = 0; i < count; i++) {
    kills += results[i].kills;
    injected += results[i].injected;
    passed += results[i].done && results[i].failures == 0;
    failed += results[i].failures > 0;
  }
  if (broken > 0) {
    printf("FAIL %d worker processes did not come to their end\n", broken);
  }
  if (all && kills < wanted_kills) {
    printf("FAIL %ld kill runs were wanted, and there are no more than %ld\n", wanted_kills, kills);
    failed++;
  }
  printf("kill runs: %ld, injected failures: %ld\n%ld passed, %ld failed\n", kills, injected, passed, failed);
  return failed == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
  const char *wanted = argc > 1 ? argv[1] : NULL;
  size_t count;
  struct job *jobs;
  int status;
  setvbuf(stdout, NULL, _IOLBF, 0);
  wanted_kills = number_from("CRTX_KILLS", WANTED_KILLS);
  report = share(sizeof *report);
  if (!may_trace()) {
    printf("skip: ptrace is not permitted here, so nothing was killed and no system call failed\n"
           "0 passed, 0 failed\n");
    return 0;
  }
  jobs = all_jobs(&count);
  shared = share(sizeof *shared);
  results = share(sizeof *results * (count + 1));
  status = print_figures(jobs, count, start_workers(jobs, count, wanted), wanted == NULL);
  free(jobs);
  return status;
}
