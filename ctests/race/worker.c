/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A worker of the race, in C. README.md has the commands that it obeys and the answers it gives. */
#include "board.h"

#include <crtx.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { DOCUMENT_BYTES = 65536, KEY_BYTES = 32, SIGNATURE_BYTES = 64 };

static const char *marker_path;
static struct board *board;
static unsigned own_slot;
static int store;
static crtx_error error;

struct section {
  uint64_t random;
  unsigned crash_at; /* steps until this process kills itself; 0: never */
  bool took_over;
};

/* One line, out at once: what was said before a crash must have been heard. */
static void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void say(const char *format, ...)
{
  va_list arguments;
  va_start(arguments, format);
  vprintf(format, arguments);
  va_end(arguments);
  putchar('\n');
  fflush(stdout);
}

static void want(const char *what, crtx_status expected, crtx_status actual)
{
  if (actual != expected) {
    say("wrong status: %s answered %s instead of %s: %s", what, crtx_status_name(actual), crtx_status_name(expected),
        error.message);
  }
}

static void pause_us(unsigned microseconds)
{
  struct timespec time;
  time.tv_sec = microseconds / 1000000;
  time.tv_nsec = (long)(microseconds % 1000000) * 1000;
  nanosleep(&time, NULL);
}

static void fail(const char *what)
{
  say("wrong worker: %s: %s", what, strerror(errno));
  exit(1);
}

static void step(struct section *section)
{
  if (section->crash_at > 0 && --section->crash_at == 0) {
    kill(getpid(), SIGKILL);
  }
  if (dice(&section->random, 6) == 0) {
    pause_us(dice(&section->random, 300));
  }
}

/* ---- a child that outlives the section, or even its parent ---- */

static void expect_forked(crtx_status status)
{
  if (status != CRTX_E_FORKED) {
    add_to(&board->slots[own_slot].child_faults, 1);
  }
}

static void be_a_child(crtx_lock lock, unsigned microseconds)
{
  close(0);
  close(1);
  expect_forked(crtx_lock_check(lock, NULL));
  pause_us(microseconds);
  expect_forked(crtx_lock_leak(lock, NULL));
  expect_forked(crtx_lock_release(lock, NULL));
  _exit(0);
}

/* Some live for longer than the driver waits for a dead worker's marker to become stale. */
static void fork_a_child(struct section *section, crtx_lock lock)
{
  unsigned microseconds = dice(&section->random, 3) == 0 ? 8000000 : dice(&section->random, 20000);
  pid_t child = fork();
  if (child == 0) {
    be_a_child(lock, microseconds);
  }
  if (child < 0) {
    fail("fork");
  }
}

/* ---- the guarded section ---- */

static void look_at_the_record(const struct section *section, struct record *record)
{
  bool torn_is_allowed = look_at(&board->torn_is_allowed) != 0 || section->took_over;
  set_to(&board->torn_is_allowed, 0);
  if (!read_record(store, record)) {
    fail("read the store");
  }
  if (!torn_is_allowed && !(record->whole && record->ended)) {
    say("wrong record: acquired after worker %u died inside, at sequence %llu, and nobody took over", record->worker,
        record->sequence);
  }
}

static void write_record(struct section *section, const struct record *record)
{
  struct record found;
  unsigned block;
  for (block = 0; block < BLOCKS; block++) {
    if (!write_block(store, block, record)) {
      fail("write the store");
    }
    step(section);
  }
  if (!read_record(store, &found)) {
    fail("read the store");
  }
  if (!found.whole || found.ended != record->ended || found.worker != own_slot || found.sequence != record->sequence) {
    say("wrong record: worker %u wrote sequence %llu, and found worker %u's %llu%s", own_slot, record->sequence,
        found.worker, found.sequence, found.whole ? "" : ", torn");
  }
}

static void work(struct section *section, crtx_lock lock)
{
  struct record record;
  enter_section(board, own_slot);
  look_at_the_record(section, &record);
  if (dice(&section->random, 8) == 0) {
    fork_a_child(section, lock);
  }
  record.worker = own_slot;
  record.sequence++;
  record.ended = false;
  write_record(section, &record);
  want("check", CRTX_OK, crtx_lock_check(lock, &error));
  look_around(board, own_slot);
  record.ended = true;
  write_record(section, &record);
  want("check", CRTX_OK, crtx_lock_check(lock, &error));
  step(section);
  leave_section(board, own_slot);
  step(section);
}

static void work_and_let_go(struct section *section, crtx_lock lock)
{
  bool leave = dice(&section->random, 16) == 0;
  section->crash_at = dice(&section->random, 5) == 0 ? 1 + dice(&section->random, 2 * BLOCKS + 2) : 0;
  work(section, lock);
  if (leave) {
    want("leak", CRTX_OK, crtx_lock_leak(lock, &error));
  }
  want("release", CRTX_OK, crtx_lock_release(lock, &error));
  say(leave ? "left" : "done");
}

/* ---- commands ---- */

static crtx_lock_options options_of(struct section *section)
{
  static const uint32_t timeouts[3] = {0, 50, 500};
  crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  options.durability = dice(&section->random, 2) == 0 ? CRTX_DURABILITY_FULL : CRTX_DURABILITY_PROCESS_CRASH;
  options.timeout_ms = timeouts[dice(&section->random, 3)];
  options.deployment_id = "deployment:race";
  options.operator_principal_id = "operator:race";
  options.restore_intent_blake3 = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
  return options;
}

