/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The table of cases as it is written: README.md has its form. */
#ifndef CRTX_CONFORMANCE_TABLE_H
#define CRTX_CONFORMANCE_TABLE_H

#include "text.h"

enum { MOST_WORDS = 24 };

/* NAME=VALUE, or in an expectation also NAME~VALUE. */
struct pair {
  const char *name;
  char relation;
  struct text value;
};

struct pairs {
  struct pair all[MOST_WORDS];
  size_t count;
};

struct step {
  const char *verb; /* or "let", or "do" */
  const char *place; /* FILE:LINE */
  struct pairs arguments; /* of "let" and "do" only the one pair, NAME=TEXT */
  struct text expected_status; /* empty: success */
  struct pairs expected;
  struct step *next;
};

/* A case, or steps that several cases do. */
struct block {
  const char *name;
  bool is_case;
  const char *unless; /* the languages that cannot do it, or NULL */
  const char *needs;  /* "network" or NULL */
  struct step *first, *last;
  struct block *next;
};

struct defaults {
  const char *verb;
  struct pairs arguments;
  struct defaults *next;
};

struct table {
  struct block *first, *last;
  struct defaults *defaults;
  struct variable *variables;
};

/* Ends the process with a message if a file cannot be read or is not well-formed. */
void read_table_file(struct table *table, const char *path);
const struct block *find_steps(const struct table *table, struct text name);
const struct pair *find_pair(const struct pairs *pairs, const char *name);
/* The defaults of a verb, or NULL. */
const struct pairs *find_defaults(const struct table *table, const char *verb);

#endif
