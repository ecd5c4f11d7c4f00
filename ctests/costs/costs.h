/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What one call of the library costs: system calls, flushes, allocations, instructions. */
#ifndef CRTX_COSTS_H
#define CRTX_COSTS_H

#include <crtx.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { MAX_CALLS = 400 };

/* Where a call happens, and what it is called with. */
struct stage {
  char directory[256];
  char marker[300];
  crtx_lock lock;
  crtx_lock_options options;
  crtx_signed_document document; /* an attestation, or an intent; points into this struct */
  crtx_intent_expectation expectation;
  uint8_t payload[2048], signature[64], seed[32], key[32];
  char text[4096], stale[512];
  size_t needed;
  crtx_marker found;
  crtx_error error;
  int holder;                    /* another process holds the lock until this is closed */
  bool waits;                    /* acquire waits for a third of a second */
};

struct operation {
  const char *name;
  void (*prepare)(struct stage *stage);
  crtx_status (*call)(struct stage *stage);
  crtx_status answer;
  bool is_first;   /* the first call in its process: nothing was warmed up */
  unsigned others; /* how many other locks the process holds */
};

extern const struct operation operations[];
extern const size_t operation_count;

/* What a call came to. In memory that the child and its tracer share. */
struct cost {
  long calls[MAX_CALLS];
  int call_count;
  long allocations;
  int threads;
  crtx_status status;
  bool finished;
};

/* A fresh scratch directory with a marker path in it. */
void open_stage(struct stage *stage, const char *parent);
void close_stage(struct stage *stage);
/* Acquires and releases, so that the next call finds everything set up that is set up once. */
void warm_up(struct stage *stage);
/* How many locks a process may hold here, at most as many as are wanted. */
unsigned locks_that_fit(unsigned wanted);
/* Holds so many other locks until the process ends. */
void hold_others(const struct stage *stage, unsigned count);

/* The call in a child under ptrace. False, with a message on stderr, if it could not be measured. */
bool measure(const struct operation *operation, struct stage *stage, struct cost *cost);

/* The call in this process, under callgrind. False if it answered otherwise than it should. */
bool count_instructions(const struct operation *operation, struct stage *stage);

/* How often this process asked the allocator for memory. */
long allocation_count(void);

/* A name for each system call that the library is known to make; else "call-NUMBER". */
const char *call_name(long number);
bool is_flush(long number);

void die(const char *what) __attribute__((noreturn));

#endif
