/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Every call of the library that changes the disk, with a mark before and after it.
 * Usage: workload MARKER MARKS ROUNDS
 */
#include "attest.h"
#include "fail.h"
#include "mark.h"

#include <crtx.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *marker_path;
static int marks;
static struct mark mark; /* the next one */

/* pwrite, because the preloaded shim commits after a write. */
static void write_mark(uint32_t returned)
{
  mark.returned = returned;
  if (pwrite(marks, &mark, sizeof mark, 0) != (ssize_t)sizeof mark) {
    fail("cannot write a mark");
  }
}

static void begin(const char *call)
{
  memset(&mark, 0, sizeof mark);
  snprintf(mark.call, sizeof mark.call, "%s", call);
  write_mark(0);
}

static void need(crtx_status status, const crtx_error *error)
{
  if (status != CRTX_OK) {
    printf("%s: %s\n", mark.call, error->message);
    exit(2);
  }
}

static void read_marker(char *text, size_t capacity)
{
  crtx_error error = CRTX_ERROR_INIT;
  need(crtx_marker_read(marker_path, text, capacity, NULL, &error), &error);
}

static crtx_lock acquire(void)
{
  crtx_lock_options options = attested_options();
  crtx_lock lock;
  crtx_error error = CRTX_ERROR_INIT;
  begin("acquire");
  need(crtx_lock_acquire(marker_path, &options, &lock, &error), &error);
  read_marker(mark.marker, sizeof mark.marker);
  write_mark(1);
  return lock;
}

static void release(crtx_lock lock)
{
  crtx_error error = CRTX_ERROR_INIT;
  begin("release");
  need(crtx_lock_release(lock, &error), &error);
  write_mark(1);
}

static void leak_and_release(crtx_lock lock)
{
  crtx_error error = CRTX_ERROR_INIT;
  begin("leak and release");
  need(crtx_lock_leak(lock, &error), &error);
  need(crtx_lock_release(lock, &error), &error);
  read_marker(mark.marker, sizeof mark.marker);
  write_mark(1);
}

static void acquire_and_die(void)
{
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    acquire();
    _exit(0);
  }
  if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
    fail("a child could not acquire");
  }
}

/* Moves the stale marker aside: by takeover if `lock` is not NULL. */
static void move_aside(const char *call, crtx_lock *lock)
{
  struct quarantined *quarantined = &mark.quarantined;
  crtx_lock_options options = attested_options();
  struct attestation attestation;
  char stale_path[4096];
  crtx_error error = CRTX_ERROR_INIT;
  crtx_status status;
  begin(call);
  attest(&attestation, marker_path);
  read_marker(quarantined->marker, sizeof quarantined->marker);
  if (lock == NULL) {
    status = crtx_quarantine(marker_path, &attestation.document, stale_path, sizeof stale_path, NULL, &error);
  } else {
    status = crtx_takeover(marker_path, &attestation.document, &options, lock, stale_path, sizeof stale_path, NULL,
                           &error);
  }
  need(status, &error);
  snprintf(quarantined->name, sizeof quarantined->name, "%s", strrchr(stale_path, '/') + 1);
  snprintf(quarantined->payload, sizeof quarantined->payload, "%s", attestation.payload);
  memcpy(quarantined->signature, attestation.signature, sizeof quarantined->signature);
  if (lock != NULL) {
    read_marker(mark.marker, sizeof mark.marker);
  }
  write_mark(1);
}

int main(int argc, char **argv)
{
  int round;
  crtx_lock lock;
  if (argc != 4) {
    fail("usage: workload MARKER MARKS ROUNDS");
  }
  marker_path = argv[1];
  marks = open(argv[2], O_WRONLY | O_CLOEXEC);
  if (marks < 0) {
    fail("cannot open the marks");
  }
  for (round = 0; round < atoi(argv[3]); round++) {
    release(acquire());
    leak_and_release(acquire());
    move_aside("quarantine", NULL);
    acquire_and_die();
    move_aside("takeover", &lock);
    release(lock);
  }
  return 0;
}
