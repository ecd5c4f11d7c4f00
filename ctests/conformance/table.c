/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "table.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is left of a line, and where it stands. */
struct line {
  const char *at, *end;
  const char *place;
};

static void refuse(const struct line *line, const char *why) __attribute__((noreturn));
static void refuse(const struct line *line, const char *why)
{
  fprintf(stderr, "%s: %s\n", line->place, why);
  exit(2);
}

static void skip_blanks(struct line *line)
{
  while (line->at < line->end && *line->at == ' ') {
    line->at++;
  }
}

/* A run of letters, digits, dots, dashes and underscores. */
static const char *take_name(struct line *line)
{
  const char *start = line->at;
  while (line->at < line->end && (isalnum((unsigned char)*line->at) || strchr("._-", *line->at) != NULL)) {
    line->at++;
  }
  if (line->at == start) {
    refuse(line, "a name is missing");
  }
  return text_of(start, (size_t)(line->at - start)).bytes;
}

static struct text take_text(struct line *line, const char *end)
{
  struct text text;
  if (!text_unescaped(line->at, (size_t)(end - line->at), &text)) {
    refuse(line, "an escape is not known");
  }
  line->at = end;
  return text;
}

/* Up to the next blank, or in quotes. */
static struct text take_value(struct line *line)
{
  const char *end = line->at;
  struct text value;
  if (end == line->end || *end != '"') {
    while (end < line->end && *end != ' ') {
      end++;
    }
    return take_text(line, end);
  }
  end = ++line->at;
  while (end < line->end && *end != '"') {
    end += *end == '\\' ? 2 : 1;
  }
  if (end >= line->end) {
    refuse(line, "a quote is not closed");
  }
  value = take_text(line, end);
  line->at = end + 1;
  return value;
}

/* The rest of the line as it stands, after one blank. */
static struct text take_rest(struct line *line)
{
  if (line->at < line->end) {
    line->at++;
  }
  return take_text(line, line->end);
}

static void add_pair(struct line *line, struct pairs *pairs, const char *name, char relation, struct text value)
{
  struct pair *pair = &pairs->all[pairs->count++];
  if (pairs->count > MOST_WORDS) {
    refuse(line, "there are too many words");
  }
  pair->name = name;
  pair->relation = relation;
  pair->value = value;
}

static void take_pair(struct line *line, struct pairs *pairs)
{
  const char *name = take_name(line);
  char relation = line->at < line->end ? *line->at : '\0';
  if (relation != '=' && relation != '~') {
    refuse(line, "a word is not NAME=VALUE");
  }
  line->at++;
  add_pair(line, pairs, name, relation, take_value(line));
}

static void take_pairs(struct line *line, struct pairs *pairs)
{
  for (skip_blanks(line); line->at < line->end; skip_blanks(line)) {
    take_pair(line, pairs);
  }
}

/* ---- lines ---- */

static struct block *begin_block(struct table *table, struct line *line, bool is_case)
{
  struct block *block = allocate(sizeof *block);
  skip_blanks(line);
  block->name = take_name(line);
  block->is_case = is_case;
  if (table->first == NULL) {
    table->first = block;
  } else {
    table->last->next = block;
  }
  table->last = block;
  return block;
}

static struct step *begin_step(struct block *block, const struct line *line, const char *verb)
{
  struct step *step = allocate(sizeof *step);
  if (block == NULL) {
    refuse(line, "a step belongs to a case");
  }
  step->verb = verb;
  step->place = line->place;
  if (block->first == NULL) {
    block->first = step;
  } else {
    block->last->next = step;
  }
  block->last = step;
  return step;
}

static void take_let(struct table *table, struct block *block, struct line *line)
{
  const char *name;
  skip_blanks(line);
  name = take_name(line);
  if (block == NULL) {
    set_variable(&table->variables, name, take_rest(line), false);
  } else {
    add_pair(line, &begin_step(block, line, "let")->arguments, name, '=', take_rest(line));
  }
}

static void take_defaults(struct table *table, struct line *line)
{
  struct defaults *defaults = allocate(sizeof *defaults);
  skip_blanks(line);
  defaults->verb = take_name(line);
  take_pairs(line, &defaults->arguments);
  defaults->next = table->defaults;
  table->defaults = defaults;
}

static void take_expectation(struct block *block, struct line *line)
{
  struct step *step = block == NULL ? NULL : block->last;
  if (step == NULL) {
    refuse(line, "an expectation belongs to a step");
  }
  skip_blanks(line);
  if (strncmp(line->at, "CRTX_", 5) == 0 || strncmp(line->at, "${", 2) == 0) {
    step->expected_status = take_value(line);
  }
  take_pairs(line, &step->expected);
}

static struct block *take_line(struct table *table, struct block *block, struct line *line)
{
  const char *word;
  skip_blanks(line);
  if (line->at == line->end || *line->at == '#') {
    return block;
  }
  if (*line->at == '=') {
    line->at++;
    take_expectation(block, line);
    return block;
  }
  word = take_name(line);
  if (strcmp(word, "case") == 0 || strcmp(word, "steps") == 0) {
    return begin_block(table, line, word[0] == 'c');
  }
  if (strcmp(word, "let") == 0) {
    take_let(table, block, line);
  } else if (strcmp(word, "do") == 0) {
    skip_blanks(line);
    add_pair(line, &begin_step(block, line, "do")->arguments, "steps", '=', take_value(line));
  } else if (strcmp(word, "unless") == 0 && block != NULL) {
    block->unless = take_rest(line).bytes;
  } else if (strcmp(word, "needs") == 0 && block != NULL) {
    block->needs = take_rest(line).bytes;
  } else if (strcmp(word, "default") == 0 && block == NULL) {
    take_defaults(table, line);
  } else if (strcmp(word, "exempt") != 0) { /* which the runner in Rust looks after */
    take_pairs(line, &begin_step(block, line, word)->arguments);
  }
  return block;
}

void read_table_file(struct table *table, const char *path)
{
  struct text text;
  struct block *block = NULL;
  const char *start, *end;
  const char *name = strrchr(path, '/') == NULL ? path : strrchr(path, '/') + 1;
  int number = 0;
  if (!text_of_file(path, &text)) {
    perror(path);
    exit(2);
  }
  for (start = text.bytes; (end = strchr(start, '\n')) != NULL; start = end + 1) {
    struct line line;
    line.at = start;
    line.end = end;
    line.place = text_printed("%s:%d", name, ++number).bytes;
    block = take_line(table, block, &line);
  }
}

const struct block *find_steps(const struct table *table, struct text name)
{
  const struct block *block = table->first;
  while (block != NULL && (block->is_case || !text_is(name, block->name))) {
    block = block->next;
  }
  return block;
}

const struct pair *find_pair(const struct pairs *pairs, const char *name)
{
  size_t i;
  for (i = 0; i < pairs->count; i++) {
    if (strcmp(pairs->all[i].name, name) == 0) {
      return &pairs->all[i];
    }
  }
  return NULL;
}

const struct pairs *find_defaults(const struct table *table, const char *verb)
{
  const struct defaults *defaults = table->defaults;
  while (defaults != NULL && strcmp(defaults->verb, verb) != 0) {
    defaults = defaults->next;
  }
  return defaults == NULL ? NULL : &defaults->arguments;
}
