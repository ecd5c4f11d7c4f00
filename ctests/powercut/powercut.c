/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Records what a workload writes to a disk, then cuts the power at every place and looks.
 *
 * Usage: powercut FILESYSTEM IMAGE PLACE WORKLOAD ROUNDS RANDOM LEAST [SHIM MODE]
 *
 * IMAGE has an empty file system. PLACE has the directories "served" and "mounted". RANDOM is the number of random
 * subsets between two flushes, LEAST the states that there must be. With SHIM the workload runs under
 * it; in a MODE that starts with "no-" a broken promise must be found, and the first one ends the run.
 */
#include "attach.h"
#include "disk.h"
#include "fail.h"
#include "judge.h"
#include "observe.h"
#include "serve.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SECTOR = 512, BLOCK = 4096, MOST_BLOCKS = 1 << 14, MOST_IMAGES = 1 << 17, MOST_SHOWN = 5 };

struct seen {
  uint64_t hash;
  struct observation *observation;
};

static const char *filesystem;
static char served_directory[4096], mounted_directory[4096], store[4096 + 8];
static struct disk *disk;
static struct device device;
static struct story *story;
static struct seen seen[MOST_IMAGES]; /* images already looked at, by hash */
static size_t images, states, breaches[VERDICTS];
static uint64_t random_state = 1;

static size_t random_below(size_t limit)
{
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (size_t)(random_state >> 33) % limit;
}

/* ---- recording ---- */

static void need_mounted(void)
{
  if (!mount_device(&device, filesystem, mounted_directory)) {
    fail("the new file system does not mount");
  }
}

static void sync_mounted(void)
{
  int directory = open(mounted_directory, O_RDONLY | O_CLOEXEC);
  if (directory < 0 || syncfs(directory) != 0) {
    fail("cannot sync the new file system");
  }
  close(directory);
}

static void make_store(void)
{
  need_mounted();
  if (mkdir(store, 0755) != 0) {
    fail("mkdir");
  }
  unmount(mounted_directory);
}

static void run_workload(const char *workload, const char *rounds, const char *shim, const char *mode)
{
  char marker[4200], marks[4200];
  int status = 0;
  pid_t child;
  snprintf(marker, sizeof marker, "%s/store.lock", store);
  snprintf(marks, sizeof marks, "%s/marks", served_directory);
  child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (shim != NULL) {
      setenv("LD_PRELOAD", shim, 1);
      setenv("CRTX_POWERCUT_SHIM", mode, 1);
      setenv("CRTX_POWERCUT_DIRECTORY", store, 1);
    }
    execl(workload, workload, marker, marks, rounds, (char *)NULL);
    _exit(127);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    fail("the workload failed");
  }
}

/* Leaves the disk as it was before the workload, and the history in memory. */
static void record(const char *workload, const char *rounds, const char *shim, const char *mode)
{
  need_mounted();
  sync_mounted();
  disk_remember(disk);
  disk->recording = true;
  run_workload(workload, rounds, shim, mode);
  disk->recording = false;
  unmount(mounted_directory);
  disk_undo(disk);
  story = read_story(&disk->history);
}

/* ---- looking ---- */

static struct observation *look(void)
{
  struct observation *observation = calloc(1, sizeof *observation);
  if (observation == NULL) {
    fail("calloc");
  }
  if (mount_device(&device, filesystem, mounted_directory)) {
    observe(observation, store);
    unmount(mounted_directory);
  }
  images++;
  return observation;
}

/* The same image gives the same observation: it is mounted once. */
static const struct observation *look_once(void)
{
  size_t place = disk->hash % MOST_IMAGES;
  while (seen[place].observation != NULL && seen[place].hash != disk->hash) {
    place = (place + 1) % MOST_IMAGES;
  }
  if (seen[place].observation == NULL) {
    if (images == MOST_IMAGES - 1) {
      fail("too many images");
    }
    seen[place].hash = disk->hash;
    seen[place].observation = look();
  }
  return seen[place].observation;
}

static void show(const struct observation *observation)
{
  size_t i;
  for (i = 0; i < observation->count; i++) {
    printf("    %s (%zu bytes)\n", observation->files[i].name, observation->files[i].size);
  }
  if (observation->stuck[0] != '\0') {
    printf("    %s\n", observation->stuck);
  }
}

