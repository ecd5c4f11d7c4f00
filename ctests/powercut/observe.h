/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a process finds after the power came back. */
#ifndef CRTX_POWERCUT_OBSERVE_H
#define CRTX_POWERCUT_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>

enum { MOST_FILES = 64, MOST_FILE_BYTES = 4096 };

struct found_file {
  char name[256];
  size_t size;
  char *bytes;
};

struct observation {
  bool mounted;
  size_t count;
  struct found_file files[MOST_FILES];
  char stuck[256]; /* why the lock could not be used from there on; empty: it could */
};

/* Reads the directory, then takes the lock there, over a stale marker if there is one. */
void observe(struct observation *observation, const char *directory);
const struct found_file *find_file(const struct observation *observation, const char *name);

#endif
