/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The race: see README.md. driver SEED ROUNDS CREWS WORKER-COMMAND... */
#include "race.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { TRIERS = 4, PHASE_SECONDS_PER_1000_ROUNDS = 120, MOST_SHOWN = 20 };

static unsigned passed, failed, shown;
static struct share shares[MOST_COMMANDS];
static unsigned share_count;

void note_wrong(struct race *race, unsigned slot, const char *line)
{
  struct tally *tally = &race->tally;
  if (strncmp(line, "wrong status", 12) == 0) {
    tally->wrong_status++;
  } else if (strncmp(line, "wrong record", 12) == 0) {
    tally->wrong_record++;
  } else if (strncmp(line, "wrong state", 11) == 0) {
    tally->wrong_state++;
  } else {
    tally->wrong_worker++;
  }
  if (shown++ < MOST_SHOWN) {
    printf("  worker %u: %s\n", slot, line);
  }
}

/* ---- the orders of a phase ---- */

static struct worker *idle_worker(struct crew *crew)
{
  unsigned i, first = dice(&crew->race->random, crew->count);
  for (i = 0; i < crew->count; i++) {
    struct worker *worker = &crew->workers[(first + i) % crew->count];
    if (worker->duty == IDLE) {
      return worker;
    }
  }
  return NULL;
}

/* One attestation, and up to TRIERS workers who use it at once. */
static void have_it_taken_over(struct crew *crew)
{
  struct race *race = crew->race;
  const char *file = attest(race);
  unsigned i, triers = 1 + dice(&race->random, TRIERS);
  if (file == NULL) {
    return;
  }
  for (i = 0; i < triers; i++) {
    struct worker *worker = idle_worker(crew);
    if (worker == NULL) {
      break;
    }
    if (dice(&race->random, 4) == 0) {
      /* Nobody who quarantines ends the record of the dead. */
      set_to(&race->board->torn_is_allowed, 1);
      order(worker, QUARANTINE, "quarantine %s\n", file);
    } else {
      order(worker, TAKEOVER, "takeover %llu %s\n", (unsigned long long)next_random(&race->random), file);
    }
  }
}

static bool attestation_is_being_tried(const struct crew *crew)
{
  unsigned i;
  for (i = 0; i < crew->count; i++) {
    const struct worker *worker = &crew->workers[i];
    if (worker->duty == QUARANTINE || (worker->duty == TAKEOVER && !worker->acquired)) {
      return true;
    }
  }
  return false;
}

static void see_to_stale_markers(struct crew *crew)
{
  bool wanted = false;
  unsigned i;
  if (is_attested()) {
    if (attestation_is_being_tried(crew)) {
      return;
    }
    end_attestation();
  }
  for (i = 0; i < crew->count; i++) {
    wanted = wanted || crew->workers[i].found_stale;
    crew->workers[i].found_stale = false;
  }
  if (wanted) {
    have_it_taken_over(crew);
  }
}

static void give_orders(struct crew *crew)
{
  struct race *race = crew->race;
  unsigned i;
  see_to_stale_markers(crew);
  for (i = 0; i < crew->count; i++) {
    struct worker *worker = &crew->workers[i];
    if (worker->duty != IDLE) {
      continue;
    }
    if (dice(&race->random, 10) == 0) {
      order(worker, INSPECT, "inspect %u\n", 1 + dice(&race->random, 50));
    } else {
      order(worker, TURN, "turn %llu\n", (unsigned long long)next_random(&race->random));
    }
  }
}

static bool all_had_their_share(void)
{
  unsigned i;
  for (i = 0; i < share_count; i++) {
    if (shares[i].acquired == 0 || shares[i].crashed == 0 || shares[i].took_over == 0) {
      return false;
    }
  }
  return true;
}

/* The last phase goes on until everybody has had a share: the dice promise nothing for a given number. */
static void run_rounds(struct crew *crew, unsigned long rounds, bool is_last)
{
  struct race *race = crew->race;
  uint64_t next_kill = 0, next_stop = 0;
  uint64_t end = now_us() + (rounds / 1000 + 1) * PHASE_SECONDS_PER_1000_ROUNDS * UINT64_C(1000000);
  while ((race->tally.rounds < rounds || (is_last && !all_had_their_share())) && now_us() < end) {
    give_orders(crew);
    listen_to_crew(crew, 1);
    if (now_us() >= next_kill) {
      kill_one(crew);
      next_kill = now_us() + dice(&race->random, 60000);
    }
    if (now_us() >= next_stop) {
      stop_one(crew);
      next_stop = now_us() + dice(&race->random, 40000);
    }
  }
  continue_all(crew, false);
  while (is_busy(crew) && now_us() < end) {
    listen_to_crew(crew, 5);
  }
  if (now_us() >= end) {
    note_wrong(race, 0, "wrong worker: the rounds did not end in time");
  }
}

/* ---- a phase and its verdict ---- */

