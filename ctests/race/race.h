/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The driver's parts: the crew of workers, the operator, and what all of them count. */
#ifndef CRTX_RACE_H
#define CRTX_RACE_H

#include "board.h"

#include <crtx.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { MOST_WORKERS = 32, MOST_COMMANDS = 8, MOST_PHASES = 8, PATH_BYTES = 3000 };

/* What went on in one phase, and what was broken. */
struct tally {
  unsigned long rounds, crashes, kills, stops, inspections, takeovers, quarantines, late, busy, left;
  unsigned long attestations, evidence;
  /* promises broken */
  unsigned long wrong_status, wrong_record, wrong_state, wrong_worker;
  unsigned long stopped_but_free, dead_but_held, used_twice, bad_evidence, lost_evidence;
};

/* What the workers of one command had of all phases together: every language is to have had all of it. */
struct share {
  const char *command;
  unsigned long acquired, crashed, took_over; /* crashed: while it held the lock */
};

/* The files of a phase, and the dice. */
struct race {
  char directory[PATH_BYTES];
  char marker[PATH_BYTES + 64], store[PATH_BYTES + 64], board_path[PATH_BYTES + 64];
  struct board *board;
  uint64_t random;
  struct tally tally;
};

/* A line "wrong KIND: ..." of a worker, or of the driver itself: counted, and the first ones shown. */
void note_wrong(struct race *race, unsigned slot, const char *line);

/* ---- the crew ---- */

enum duty { IDLE, TURN, TAKEOVER, QUARANTINE, INSPECT };

struct worker {
  struct share *share;
  unsigned slot; /* on the board, from 1 */
  pid_t process;
  int input, output;
  enum duty duty;
  bool acquired; /* TAKEOVER: it said "taken" */
  bool found_stale;
  bool stopped;
  uint64_t continue_at; /* microseconds */
  char line[8192];
  size_t line_length;
};

struct crew {
  struct race *race;
  struct worker workers[MOST_WORKERS];
  unsigned count;
  /* Told of each attestation that was used. */
  void (*used)(struct race *race, const struct worker *worker, const char *stale_path);
};

uint64_t now_us(void);
void start_crew(struct crew *crew, struct race *race, unsigned count, struct share *shares, unsigned share_count);
void order(struct worker *worker, enum duty duty, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Reads answers for so long, collects the dead and starts others in their place. */
void listen_to_crew(struct crew *crew, int milliseconds);
bool is_busy(const struct crew *crew);
void kill_one(struct crew *crew);
void stop_one(struct crew *crew);
void continue_all(struct crew *crew, bool only_due);
/* End of file to everybody, and the exit codes. */
void dismiss_crew(struct crew *crew);

/* ---- the operator ---- */

void prepare_operator(struct race *race);
/* Whether the marker becomes stale within the time. */
bool becomes_stale(struct race *race, unsigned milliseconds);
/* The holder lives, stopped or not: held, and no attestation moves its marker. */
void check_that_the_holder_is_safe(struct race *race);
/* Attests the stale marker; the file's name, or NULL if there is nothing to attest. */
const char *attest(struct race *race);
/* Forgets the attestation once all who tried it have answered. */
void end_attestation(void);
bool is_attested(void);
void note_use(struct race *race, const struct worker *worker, const char *stale_path);
/* Uses up what is left, and compares all evidence with what was reported. */
void settle(struct race *race);

#endif
