/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "disk.h"

#include "fail.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Address space, not memory: only what is used becomes real. */
enum { MOST_RECORDS = 1 << 18, BLOCK = 4096 };
static const size_t MOST_BYTES = (size_t)1 << 31;

static void *shared_memory(size_t size)
{
  void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) {
    fail("no memory for a disk");
  }
  return memory;
}

static void prepare_journal(struct journal *journal)
{
  journal->records = shared_memory(MOST_RECORDS * sizeof *journal->records);
  journal->bytes = shared_memory(MOST_BYTES);
}

/* Only the parts of the image that hold data, so that a large sparse one stays small. */
static void read_image(int file, struct disk *disk)
{
  off_t start = lseek(file, 0, SEEK_DATA);
  while (start >= 0 && (uint64_t)start < disk->size) {
    off_t end = lseek(file, start, SEEK_HOLE);
    while (start < end) {
      ssize_t got = pread(file, disk->image + start, (size_t)(end - start), start);
      if (got <= 0) {
        fail("cannot read the image");
      }
      start += got;
    }
    start = lseek(file, end, SEEK_DATA);
  }
}

struct disk *disk_load(const char *image_path)
{
  struct disk *disk = shared_memory(sizeof *disk);
  struct stat facts;
  int file = open(image_path, O_RDONLY | O_CLOEXEC);
  if (file < 0 || fstat(file, &facts) != 0) {
    fail("cannot open the image");
  }
  disk->size = (uint64_t)facts.st_size;
  disk->image = shared_memory(disk->size);
  read_image(file, disk);
  close(file);
  prepare_journal(&disk->history);
  prepare_journal(&disk->undo);
  return disk;
}

static bool add(struct journal *journal, enum record_kind kind, uint64_t offset, const uint8_t *bytes, uint32_t size)
{
  struct record *record = &journal->records[journal->count];
  if (journal->count == MOST_RECORDS || size > MOST_BYTES - journal->used) {
    return false;
  }
  record->kind = kind;
  record->size = size;
  record->offset = offset;
  record->bytes = journal->bytes + journal->used;
  if (size > 0) {
    memcpy(record->bytes, bytes, size);
  }
  journal->used += size;
  journal->count++;
  return true;
}

bool disk_write(struct disk *disk, uint64_t offset, const uint8_t *bytes, uint32_t size)
{
  if (offset > disk->size || size > disk->size - offset ||
      !add(&disk->undo, RECORD_WRITE, offset, disk->image + offset, size) ||
      (disk->recording && !add(&disk->history, RECORD_WRITE, offset, bytes, size))) {
    return false;
  }
  memcpy(disk->image + offset, bytes, size);
  return true;
}

bool disk_note(struct disk *disk, enum record_kind kind, const uint8_t *bytes, uint32_t size)
{
  return !disk->recording || add(&disk->history, kind, 0, bytes, size);
}

static uint64_t hash_of_block(const struct disk *disk, uint64_t block)
{
  uint64_t hash = block + 1;
  uint64_t end = (block + 1) * BLOCK < disk->size ? (block + 1) * BLOCK : disk->size;
  uint64_t place;
  for (place = block * BLOCK; place + sizeof hash <= end; place += sizeof hash) {
    uint64_t word;
    memcpy(&word, disk->image + place, sizeof word);
    hash = (hash ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    hash ^= hash >> 29;
  }
  return hash;
}

static uint64_t hash_of_blocks(const struct disk *disk, uint64_t offset, uint32_t size)
{
  uint64_t hash = 0;
  uint64_t block;
  for (block = offset / BLOCK; block * BLOCK < offset + size; block++) {
    hash ^= hash_of_block(disk, block);
  }
  return hash;
}

void disk_apply(struct disk *disk, const struct record *write, uint32_t size)
{
  disk->hash ^= hash_of_blocks(disk, write->offset, size);
  if (!disk_write(disk, write->offset, write->bytes, size)) {
    fail("the undo journal is full");
  }
  disk->hash ^= hash_of_blocks(disk, write->offset, size);
}

void disk_remember(struct disk *disk)
{
  disk->undo.count = 0;
  disk->undo.used = 0;
}

void disk_undo(struct disk *disk)
{
  while (disk->undo.count > 0) {
    const struct record *record = &disk->undo.records[--disk->undo.count];
    memcpy(disk->image + record->offset, record->bytes, record->size);
  }
  disk->undo.used = 0;
}
