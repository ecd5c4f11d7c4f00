/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs the conformance cases through the C library: README.md has the table's form.
 *
 *   runner [--transcript FILE] [--only TEXT] TABLE-FILE...
 *
 * CRTX_CONFORMANCE_FIXTURES  the reference implementation's files (as compiled in)
 * CRTX_CONFORMANCE_NETWORK   a directory on a network filesystem, for the cases that need one
 */
#include "run.h"

#include <errno.h>
#include <ftw.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef CRTX_FIXTURES
#define CRTX_FIXTURES "../../tests/fixtures/cortex-0.1.2"
#endif

enum { MOST_SECONDS = 60 }; /* for a case; a runner that is killed then has no closing line */

static jmp_buf case_end;
static int passed, failed, skipped;
static bool case_failed;

/* ---- verdicts ---- */

static void complain(const struct run *run, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void complain(const struct run *run, const char *format, ...)
{
  va_list arguments;
  case_failed = true;
  printf("%s: ", run->step != NULL ? run->step->place : "?");
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  printf("\n");
}

void stop_case(const struct run *run, const char *format, ...)
{
  char text[4096];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  complain(run, "%s", text);
  longjmp(case_end, 1);
}

/* ---- arguments and results ---- */

static struct text expanded(const struct run *run, struct text text)
{
  struct text whole;
  const char *unknown = NULL;
  if (!text_expanded(run->variables, text, &whole, &unknown)) {
    stop_case(run, "there is no ${%s}", unknown);
  }
  return whole;
}

bool argument_given(const struct run *run, const char *name, struct text *value)
{
  const struct pairs *defaults = find_defaults(run->table, run->verb);
  const struct pair *pair = find_pair(&run->step->arguments, name);
  if (pair == NULL && defaults != NULL) {
    pair = find_pair(defaults, name);
  }
  if (pair == NULL) {
    return false;
  }
  *value = expanded(run, pair->value);
  return true;
}

struct text argument(const struct run *run, const char *name)
{
  struct text value;
  if (!argument_given(run, name, &value)) {
    stop_case(run, "%s has no %s", run->verb, name);
  }
  return value;
}

long long number_argument(const struct run *run, const char *name)
{
  struct text value;
  return argument_given(run, name, &value) ? strtoll(value.bytes, NULL, 10) : 0;
}

struct text bytes_argument(const struct run *run, const char *name)
{
  struct text bytes;
  if (!text_from_hex(argument(run, name), &bytes)) {
    stop_case(run, "%s is not hex", name);
  }
  return bytes;
}

void add_result(struct run *run, const char *name, struct text value)
{
  struct pair *pair = &run->results.all[run->results.count];
  if (run->results.count == MOST_WORDS) {
    stop_case(run, "there are too many results");
  }
  run->results.count++;
  pair->name = name;
  pair->value = value;
}

/* ---- a step ---- */

static void check_expected(const struct run *run, const struct pair *expected)
{
  bool is_path = strcmp(expected->name, "names") == 0;
  const struct pair *found = find_pair(&run->results, is_path ? "message" : expected->name);
  struct text value = expanded(run, expected->value);
  bool holds;
  if (found == NULL) {
    complain(run, "there is no %s", expected->name);
    return;
  }
  if (is_path) {
    holds = text_contains(found->value, text_printed("\"%s\"", value.bytes));
  } else {
    holds = expected->relation == '~' ? text_contains(found->value, value) : text_equals(found->value, value);
  }
  if (!holds) {
    complain(run, "%s\n  expected %c %s\n  is         %s", expected->name, is_path ? '~' : expected->relation,
             text_escaped(value).bytes, text_escaped(found->value).bytes);
  }
}

static void check_step(const struct run *run)
{
  const struct step *step = run->step;
  struct text wanted = step->expected_status.length > 0 ? expanded(run, step->expected_status) : text_from("CRTX_OK");
  size_t i;
  if (run->status.length > 0 && !text_equals(run->status, wanted)) {
    const struct pair *message = find_pair(&run->results, "message");
    complain(run, "%s answered %s, not %s%s%s", run->verb, run->status.bytes, wanted.bytes,
             message != NULL ? ": " : "", message != NULL ? message->value.bytes : "");
    return;
  }
  for (i = 0; i < step->expected.count; i++) {
    check_expected(run, &step->expected.all[i]);
  }
}

static int name_order(const void *a, const void *b)
{
  return strcmp(((const struct pair *)a)->name, ((const struct pair *)b)->name);
}

static void write_step(struct run *run)
{
  size_t i;
  if (run->status.length == 0 && run->results.count == 0) {
    return;
  }
  qsort(run->results.all, run->results.count, sizeof run->results.all[0], name_order);
  fprintf(run->transcript, "step %s %s\n", run->verb, run->status.length > 0 ? run->status.bytes : "-");
  for (i = 0; i < run->results.count; i++) {
    const struct pair *result = &run->results.all[i];
    fprintf(run->transcript, "  %s %s\n", result->name, text_escaped(result->value).bytes);
  }
}

static void save_results(struct run *run)
{
  struct text name;
  size_t i;
  if (find_pair(&run->step->arguments, "save") == NULL) {
    return;
  }
  name = argument(run, "save");
  for (i = 0; i < run->results.count; i++) {
    const struct pair *result = &run->results.all[i];
    set_variable(&run->variables, text_printed("%s.%s", name.bytes, result->name).bytes, result->value, true);
  }
}

static void run_steps(struct run *run, const struct step *steps);

static void run_step(struct run *run, const struct step *step)
{
  const struct pair *first = &step->arguments.all[0];
  run->step = step;
  run->verb = step->verb;
  run->status = text_from("");
  run->results.count = 0;
  if (strcmp(step->verb, "let") == 0) {
    set_variable(&run->variables, first->name, first->value, false);
    return;
  }
  if (strcmp(step->verb, "do") == 0) {
    const struct block *block = find_steps(run->table, first->value);
    if (block == NULL) {
      stop_case(run, "there are no steps %s", first->value.bytes);
    }
    run_steps(run, block->first);
    return;
  }
  if (!run_call(run) && !run_neutral(run) && !run_process(run)) {
    stop_case(run, "the verb %s is not known", step->verb);
  }
  write_step(run);
  save_results(run);
  check_step(run);
}

static void run_steps(struct run *run, const struct step *steps)
{
  for (; steps != NULL; steps = steps->next) {
    run_step(run, steps);
  }
}

/* ---- a case ---- */

static const char *make_directory(void)
{
  const char *base = getenv("TMPDIR");
  char *path = text_printed("%s/crtx-conformance-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp").bytes;
  if (mkdtemp(path) == NULL || (path = realpath(path, NULL)) == NULL || chdir(path) != 0) {
    perror(path);
    exit(2);
  }
  return path;
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *walk)
{
  (void)info, (void)kind, (void)walk;
  return remove(path);
}

static void set_surroundings(struct run *run, const char *directory)
{
  const char *fixtures = getenv("CRTX_CONFORMANCE_FIXTURES"), *network = getenv("CRTX_CONFORMANCE_NETWORK");
  set_variable(&run->variables, "dir", text_from(directory), true);
  set_variable(&run->variables, "self", text_printed("%d", (int)getpid()), true);
  set_variable(&run->variables, "fixtures", text_from(fixtures != NULL ? fixtures : CRTX_FIXTURES), true);
  set_variable(&run->variables, "network", text_from(network != NULL ? network : ""), true);
  fprintf(run->transcript, "dir %s\nself %d\n", directory, (int)getpid());
  fflush(run->transcript); /* whoever finds a dead runner sees the case */
}

static void attempt(struct run *run, const struct step *steps)
{
  if (setjmp(case_end) == 0) {
    run_steps(run, steps);
  }
}

static void run_case(const struct table *table, const struct block *block, FILE *transcript)
{
  static struct run run;
  const char *directory = make_directory();
  memset(&run, 0, sizeof run);
  run.table = table;
  run.variables = table->variables;
  run.transcript = transcript;
  case_failed = false;
  alarm(MOST_SECONDS);
  fprintf(transcript, "case %s\n", block->name);
  set_surroundings(&run, directory);
  attempt(&run, block->first);
  end_child(&run);
  release_all_locks(&run);
  if (chdir("/") != 0 || nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0) {
    complain(&run, "%s cannot be removed", directory);
  }
  if (case_failed) {
    printf("FAIL %s\n", block->name);
  }
  passed += !case_failed;
  failed += case_failed;
}

/* "unless c go: REASON" */
static bool excludes(const char *unless, const char *language)
{
  size_t list = strcspn(unless, ":");
  struct text words = text_printed(" %.*s ", (int)list, unless);
  return text_contains(words, text_printed(" %s ", language));
}

static bool can_run(const struct block *block)
{
  if (block->unless != NULL && excludes(block->unless, "c")) {
    return false;
  }
  if (block->needs != NULL && getenv("CRTX_CONFORMANCE_NETWORK") == NULL) {
    printf("skip %s: needs a %s filesystem\n", block->name, block->needs);
    skipped++;
    return false;
  }
  return true;
}

static void run_cases(const struct table *table, const char *only, FILE *transcript)
{
  const struct block *block;
  for (block = table->first; block != NULL; block = block->next) {
    if (block->is_case && (only == NULL || strstr(block->name, only) != NULL) && can_run(block)) {
      run_case(table, block, transcript);
    }
  }
}

int main(int argc, char **argv)
{
  static struct table table;
  const char *only = NULL, *transcript_path = "/dev/null";
  FILE *transcript;
  int i;
  if (argc > 1 && strcmp(argv[1], "--hold") == 0) {
    return be_a_holder(argv + 2);
  }
  umask(022);
  for (i = 1; i + 1 < argc && argv[i][0] == '-'; i += 2) {
    *(strcmp(argv[i], "--only") == 0 ? &only : &transcript_path) = argv[i + 1];
  }
  for (; i < argc; i++) {
    read_table_file(&table, argv[i]);
  }
  transcript = fopen(transcript_path, "we");
  if (transcript == NULL) {
    perror(transcript_path);
    return 2;
  }
  run_cases(&table, only, transcript);
  if (fclose(transcript) != 0) {
    perror(transcript_path);
    return 2;
  }
  printf("%d passed, %d failed", passed, failed);
  if (skipped > 0) {
    printf(", %d skipped", skipped);
  }
  printf("\n");
  return failed == 0 && passed > 0 ? 0 : 1;
}