/* ---- cutting ---- */

/* The blocks written between two flushes, in their order: of these a cut may keep any. */
struct epoch {
  size_t number;
  size_t begin; /* its first record */
  size_t end;   /* the flush that ends it, or the end of the history */
  size_t count;
  struct record blocks[MOST_BLOCKS];
  size_t records[MOST_BLOCKS]; /* of which record each block is */
};

static size_t breaches_so_far(void)
{
  size_t sum = 0;
  size_t verdict;
  for (verdict = KEPT + 1; verdict < VERDICTS; verdict++) {
    sum += breaches[verdict];
  }
  return sum;
}

/*
 * The power may have gone at any moment after the last write that is kept and before the flush that
 * ends the epoch. What must be there, and what may be, changes at each mark in between.
 */
static enum verdict judge_moments(const struct epoch *epoch, size_t begin, const struct observation *observation,
                                  char *where, size_t capacity)
{
  enum verdict verdict = judge(story, begin, observation, where, capacity);
  size_t cut;
  for (cut = begin + 1; cut <= epoch->end && verdict == KEPT; cut++) {
    if (disk->history.records[cut - 1].kind == RECORD_MARK) {
      verdict = judge(story, cut, observation, where, capacity);
    }
  }
  return verdict;
}

/* One state: the blocks for which `kept` is true reached the disk, of block `torn` only a part. */
static void cut_power(const struct epoch *epoch, const bool *kept, size_t torn, bool quiet)
{
  char where[256];
  uint64_t hash = disk->hash;
  size_t begin = epoch->begin;
  const struct observation *observation;
  enum verdict verdict;
  size_t i;
  disk_remember(disk);
  for (i = 0; i < epoch->count; i++) {
    const struct record *block = &epoch->blocks[i];
    if (i == torn || kept[i]) {
      begin = epoch->records[i] + 1;
    }
    if (i == torn) {
      disk_apply(disk, block, (uint32_t)(1 + random_below(block->size / SECTOR - 1)) * SECTOR);
    } else if (kept[i]) {
      disk_apply(disk, block, block->size);
    }
  }
  observation = look_once();
  disk_undo(disk);
  disk->hash = hash;
  states++;
  verdict = judge_moments(epoch, begin, observation, where, sizeof where);
  breaches[verdict]++;
  if (verdict != KEPT && !quiet && breaches_so_far() <= MOST_SHOWN) {
    printf("  %s: %s\n    %s\n    flush %zu, blocks kept of %zu:", filesystem, verdict_text(verdict), where,
           epoch->number, epoch->count);
    for (i = 0; i < epoch->count; i++) {
      printf("%s", i == torn ? " torn" : kept[i] ? " 1" : " 0");
    }
    printf("\n");
    show(observation);
  }
}

/* ext4 and btrfs count on the sectors of their superblock being written together. */
static bool may_be_torn(const struct record *block)
{
  uint64_t superblock = strcmp(filesystem, "btrfs") == 0 ? 65536 : 0;
  return block->size > SECTOR && block->offset / BLOCK != superblock / BLOCK;
}

/* Every prefix, whole and with its next block torn; all but one; a few at random. */
static void cut_in_epoch(const struct epoch *epoch, size_t random_subsets, bool control)
{
  bool *kept = calloc(epoch->count + 1, sizeof *kept);
  size_t i, j;
  if (kept == NULL) {
    fail("calloc");
  }
  for (i = 0; i <= epoch->count && !(control && breaches_so_far() > 0); i++) {
    cut_power(epoch, kept, SIZE_MAX, control);
    if (i < epoch->count && may_be_torn(&epoch->blocks[i])) {
      cut_power(epoch, kept, i, control);
    }
    kept[i] = true;
  }
  for (i = 0; i + 1 < epoch->count && !(control && breaches_so_far() > 0); i++) {
    kept[i] = false;
    cut_power(epoch, kept, SIZE_MAX, control);
    kept[i] = true;
  }
  for (i = 0; i < random_subsets && epoch->count > 2 && !(control && breaches_so_far() > 0); i++) {
    for (j = 0; j < epoch->count; j++) {
      kept[j] = random_below(2) == 1;
    }
    cut_power(epoch, kept, SIZE_MAX, control);
  }
  free(kept);
}

