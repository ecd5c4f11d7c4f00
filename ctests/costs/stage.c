/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The scratch directory of a call, and who else is there. */
#include "costs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

void die(const char *what)
{
  fprintf(stderr, "costs: %s: %s\n", what, strerror(errno));
  exit(2);
}

void open_stage(struct stage *stage, const char *parent)
{
  const crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  const crtx_marker marker = CRTX_MARKER_INIT;
  const crtx_error error = CRTX_ERROR_INIT;
  const crtx_signed_document document = CRTX_SIGNED_DOCUMENT_INIT;
  const crtx_intent_expectation expectation = CRTX_INTENT_EXPECTATION_INIT;
  memset(stage, 0, sizeof *stage);
  snprintf(stage->directory, sizeof stage->directory, "%s/crtx-costs-XXXXXX", parent);
  if (mkdtemp(stage->directory) == NULL) {
    die(stage->directory);
  }
  snprintf(stage->marker, sizeof stage->marker, "%s/store.restore", stage->directory);
  stage->options = options;
  stage->options.deployment_id = "deployment:costs";
  stage->options.operator_principal_id = "operator:costs";
  stage->options.restore_intent_blake3 = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
  stage->found = marker;
  stage->error = error;
  stage->document = document;
  stage->expectation = expectation;
  stage->holder = -1;
}

void close_stage(struct stage *stage)
{
  DIR *directory = opendir(stage->directory);
  struct dirent *entry;
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    unlinkat(dirfd(directory), entry->d_name, 0);
  }
  if (directory != NULL) {
    closedir(directory);
  }
  rmdir(stage->directory);
}

void warm_up(struct stage *stage)
{
  int i;
  for (i = 0; i < 3; i++) {
    if (crtx_lock_acquire(stage->marker, &stage->options, &stage->lock, &stage->error) != CRTX_OK ||
        crtx_lock_check(stage->lock, &stage->error) != CRTX_OK ||
        crtx_lock_release(stage->lock, &stage->error) != CRTX_OK) {
      fprintf(stderr, "costs: %s\n", stage->error.message);
      exit(2);
    }
  }
}

/* Three descriptors a lock, and some for everything else. */
enum { DESCRIPTORS = 3, OTHER_DESCRIPTORS = 200 };

/* Root may go beyond the hard limit. */
static void raise_the_limit(rlim_t files)
{
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_max < files) {
    limit.rlim_max = files;
    setrlimit(RLIMIT_NOFILE, &limit); /* locks_that_fit sees whether it could */
  }
}

unsigned locks_that_fit(unsigned wanted)
{
  struct rlimit limit;
  rlim_t most;
  raise_the_limit((rlim_t)wanted * DESCRIPTORS + OTHER_DESCRIPTORS);
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    die("getrlimit");
  }
  most = (limit.rlim_max - OTHER_DESCRIPTORS) / DESCRIPTORS;
  return most < wanted ? (unsigned)most : wanted;
}

void hold_others(const struct stage *stage, unsigned count)
{
  static unsigned held;
  struct rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) {
    die("getrlimit");
  }
  if (limit.rlim_cur < (rlim_t)count * DESCRIPTORS + OTHER_DESCRIPTORS) {
    limit.rlim_cur = (rlim_t)count * DESCRIPTORS + OTHER_DESCRIPTORS;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      die("more open files (RLIMIT_NOFILE)");
    }
  }
  for (; held < count; held++) {
    crtx_lock_options options = stage->options;
    crtx_error error = CRTX_ERROR_INIT;
    crtx_lock lock;
    char marker[340];
    snprintf(marker, sizeof marker, "%s.other-%u", stage->marker, held);
    options.durability = CRTX_DURABILITY_PROCESS_CRASH;
    if (crtx_lock_acquire(marker, &options, &lock, &error) != CRTX_OK) {
      fprintf(stderr, "costs: lock %u of %u: %s\n", held, count, error.message);
      exit(2);
    }
  }
}
