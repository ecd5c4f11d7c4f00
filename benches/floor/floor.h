/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The floors: the system calls of each operation of the library, in its order, with nothing around
 * them. Each function returns 0 or an errno. What docs/protocol.md does not need is left out:
 * nothing is asked twice, and the process id never. A call more than the library makes would flatter
 * it: ctests/costs/floors.c compares.
 */
#ifndef CRTX_BENCH_FLOOR_H
#define CRTX_BENCH_FLOOR_H

#include <stddef.h>

/* The names are in `directory`; `text` is what a marker holds. */
struct floor_site {
  const char *directory;
  const char *marker;
  const char *companion;
  const char *fresh;
  const char *text;
  size_t length;
};

struct floor_lock {
  int directory;
  int companion;
  int marker;
};

/* The evidence of a quarantine: three names, a document, its signature of 64 bytes. */
struct floor_evidence {
  const char *stale;
  const char *document_name;
  const char *signature_name;
  const char *document;
  size_t length;
  const char *signature;
};

int floor_acquire(const struct floor_site *site, struct floor_lock *lock, int durable);
int floor_release(const struct floor_site *site, struct floor_lock *lock, int durable);
int floor_check(const struct floor_site *site, const struct floor_lock *lock);

/* What is looked at in a cycle of acquire and release, to see what each look costs. */
enum floor_looks {
  LOOK_AT_NOTHING = 0,
  LOOK_AT_DIRECTORY = 1,    /* owner and mode */
  LOOK_AT_FILESYSTEM = 2,   /* that it is no network filesystem */
  LOOK_AT_COMPANION = 4,    /* a regular file of ours, still at its path once it is locked */
  LOOK_FOR_MARKER = 8,
  LOOK_AT_FRESH_MARKER = 16, /* the same as for the companion; and at its own path after the rename */
  LOOK_BEFORE_RELEASE = 32  /* that marker and companion are still ours */
};

/* Acquire and release, crash-only, with no looks but these. */
int floor_cycle_with(const struct floor_site *site, int looks);

int floor_refused_by_a_holder(const struct floor_site *site);
int floor_refused_by_a_stale_marker(const struct floor_site *site);
int floor_inspect(const struct floor_site *site);

int floor_quarantine(const struct floor_site *site, const struct floor_evidence *evidence);
int floor_takeover(const struct floor_site *site, const struct floor_evidence *evidence,
                   struct floor_lock *lock);

/* The reference implementation's protocol (cortex 0.1.2), written plainly. */
int reference_acquire(const struct floor_site *site, struct floor_lock *lock, int durable);
int reference_release(const struct floor_site *site, struct floor_lock *lock);

/* What a PostgreSQL server does for its postmaster.pid (site->marker), and at its end. */
int postmaster_acquire(const struct floor_site *site);
int postmaster_release(const struct floor_site *site);

/* The unit of durability: one block written and synced. */
int floor_block_open(const char *path, int *file);
int floor_block_sync(int file);

/* Gets what others have left to write out of the way of a measured sync. */
int floor_settle(const char *directory);

#endif
