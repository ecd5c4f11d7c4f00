/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A disk in memory, shared with the process that serves it, which records what is written to it. */
#ifndef CRTX_POWERCUT_DISK_H
#define CRTX_POWERCUT_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_kind { RECORD_WRITE, RECORD_FLUSH, RECORD_MARK };

struct record {
  enum record_kind kind;
  uint32_t size;
  uint64_t offset;
  uint8_t *bytes;
};

/* Records in the order in which they came, with their bytes. */
struct journal {
  struct record *records;
  size_t count;
  uint8_t *bytes;
  size_t used;
};

struct disk {
  uint8_t *image;
  uint64_t size;
  uint64_t hash;        /* of the image, as far as `disk_apply` changed it */
  bool recording;       /* writes, flushes and marks go into `history` */
  struct journal history;
  struct journal undo;  /* what the writes since `disk_remember` replaced */
};

/* Reads an image file into memory that a forked child shares. */
struct disk *disk_load(const char *image_path);

/* What the served disk does; false if the journals are full. */
bool disk_write(struct disk *disk, uint64_t offset, const uint8_t *bytes, uint32_t size);
bool disk_note(struct disk *disk, enum record_kind kind, const uint8_t *bytes, uint32_t size);

/* Between mounts: writes the first `size` bytes of a recorded write. */
void disk_apply(struct disk *disk, const struct record *write, uint32_t size);
/* From here on `disk_undo` takes back whatever is written, by whomever. */
void disk_remember(struct disk *disk);
void disk_undo(struct disk *disk);

#endif