static void keep_epoch(const struct epoch *epoch)
{
  size_t i;
  for (i = 0; i < epoch->count; i++) {
    disk_apply(disk, &epoch->blocks[i], epoch->blocks[i].size);
  }
}

/* One request to the disk may be many blocks, and these are not written at one stroke. */
static void add_blocks(struct epoch *epoch, const struct record *write, size_t record)
{
  uint32_t done;
  for (done = 0; done < write->size; done += epoch->blocks[epoch->count++].size) {
    struct record *block = &epoch->blocks[epoch->count];
    if (epoch->count == MOST_BLOCKS) {
      fail("too many blocks between two flushes");
    }
    epoch->records[epoch->count] = record;
    *block = *write;
    block->offset += done;
    block->bytes += done;
    block->size = write->size - done < BLOCK ? write->size - done : BLOCK;
  }
}

static size_t cut_everywhere(size_t random_subsets, bool control)
{
  const struct journal *history = &disk->history;
  static struct epoch epoch;
  for (epoch.end = 0; epoch.end <= history->count && !(control && breaches_so_far() > 0); epoch.end++) {
    const struct record *next = &history->records[epoch.end];
    if (epoch.end < history->count && next->kind == RECORD_WRITE) {
      add_blocks(&epoch, next, epoch.end);
    } else if (epoch.end == history->count || next->kind == RECORD_FLUSH) {
      cut_in_epoch(&epoch, random_subsets, control);
      keep_epoch(&epoch);
      epoch.number++;
      epoch.count = 0;
      epoch.begin = epoch.end + 1;
    }
  }
  return epoch.number;
}

/* ---- the report ---- */

static double seconds_since(const struct timespec *start)
{
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)(now.tv_sec - start->tv_sec) + (double)(now.tv_nsec - start->tv_nsec) / 1e9;
}

static int report_control(const char *mode)
{
  enum verdict verdict = KEPT;
  while (verdict < VERDICTS - 1 && (verdict == KEPT || breaches[verdict] == 0)) {
    verdict++;
  }
  if (breaches_so_far() == 0) {
    printf("FAIL %s: control %s: nothing found in %zu states\n", filesystem, mode, states);
    return 1;
  }
  printf("ok   %s: control %s: %s: found after %zu states\n", filesystem, mode, verdict_text(verdict), states);
  return 0;
}

static int report(size_t least, size_t flushes, double seconds)
{
  bool enough = states >= least;
  printf("%s %s: %zu states (at least %zu), %zu different images, %zu flushes, %zu calls, %zu broken promises, %.0f s\n",
         enough && breaches_so_far() == 0 ? "ok  " : "FAIL", filesystem, states, least, images, flushes,
         story_calls(story), breaches_so_far(), seconds);
  return enough && breaches_so_far() == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
  const char *shim = argc == 10 ? argv[8] : NULL;
  const char *mode = argc == 10 ? argv[9] : "";
  bool control = strncmp(mode, "no-", 3) == 0;
  char served_disk[4200];
  struct timespec start;
  size_t flushes;
  if (argc != 8 && argc != 10) {
    fail("usage: powercut FILESYSTEM IMAGE PLACE WORKLOAD ROUNDS RANDOM LEAST [SHIM MODE]");
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* the mounts are run.sh's to undo */
  clock_gettime(CLOCK_MONOTONIC, &start);
  filesystem = argv[1];
  snprintf(served_directory, sizeof served_directory, "%.4000s/served", argv[3]);
  snprintf(mounted_directory, sizeof mounted_directory, "%.4000s/mounted", argv[3]);
  snprintf(store, sizeof store, "%s/store", mounted_directory);
  snprintf(served_disk, sizeof served_disk, "%s/disk", served_directory);
  disk = disk_load(argv[2]);
  serve(disk, served_directory);
  device = attach(served_disk, argv[3]);
  make_store();
  record(argv[4], argv[5], shim, mode);
  flushes = cut_everywhere((size_t)atoi(argv[6]), control);
  detach(&device);
  umount2(served_directory, MNT_DETACH);
  return control ? report_control(mode) : report((size_t)atoi(argv[7]), flushes, seconds_since(&start));
}
