/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "kit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* fcntl(2), F_GETLK: who would refuse an exclusive lock? It does not tell of our own locks, and the
 * close drops those: only for a process that has none on this file. */
long process_with_lock(const struct engine_lock *lock) {
  struct flock probe;
  int file = open(lock->path, O_RDWR | O_CLOEXEC);
  if (file < 0 && errno == ENOENT) return 0;
  if (file < 0) give_up("cannot open %s: %s", lock->path, strerror(errno));
  memset(&probe, 0, sizeof probe);
  probe.l_type = F_WRLCK;
  probe.l_whence = SEEK_SET;
  probe.l_start = lock->start;
  probe.l_len = lock->length;
  if (fcntl(file, F_GETLK, &probe) != 0) give_up("F_GETLK: %s", strerror(errno));
  close(file);
  return probe.l_type == F_UNLCK ? 0 : (long)probe.l_pid;
}

crtx_marker look_at(const char *marker_path) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_marker marker = CRTX_MARKER_INIT;
  expect_status(crtx_marker_inspect(marker_path, &marker, &error), CRTX_OK, &error, "inspect");
  return marker;
}

const char *state_name(uint32_t state) {
  switch (state) {
    case CRTX_MARKER_ABSENT: return "no marker";
    case CRTX_MARKER_HELD:
    case CRTX_MARKER_HELD_BY_THIS_PROCESS: return "held";
    case CRTX_MARKER_STALE: return "stale";
    default: return "malformed";
  }
}

void show_both_locks(const struct engine_lock *lock, const char *marker_path) {
  crtx_marker marker = look_at(marker_path);
  long process = process_with_lock(lock);
  char who[48] = "free";
  if (process != 0) snprintf(who, sizeof who, "held by process %ld", process);
  line("%-8s %-19s %s", lock->engine, base_name(lock->path), who);
  who[0] = '\0';
  if (marker.pid != 0)
    snprintf(who, sizeof who, "%s by process %lu",
             marker.state == CRTX_MARKER_STALE ? ", left" : "", (unsigned long)marker.pid);
  line("%-8s %-19s %s%s", "libcrtx", base_name(marker_path), state_name(marker.state), who);
}
