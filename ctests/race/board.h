/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the workers of the race share: the board, on which each tells whether it is inside the
 * guarded section, and the store, which they write there. README.md has both formats. */
#ifndef CRTX_RACE_BOARD_H
#define CRTX_RACE_BOARD_H

#include <stdbool.h>
#include <stdint.h>

enum { SLOTS = 64, BLOCKS = 16, BLOCK_BYTES = 64 };

/* Numbers in the machine's own byte order, each changed atomically. Slot 0 is the driver's. */
struct slot {
  uint64_t inside;       /* 1 between enter_section and leave_section */
  uint64_t overlaps;     /* how often its worker saw another slot's `inside` meanwhile */
  uint64_t child_faults; /* what forked children found wrong */
  uint64_t unused[5];
};

struct board {
  uint64_t torn_is_allowed; /* the next to enter may find a record that was not ended, and sets 0 */
  uint64_t unused[7];
  struct slot slots[SLOTS];
};

/* Maps the file, of the right size, shared. NULL and errno if that fails. */
struct board *map_board(const char *path, bool create);
void add_to(uint64_t *counter, uint64_t number);
uint64_t look_at(const uint64_t *number);
void set_to(uint64_t *number, uint64_t value);

/* Sets `inside`, then looks at all the other slots: of two that overlap at least one sees the
 * other, however the scheduler treats them, since each writes before it reads. */
void enter_section(struct board *board, unsigned slot);
/* Looks at the other slots once more, for whoever came in meanwhile. */
void look_around(struct board *board, unsigned slot);
void leave_section(struct board *board, unsigned slot);

struct record {
  bool whole; /* all blocks are the same, and make sense */
  bool ended;
  unsigned worker;
  unsigned long long sequence; /* if it is torn, the largest of its blocks */
};

/* false if the file cannot be read or written. */
bool read_record(int store, struct record *record);
bool write_block(int store, unsigned block, const struct record *record);

/* splitmix64 by Sebastiano Vigna: any seed will do. */
uint64_t next_random(uint64_t *state);
/* 0 to limit - 1 */
unsigned dice(uint64_t *state, unsigned limit);

#endif
