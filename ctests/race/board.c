/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "board.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct board *map_board(const char *path, bool create)
{
  void *memory;
  int file = open(path, O_RDWR | O_CLOEXEC | (create ? O_CREAT | O_EXCL : 0), 0600);
  if (file < 0) {
    return NULL;
  }
  if (create && ftruncate(file, (off_t)sizeof(struct board)) != 0) {
    close(file);
    return NULL;
  }
  memory = mmap(NULL, sizeof(struct board), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  return memory == MAP_FAILED ? NULL : memory;
}

void add_to(uint64_t *counter, uint64_t number)
{
  __atomic_fetch_add(counter, number, __ATOMIC_SEQ_CST);
}

uint64_t look_at(const uint64_t *number)
{
  return __atomic_load_n(number, __ATOMIC_SEQ_CST);
}

void set_to(uint64_t *number, uint64_t value)
{
  __atomic_store_n(number, value, __ATOMIC_SEQ_CST);
}

void look_around(struct board *board, unsigned slot)
{
  unsigned other;
  for (other = 0; other < SLOTS; other++) {
    if (other != slot && look_at(&board->slots[other].inside) != 0) {
      add_to(&board->slots[slot].overlaps, 1);
    }
  }
}

void enter_section(struct board *board, unsigned slot)
{
  set_to(&board->slots[slot].inside, 1);
  look_around(board, slot);
}

void leave_section(struct board *board, unsigned slot)
{
  look_around(board, slot);
  set_to(&board->slots[slot].inside, 0);
}

static bool parse_block(const char *block, struct record *record)
{
  char phase[6], text[BLOCK_BYTES + 1];
  memcpy(text, block, BLOCK_BYTES);
  text[BLOCK_BYTES] = '\0';
  if (sscanf(text, "%5s worker %4u sequence %20llu", phase, &record->worker, &record->sequence) != 3) {
    return false;
  }
  record->ended = strcmp(phase, "end") == 0;
  return record->ended || strcmp(phase, "begin") == 0;
}

bool read_record(int store, struct record *record)
{
  char blocks[BLOCKS * BLOCK_BYTES];
  unsigned long long largest = 0;
  unsigned block;
  if (pread(store, blocks, sizeof blocks, 0) != (ssize_t)sizeof blocks) {
    return false;
  }
  record->whole = true;
  for (block = BLOCKS; block-- > 0;) {
    const char *here = blocks + block * BLOCK_BYTES;
    if (!parse_block(here, record) || memcmp(here, blocks, BLOCK_BYTES) != 0) {
      record->whole = false;
    }
    largest = record->sequence > largest ? record->sequence : largest;
  }
  record->sequence = largest;
  return true;
}

bool write_block(int store, unsigned block, const struct record *record)
{
  char text[BLOCK_BYTES + 1];
  int length = snprintf(text, sizeof text, "%-5s worker %04u sequence %020llu", record->ended ? "end" : "begin",
                        record->worker, record->sequence);
  memset(text + length, '.', BLOCK_BYTES - 1 - (size_t)length);
  text[BLOCK_BYTES - 1] = '\n';
  return pwrite(store, text, BLOCK_BYTES, (off_t)block * BLOCK_BYTES) == BLOCK_BYTES;
}

uint64_t next_random(uint64_t *state)
{
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return z ^ z >> 31;
}

unsigned dice(uint64_t *state, unsigned limit)
{
  return (unsigned)(next_random(state) % limit);
}