static void turn(uint64_t seed)
{
  struct section section = {0, 0, false};
  crtx_lock_options options;
  crtx_lock lock = {0};
  crtx_status status;
  section.random = seed;
  options = options_of(&section);
  status = crtx_lock_acquire(marker_path, &options, &lock, &error);
  if (status == CRTX_OK) {
    work_and_let_go(&section, lock);
  } else if (status == CRTX_E_MARKER_EXISTS && error.marker_state == CRTX_MARKER_STALE) {
    say("stale");
  } else {
    if (status != CRTX_E_CONTENDED && error.marker_state != CRTX_MARKER_HELD) {
      want("acquire", CRTX_OK, status);
    }
    say("busy");
  }
}

static size_t load(const char *path, const char *suffix, uint8_t *bytes, size_t capacity)
{
  char name[4096];
  size_t length;
  FILE *file;
  snprintf(name, sizeof name, "%s%s", path, suffix);
  file = fopen(name, "rb");
  if (file == NULL) {
    fail(name);
  }
  length = fread(bytes, 1, capacity, file);
  fclose(file);
  return length;
}

static crtx_signed_document load_document(const char *path)
{
  static uint8_t payload[DOCUMENT_BYTES], signature[SIGNATURE_BYTES], key[KEY_BYTES];
  crtx_signed_document document = CRTX_SIGNED_DOCUMENT_INIT;
  document.payload = payload;
  document.payload_len = load(path, "", payload, sizeof payload);
  document.signature = signature;
  document.signature_len = load(path, ".sig", signature, sizeof signature);
  document.public_key = key;
  document.public_key_len = load(path, ".pub", key, sizeof key);
  document.deployment_id = "deployment:race";
  return document;
}

/* Another one was faster, or somebody is at work. */
static void say_late(const char *what, crtx_status status)
{
  if (status != CRTX_E_CONTENDED && status != CRTX_E_MARKER_ABSENT && status != CRTX_E_STALE_PID_MISMATCH &&
      status != CRTX_E_STALE_TIME_MISMATCH && status != CRTX_E_STALE_DIGEST_MISMATCH) {
    want(what, CRTX_OK, status);
  }
  say("late %s", crtx_status_name(status));
}

static void take_over(uint64_t seed, const char *path)
{
  char stale_path[4096];
  struct section section = {0, 0, true};
  crtx_lock_options options;
  crtx_signed_document document = load_document(path);
  crtx_lock lock = {0};
  crtx_status status;
  section.random = seed;
  options = options_of(&section);
  status = crtx_takeover(marker_path, &document, &options, &lock, stale_path, sizeof stale_path, NULL, &error);
  if (status != CRTX_OK) {
    say_late("takeover", status);
    return;
  }
  say("taken %s", stale_path);
  work_and_let_go(&section, lock);
}

static void quarantine(const char *path)
{
  char stale_path[4096];
  crtx_signed_document document = load_document(path);
  crtx_status status = crtx_quarantine(marker_path, &document, stale_path, sizeof stale_path, NULL, &error);
  if (status != CRTX_OK) {
    say_late("quarantine", status);
    return;
  }
  say("moved %s", stale_path);
}

static void inspect(unsigned count)
{
  crtx_marker marker = CRTX_MARKER_INIT;
  unsigned i;
  for (i = 0; i < count; i++) {
    crtx_status status = crtx_marker_inspect(marker_path, &marker, &error);
    if (status != CRTX_OK && status != CRTX_E_CONTENDED) {
      want("inspect", CRTX_OK, status);
    } else if (status == CRTX_OK && marker.state != CRTX_MARKER_ABSENT && marker.state != CRTX_MARKER_HELD &&
               marker.state != CRTX_MARKER_STALE) {
      say("wrong state: inspected %u", marker.state);
    }
  }
  say("seen");
}

static void obey(char *line)
{
  char path[4096];
  unsigned long long seed;
  unsigned count;
  if (sscanf(line, "turn %llu", &seed) == 1) {
    turn(seed);
  } else if (sscanf(line, "takeover %llu %4095s", &seed, path) == 2) {
    take_over(seed, path);
  } else if (sscanf(line, "quarantine %4095s", path) == 1) {
    quarantine(path);
  } else if (sscanf(line, "inspect %u", &count) == 1) {
    inspect(count);
  } else {
    say("wrong worker: unknown command %s", line);
  }
}

int main(int argc, char **argv)
{
  char line[8192];
  if (argc != 5) {
    fprintf(stderr, "usage: %s MARKER STORE BOARD SLOT\n", argv[0]);
    return 2;
  }
  signal(SIGCHLD, SIG_IGN); /* forked children are nobody's business */
  marker_path = argv[1];
  store = open(argv[2], O_RDWR | O_CLOEXEC);
  board = map_board(argv[3], false);
  own_slot = (unsigned)atoi(argv[4]);
  if (store < 0 || board == NULL || own_slot == 0 || own_slot >= SLOTS) {
    fail("start");
  }
  error.struct_size = sizeof error;
  while (fgets(line, sizeof line, stdin) != NULL) {
    obey(line);
  }
  return 0;
}
