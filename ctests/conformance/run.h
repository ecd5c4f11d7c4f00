/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* One case while it runs: its variables, its locks, its child process, and what the last step gave. */
#ifndef CRTX_CONFORMANCE_RUN_H
#define CRTX_CONFORMANCE_RUN_H

#include "table.h"

#include <crtx.h>
#include <stdio.h>
#include <sys/types.h>

struct named_lock {
  struct text name;
  crtx_lock lock;
  struct named_lock *next;
};

struct run {
  const struct table *table;
  const struct step *step;
  const char *verb; /* the step's, or the one that "forked" does */
  struct variable *variables;
  struct named_lock *locks;
  pid_t child; /* 0: none */
  int child_input, child_output;
  struct text status; /* of the last step; empty if it has none */
  struct pairs results;
  FILE *transcript;
};

/* Ends the case as failed. */
void stop_case(const struct run *run, const char *format, ...) __attribute__((noreturn, format(printf, 2, 3)));

/* The step's arguments, or else the verb's defaults, expanded. */
bool argument_given(const struct run *run, const char *name, struct text *value);
struct text argument(const struct run *run, const char *name);
long long number_argument(const struct run *run, const char *name);
struct text bytes_argument(const struct run *run, const char *name); /* from hex */

void add_result(struct run *run, const char *name, struct text value);

/* Calls of the library. False if the verb is none of them. */
bool run_call(struct run *run);
void release_all_locks(struct run *run);
crtx_lock_options options_of(const struct run *run);

/* What the runner does itself. False if the verb is none of that. */
bool run_neutral(struct run *run);

/* Another process that holds a lock, and a forked one that makes a call. */
bool run_process(struct run *run);
void end_child(struct run *run);
/* The child's side: the arguments are the words of the step. */
int be_a_holder(char **words);

#endif
