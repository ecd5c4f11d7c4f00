/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Which jobs there are. Always: each scenario with either durability and with and without an
 * exclusive rename, killed and failed in every way; and each other peculiarity of a variant alone.
 * Then, while more kill runs are wanted: all peculiarities together, in a scattered order. */
#include "faults.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_JOBS = 24000 };

static const int failures[] = {EIO, ENOSPC, EACCES, EMFILE, EINTR, ENOLCK, EEXIST, EXDEV, SHORT_TRANSFER};

static struct job *jobs;
static size_t job_count;

static bool is_possible(const struct scenario *scenario, const struct variant *variant)
{
  bool stale = scenario->beginning == FROM_STALE;
  if (!stale && (variant->old_marker != USUAL || variant->taken != NOTHING_TAKEN)) {
    return false;
  }
  if (variant->old_marker == TWO_NAMES && variant->leftover != NO_LEFTOVER) {
    return false; /* PATH.new is its second name */
  }
  if (scenario->beginning == FROM_HELD && (variant->leftover != NO_LEFTOVER || variant->companion != NO_COMPANION)) {
    return false; /* the live holder has removed the one and has the other */
  }
  /* Only root can make a directory somebody else's, or act for its owner. */
  return variant->caller != FOREIGN_DIRECTORY || (geteuid() == 0 && scenario->beginning != FROM_HELD);
}

static bool is_known(const struct job *job)
{
  size_t i;
  for (i = 0; i < job_count && !jobs[i].optional; i++) {
    if (jobs[i].kind == job->kind && jobs[i].scenario == job->scenario && jobs[i].fail_errno == job->fail_errno &&
        memcmp(&jobs[i].variant, &job->variant, sizeof job->variant) == 0) {
      return true;
    }
  }
  return false;
}

static void add(enum job_kind kind, const struct scenario *scenario, const struct variant *variant, int fail_errno,
                bool optional)
{
  struct job job;
  memset(&job, 0, sizeof job);
  job.kind = kind;
  job.scenario = scenario;
  job.variant = *variant;
  job.fail_errno = fail_errno;
  job.optional = optional;
  if (job_count < MOST_JOBS && is_possible(scenario, variant) && !is_known(&job)) {
    jobs[job_count++] = job;
  }
}

static void add_in_every_way(const struct scenario *scenario, const struct variant *variant)
{
  bool mixed = (variant->durability == CRTX_DURABILITY_FULL) == (variant->rename_errno != 0);
  size_t i;
  add(KILL, scenario, variant, 0, false);
  /* The ways back from a failure are those of two variants: with sync and rename, without both. */
  if (!mixed && scenario->beginning != FROM_HELD) {
    add(KILL_AFTER_FAILURE, scenario, variant, EIO, false);
    add(KILL_AFTER_FAILURE, scenario, variant, EEXIST, false);
  }
  add(FAIL_FOR_GOOD, scenario, variant, EIO, false);
  for (i = 0; i < sizeof failures / sizeof failures[0]; i++) {
    add(FAIL, scenario, variant, failures[i], false);
  }
}

static struct variant plain_variant(unsigned number)
{
  struct variant variant;
  memset(&variant, 0, sizeof variant);
  variant.durability = number % 2 == 0 ? CRTX_DURABILITY_FULL : CRTX_DURABILITY_PROCESS_CRASH;
  variant.rename_errno = number / 2 % 2 == 0 ? 0 : EINVAL;
  return variant;
}

static void add_peculiar(const struct scenario *scenario, const struct variant *variant)
{
  add(KILL, scenario, variant, 0, false);
  add(FAIL, scenario, variant, EIO, false);
  add(FAIL, scenario, variant, EINTR, false);
}

/* Each peculiarity alone. */
static void add_peculiarities(const struct scenario *scenario)
{
  int value;
  for (value = 1; value < LEFTOVERS; value++) {
    struct variant variant = plain_variant(0);
    variant.leftover = (enum leftover)value;
    add_peculiar(scenario, &variant);
  }
  for (value = 1; value < COMPANIONS; value++) {
    struct variant variant = plain_variant(0);
    variant.companion = (enum companion)value;
    add_peculiar(scenario, &variant);
  }
  for (value = 1; value < OLD_MARKERS; value++) {
    struct variant variant = plain_variant(0);
    variant.old_marker = (enum old_marker)value;
    add_peculiar(scenario, &variant);
  }
  for (value = 1; value < TAKEN_SETS; value++) {
    struct variant variant = plain_variant(0);
    variant.taken = (enum taken)value;
    add_peculiar(scenario, &variant);
  }
  for (value = 1; value < CALLERS; value++) {
    struct variant variant = plain_variant(0);
    variant.caller = (enum caller)value;
    add_peculiar(scenario, &variant);
  }
}

/* Takes the next digit of a mixed-radix number. */
static int digit(size_t *number, int radix)
{
  int value = (int)(*number % (size_t)radix);
  *number /= (size_t)radix;
  return value;
}

static void add_combination(size_t number)
{
  struct variant variant = plain_variant((unsigned)digit(&number, 4));
  const struct scenario *scenario = &scenarios[digit(&number, (int)scenario_count)];
  variant.leftover = (enum leftover)digit(&number, LEFTOVERS);
  variant.companion = (enum companion)digit(&number, COMPANIONS);
  variant.old_marker = (enum old_marker)digit(&number, OLD_MARKERS);
  variant.taken = (enum taken)digit(&number, TAKEN_SETS);
  variant.caller = (enum caller)digit(&number, CALLERS);
  add(KILL, scenario, &variant, 0, true);
}

struct job *all_jobs(size_t *count)
{
  /* A stride that has no divisor in common with the number of combinations visits each once. */
  const size_t stride = 12289;
  size_t combinations = 4 * scenario_count * LEFTOVERS * COMPANIONS * OLD_MARKERS * TAKEN_SETS * CALLERS;
  size_t i;
  unsigned number;
  jobs = calloc(MOST_JOBS, sizeof *jobs);
  job_count = 0;
  for (i = 0; jobs != NULL && i < scenario_count; i++) {
    /* Who is refused by a live holder syncs and renames nothing. */
    for (number = 0; number < (scenarios[i].beginning == FROM_HELD ? 1 : 4); number++) {
      struct variant variant = plain_variant(number);
      add_in_every_way(&scenarios[i], &variant);
    }
    add_peculiarities(&scenarios[i]);
  }
  for (i = 0; jobs != NULL && i < combinations; i++) {
    add_combination(i * stride % combinations);
  }
  *count = job_count;
  return jobs;
}
