/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Bytes with a length, the escapes in which the table and the transcript write them, and variables.
 * Memory is not given back: a run is short, and then the process ends. */
#ifndef CRTX_CONFORMANCE_TEXT_H
#define CRTX_CONFORMANCE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A NUL follows the bytes, which may contain others. */
struct text {
  char *bytes;
  size_t length;
};

struct text text_of(const char *bytes, size_t length);
struct text text_from(const char *terminated);
struct text text_printed(const char *format, ...) __attribute__((format(printf, 1, 2)));
struct text text_repeated(struct text text, size_t times);
bool text_is(struct text text, const char *terminated);
bool text_equals(struct text a, struct text b);
bool text_contains(struct text text, struct text part);

/* \n \t \\ \" \xHH. False for any other escape. */
bool text_unescaped(const char *start, size_t length, struct text *out);
/* Plain ASCII stays; the rest is written with the same escapes, but for the quote, which stays too. */
struct text text_escaped(struct text text);
struct text text_to_hex(struct text text);
bool text_from_hex(struct text hex, struct text *out);
/* The whole file; false and errno if it cannot be read. */
bool text_of_file(const char *path, struct text *out);

/* A variable's text is either literal, or expanded again at each use. */
struct variable {
  const char *name;
  struct text value;
  bool literal;
  struct variable *next;
};

/* The newest one of a name counts. */
void set_variable(struct variable **variables, const char *name, struct text value, bool literal);
/* Replaces each ${NAME}. False, with the name in *unknown, if there is no such variable. */
bool text_expanded(const struct variable *variables, struct text text, struct text *out, const char **unknown);

void *allocate(size_t size);

#endif