static void make_files(struct race *race)
{
  struct record nothing = {true, true, 0, 0};
  const char *base = getenv("TMPDIR");
  unsigned block;
  int store;
  snprintf(race->directory, sizeof race->directory, "%s/crtx-race-XXXXXX", base != NULL && base[0] == '/' ? base : "/tmp");
  if (mkdtemp(race->directory) == NULL) {
    perror(race->directory);
    exit(2);
  }
  snprintf(race->marker, sizeof race->marker, "%s/store.lock", race->directory);
  snprintf(race->store, sizeof race->store, "%s/store", race->directory);
  snprintf(race->board_path, sizeof race->board_path, "%s/board", race->directory);
  race->board = map_board(race->board_path, true);
  store = open(race->store, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  for (block = 0; block < BLOCKS && store >= 0; block++) {
    write_block(store, block, &nothing);
  }
  if (race->board == NULL || store < 0 || close(store) != 0) {
    perror(race->directory);
    exit(2);
  }
}

static void remove_files(struct race *race)
{
  char path[PATH_BYTES + 300];
  struct dirent *entry;
  DIR *directory = opendir(race->directory);
  munmap(race->board, sizeof *race->board);
  while (directory != NULL && (entry = readdir(directory)) != NULL) {
    snprintf(path, sizeof path, "%s/%s", race->directory, entry->d_name);
    unlink(path);
  }
  closedir(directory);
  rmdir(race->directory);
}

static void judge(const char *promise, unsigned long broken)
{
  if (broken == 0) {
    passed++;
  } else {
    failed++;
    printf("  FAIL %s: broken %lu times\n", promise, broken);
  }
}

static void judge_all(const struct race *race)
{
  const struct tally *tally = &race->tally;
  unsigned long overlaps = 0, child_faults = 0;
  struct record last = {false, false, 0, 0};
  unsigned slot;
  int store = open(race->store, O_RDWR | O_CLOEXEC);
  for (slot = 0; slot < SLOTS; slot++) {
    overlaps += look_at(&race->board->slots[slot].overlaps);
    child_faults += look_at(&race->board->slots[slot].child_faults);
  }
  printf("  %lu rounds, %lu overlaps; %lu crashes (%lu by the driver), %lu stops, %lu left; %lu inspections, %lu busy\n",
         tally->rounds, overlaps, tally->crashes, tally->kills, tally->stops, tally->left, tally->inspections, tally->busy);
  printf("  %lu takeovers and %lu quarantines reported, %lu pieces of evidence; %lu attestations, %lu too late\n",
         tally->takeovers, tally->quarantines, tally->evidence, tally->attestations, tally->late);
  judge("nobody is inside together with another", overlaps);
  judge("no write is lost or torn, and nobody gets in after a death but by a takeover", tally->wrong_record);
  judge("each call answers what it should", tally->wrong_status + tally->wrong_state);
  judge("the workers and the driver work", tally->wrong_worker);
  judge("forked children have no part in the lock", child_faults);
  judge("a stopped holder is held, whatever was signed", tally->stopped_but_free);
  judge("a dead holder's marker becomes stale, whatever it has forked", tally->dead_but_held);
  judge("an attestation is used once", tally->used_twice);
  judge("each takeover that was reported has its evidence, and there is no other", tally->lost_evidence);
  judge("all evidence is valid", tally->bad_evidence);
  /* Every section that ended counts one up, and so does each that died after its first block. */
  judge("the sequence went on", store < 0 || !read_record(store, &last) ||
                                    last.sequence > tally->rounds || last.sequence + tally->crashes < tally->rounds);
  close(store);
}

static void run_phase(unsigned workers, unsigned long rounds, uint64_t *seed, bool is_last)
{
  static struct race race;
  static struct crew crew;
  unsigned failed_before = failed;
  uint64_t start = now_us();
  memset(&race, 0, sizeof race);
  race.random = next_random(seed);
  make_files(&race);
  prepare_operator(&race);
  crew.used = note_use;
  printf("%u workers, %lu rounds\n", workers, rounds);
  start_crew(&crew, &race, workers, shares, share_count);
  run_rounds(&crew, rounds, is_last);
  dismiss_crew(&crew);
  if (is_attested()) {
    end_attestation();
  }
  settle(&race);
  judge_all(&race);
  printf("  %.1f s\n", (double)(now_us() - start) / 1e6);
  if (failed > failed_before && getenv("CRTX_RACE_KEEP") != NULL) {
    printf("  kept: %s\n", race.directory);
  } else {
    remove_files(&race);
  }
}

static void judge_shares(void)
{
  unsigned i;
  for (i = 0; i < share_count; i++) {
    printf("%s: acquired %lu times, died %lu times with the lock, took over %lu times\n", shares[i].command,
           shares[i].acquired, shares[i].crashed, shares[i].took_over);
  }
  judge("every command's workers acquired, died and took over", !all_had_their_share());
}

/* Numbers of workers with commas between them. */
static unsigned read_crews(const char *text, unsigned *crews)
{
  unsigned count = 0;
  char *end;
  for (; count < MOST_PHASES && *text != '\0'; text = *end == ',' ? end + 1 : end) {
    crews[count] = (unsigned)strtoul(text, &end, 10);
    if (crews[count] == 0 || crews[count] > MOST_WORKERS) {
      return 0;
    }
    count++;
  }
  return *text == '\0' ? count : 0;
}

int main(int argc, char **argv)
{
  unsigned crews[MOST_PHASES], phases = argc > 3 ? read_crews(argv[3], crews) : 0;
  unsigned long rounds;
  uint64_t seed;
  unsigned i;
  if (argc < 5 || argc - 4 > MOST_COMMANDS || phases == 0) {
    fprintf(stderr, "usage: %s SEED ROUNDS CREWS WORKER-COMMAND...\n", argv[0]);
    return 2;
  }
  seed = strtoull(argv[1], NULL, 10);
  rounds = strtoul(argv[2], NULL, 10);
  share_count = (unsigned)argc - 4;
  for (i = 0; i < share_count; i++) {
    shares[i].command = argv[4 + i];
  }
  setvbuf(stdout, NULL, _IOLBF, 0);
  signal(SIGPIPE, SIG_IGN);
  printf("seed %llu\n", (unsigned long long)seed);
  for (i = 0; i < phases; i++) {
    run_phase(crews[i], (rounds + phases - 1) / phases, &seed, i == phases - 1);
  }
  judge_shares();
  printf("%u passed, %u failed\n", passed, failed);
  return failed == 0 ? 0 : 1;
}
