/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* costs table DIRECTORY          the rows of costs.txt, without the instructions
 * costs instructions DIRECTORY   counts them, under callgrind (run.sh)
 * costs limits DIRECTORY         what costs must not depend on, and must not do */
#include "costs.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MANY_LOCKS = 10000, MANY_FILES = 100000, MOST_CALLS_OF_A_WAIT = 250 };

static int passed, failed;

static void judge(bool holds, const char *promise, const char *about)
{
  printf("%s %s%s%s\n", holds ? "ok  " : "FAIL", promise, about[0] == '\0' ? "" : ": ", about);
  passed += holds;
  failed += !holds;
}

/* The calls in their order, repeated ones as "name x3", in lines of about 100 characters. */
static void print_calls(const struct cost *cost)
{
  int i = 0, width = 0;
  while (i < cost->call_count) {
    char text[64];
    int same = i;
    while (same < cost->call_count && cost->calls[same] == cost->calls[i]) {
      same++;
    }
    if (same - i > 1) {
      snprintf(text, sizeof text, "%s x%d", call_name(cost->calls[i]), same - i);
    } else {
      snprintf(text, sizeof text, "%s", call_name(cost->calls[i]));
    }
    if (width == 0 || width + (int)strlen(text) > 100) {
      width = printf("%s    %s", width == 0 ? "" : "\n", text);
    } else {
      width += printf(" %s", text);
    }
    i = same;
  }
  if (width > 0) {
    putchar('\n');
  }
}

static int flushes_of(const struct cost *cost)
{
  int call, flushes = 0;
  for (call = 0; call < cost->call_count; call++) {
    flushes += is_flush(cost->calls[call]);
  }
  return flushes;
}

static const struct operation *find(const char *name)
{
  size_t i;
  for (i = 0; i < operation_count; i++) {
    if (strcmp(operations[i].name, name) == 0) {
      return &operations[i];
    }
  }
  fprintf(stderr, "costs: there is no call %s\n", name);
  exit(2);
}

/* Names of markers that were quarantined in other seconds, which is what a directory fills up with. */
static void fill_with_evidence(const struct stage *stage, unsigned count)
{
  unsigned i;
  for (i = 0; i < count; i++) {
    char path[400];
    int file;
    snprintf(path, sizeof path, "%s.stale-2020%02u%02uT%02u%02u%02uZ", stage->marker, 1 + i / 2419200 % 12,
             1 + i / 86400 % 28, i / 3600 % 24, i / 60 % 60, i % 60);
    file = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
    if (file < 0) {
      die(path);
    }
    close(file);
  }
}

static bool cost_the_same(const struct cost *one, const struct cost *other)
{
  return one->call_count == other->call_count && one->allocations == other->allocations &&
         memcmp(one->calls, other->calls, sizeof one->calls[0] * (size_t)one->call_count) == 0;
}

/* In a directory of its own, with so many quarantined files in it. */
static bool measure_among(const struct operation *operation, const char *directory, unsigned files, struct cost *cost)
{
  struct stage stage;
  bool measured;
  open_stage(&stage, directory);
  fill_with_evidence(&stage, files);
  measured = measure(operation, &stage, cost);
  close_stage(&stage);
  return measured;
}

static bool print_cost(const struct operation *operation, const char *directory)
{
  struct cost cost;
  bool measured = measure_among(operation, directory, 0, &cost);
  if (measured) {
    printf("%-42s %5d %7d %11ld\n", operation->name, cost.call_count, flushes_of(&cost), cost.allocations);
    print_calls(&cost);
  }
  return measured;
}

static void limit_by_numbers(const char *directory)
{
  static const char *const names[] = {"acquire", "check", "release", "acquire refused: held by another process",
                                      "acquire refused: stale", "inspect: stale", "quarantine", "takeover"};
  unsigned locks = locks_that_fit(MANY_LOCKS);
  char promise[80];
  size_t i;
  snprintf(promise, sizeof promise, "costs the same with %u other locks held", locks);
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    struct operation operation = *find(names[i]);
    struct cost alone, among_locks, among_files;
    bool measured = measure_among(&operation, directory, 0, &alone);
    bool files = measured && measure_among(&operation, directory, MANY_FILES, &among_files);
    judge(files && cost_the_same(&alone, &among_files), "costs the same with 100,000 quarantined files", names[i]);
    operation.others = locks;
    measured = measured && measure_among(&operation, directory, 0, &among_locks);
    judge(measured && cost_the_same(&alone, &among_locks), promise, names[i]);
  }
}

/* A third of a second's wait for another process: it sleeps, and looks now and then. */
static void limit_waiting(const char *directory)
{
  struct operation waiting = *find("acquire refused: held by another process");
  struct stage stage;
  struct cost cost;
  bool measured;
  open_stage(&stage, directory);
  stage.waits = true;
  measured = measure(&waiting, &stage, &cost);
  close_stage(&stage);
  judge(measured && cost.call_count <= MOST_CALLS_OF_A_WAIT, "a waiter does not keep asking", "");
}

static void limit_each(const char *directory)
{
  bool no_thread = true;
  size_t i;
  for (i = 0; i < operation_count; i++) {
    const struct operation *operation = &operations[i];
    struct cost cost;
    bool measured = measure_among(operation, directory, 0, &cost);
    no_thread = no_thread && measured && cost.threads == 1;
    if (strcmp(operation->name, "check") == 0) {
      judge(measured && cost.allocations == 0, "a check allocates nothing", "");
      judge(measured && cost.call_count <= 4, "a check makes at most four system calls", "");
    }
    if (strncmp(operation->name, "acquire refused", 15) == 0 || strncmp(operation->name, "inspect", 7) == 0 ||
        strstr(operation->name, "verify") != NULL || strcmp(operation->name, "acquire, crash-only") == 0 ||
        strcmp(operation->name, "release, crash-only") == 0) {
      judge(measured && flushes_of(&cost) == 0, "never flushes", operation->name);
    }
    if (strcmp(operation->name, "acquire") == 0) {
      judge(measured && flushes_of(&cost) == 2, "flushes twice", operation->name);
    }
    if (strcmp(operation->name, "release") == 0) {
      judge(measured && flushes_of(&cost) == 1, "flushes once", operation->name);
    }
  }
  judge(no_thread, "no call starts a thread", "");
}

int main(int argc, char **argv)
{
  size_t i;
  if (argc == 3 && strcmp(argv[1], "limits") == 0) {
    limit_each(argv[2]);
    limit_waiting(argv[2]);
    limit_by_numbers(argv[2]);
    printf("%d passed, %d failed\n", passed, failed);
    return failed > 0;
  }
  if (argc != 3 || (strcmp(argv[1], "table") != 0 && strcmp(argv[1], "instructions") != 0)) {
    fprintf(stderr, "usage: %s table|instructions|limits DIRECTORY\n", argv[0]);
    return 2;
  }
  for (i = 0; i < operation_count; i++) {
    struct stage stage;
    bool done;
    if (strcmp(argv[1], "table") == 0) {
      done = print_cost(&operations[i], argv[2]);
    } else {
      open_stage(&stage, argv[2]);
      done = count_instructions(&operations[i], &stage);
      close_stage(&stage);
    }
    if (!done) {
      return 1;
    }
  }
  return 0;
}
