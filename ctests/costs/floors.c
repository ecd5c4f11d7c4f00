/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* floors DIRECTORY: the system calls of each of the benchmark's floors (benches/floor), a line
 * "NAME<tab>CALLS" each, where NAME is the library's call that it stands for. */
#include "costs.h"

#include "../../benches/floor/floor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char document[] = "{}", signature[64];

static struct floor_site site_of(const struct stage *stage)
{
  static const char text[] = "{}\n";
  const struct floor_site site = {stage->directory, "store.restore", "store.restore.flock", "store.restore.new",
                                  text,             sizeof text - 1};
  return site;
}

static struct floor_evidence evidence(void)
{
  static const char stale[] = "store.restore.stale-20200101T000000Z";
  const struct floor_evidence evidence = {stale,    "store.restore.stale-20200101T000000Z.attestation.json",
                                          "store.restore.stale-20200101T000000Z.attestation.sig",
                                          document, sizeof document - 1,
                                          signature};
  return evidence;
}

static struct floor_lock lock;

static bool is_durable(const struct stage *stage)
{
  return stage->options.durability != CRTX_DURABILITY_PROCESS_CRASH;
}

/* An errno is no status: all that counts is whether there was one. */
static crtx_status answer(int failure)
{
  return failure == 0 ? CRTX_OK : CRTX_E_IO;
}

static crtx_status acquire(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  return answer(floor_acquire(&site, &lock, is_durable(stage)));
}

static crtx_status check(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  return answer(floor_check(&site, &lock));
}

static crtx_status release(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  return answer(floor_release(&site, &lock, is_durable(stage)));
}

static crtx_status refused_by_a_holder(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  return answer(floor_refused_by_a_holder(&site));
}

static crtx_status refused_by_a_stale_marker(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  return answer(floor_refused_by_a_stale_marker(&site));
}

static crtx_status inspect(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  return answer(floor_inspect(&site));
}

static crtx_status quarantine(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  struct floor_evidence files = evidence();
  return answer(floor_quarantine(&site, &files));
}

static crtx_status takeover(struct stage *stage)
{
  struct floor_site site = site_of(stage);
  struct floor_evidence files = evidence();
  return answer(floor_takeover(&site, &files, &lock));
}

static void held(struct stage *stage)
{
  if (acquire(stage) != CRTX_OK) {
    die("a bare acquire");
  }
}

static void held_crash_only(struct stage *stage)
{
  stage->options.durability = CRTX_DURABILITY_PROCESS_CRASH;
  held(stage);
}

/* What must be there before is the library's to make, but where the floor has a lock of its own. */
static const struct {
  const char *name;
  void (*prepare)(struct stage *stage);
  crtx_status (*call)(struct stage *stage);
} floors[] = {
    {"acquire", NULL, acquire},
    {"acquire, crash-only", NULL, acquire},
    {"check", held, check},
    {"release", held, release},
    {"release, crash-only", held_crash_only, release},
    {"acquire refused: held by another process", NULL, refused_by_a_holder},
    {"acquire refused: stale", NULL, refused_by_a_stale_marker},
    {"inspect: no marker", NULL, inspect},
    {"inspect: held by another process", NULL, inspect},
    {"inspect: stale", NULL, inspect},
    {"quarantine", NULL, quarantine},
    {"takeover", NULL, takeover},
};

static struct operation operation_of(size_t floor)
{
  size_t i = 0;
  struct operation operation;
  while (strcmp(operations[i].name, floors[floor].name) != 0) {
    if (++i == operation_count) {
      die(floors[floor].name);
    }
  }
  operation = operations[i];
  operation.call = floors[floor].call;
  operation.answer = CRTX_OK;
  if (floors[floor].prepare != NULL) {
    operation.prepare = floors[floor].prepare;
  }
  return operation;
}

int main(int argc, char **argv)
{
  size_t i;
  if (argc != 2) {
    fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
    return 2;
  }
  for (i = 0; i < sizeof floors / sizeof floors[0]; i++) {
    struct operation operation = operation_of(i);
    struct stage stage;
    struct cost cost;
    bool measured;
    int call;
    open_stage(&stage, argv[1]);
    measured = measure(&operation, &stage, &cost);
    close_stage(&stage);
    if (!measured) {
      return 1;
    }
    printf("%s\t", operation.name);
    for (call = 0; call < cost.call_count; call++) {
      printf("%s%s", call == 0 ? "" : " ", call_name(cost.calls[call]));
    }
    putchar('\n');
  }
  return 0;
}
