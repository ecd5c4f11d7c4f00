/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "observe.h"

#include "attest.h"
#include "fail.h"
#include "mark.h"

#include <crtx.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* False if there is a name and no readable file. */
static bool read_file(struct found_file *found, int directory, const char *name)
{
  static char bytes[MOST_FILE_BYTES];
  int file = openat(directory, name, O_RDONLY | O_CLOEXEC);
  ssize_t size = file < 0 ? -1 : read(file, bytes, sizeof bytes);
  if (file >= 0) {
    close(file);
  }
  if (size < 0) {
    return false;
  }
  snprintf(found->name, sizeof found->name, "%s", name);
  found->size = (size_t)size;
  found->bytes = malloc((size_t)size + 1);
  if (found->bytes == NULL) {
    fail("malloc");
  }
  memcpy(found->bytes, bytes, (size_t)size);
  found->bytes[size] = '\0';
  return true;
}

static void read_directory(struct observation *observation, const char *path)
{
  DIR *directory = opendir(path);
  const struct dirent *entry;
  if (directory == NULL) {
    snprintf(observation->stuck, sizeof observation->stuck, "the directory cannot be opened");
    return;
  }
  while ((entry = readdir(directory)) != NULL) {
    if (entry->d_name[0] == '.') {
      continue;
    }
    if (observation->count == MOST_FILES) {
      fail("too many files after a cut");
    }
    if (read_file(&observation->files[observation->count], dirfd(directory), entry->d_name)) {
      observation->count++;
    } else {
      snprintf(observation->stuck, sizeof observation->stuck, "%.200s cannot be read", entry->d_name);
    }
  }
  closedir(directory);
}

const struct found_file *find_file(const struct observation *observation, const char *name)
{
  size_t i;
  for (i = 0; i < observation->count; i++) {
    if (strcmp(observation->files[i].name, name) == 0) {
      return &observation->files[i];
    }
  }
  return NULL;
}

static void note(struct observation *observation, const char *call, crtx_status status, const crtx_error *error)
{
  snprintf(observation->stuck, sizeof observation->stuck, "%s answered %s: %.180s", call, crtx_status_name(status),
           error->message);
}

static crtx_status take_over(const char *marker_path, const crtx_lock_options *options, crtx_lock *lock,
                             crtx_error *error)
{
  struct attestation attestation;
  char stale_path[4096];
  crtx_status status;
  attest(&attestation, marker_path);
  status = crtx_takeover(marker_path, &attestation.document, options, lock, stale_path, sizeof stale_path, NULL, error);
  return status != CRTX_OK ? status : crtx_evidence_verify(stale_path, attestation.key, 32, error);
}

/* No leftover of the cut may stand in the way. */
static void use_the_lock(struct observation *observation, const char *marker_path)
{
  crtx_lock_options options = attested_options();
  bool stale = find_file(observation, MARKER_NAME) != NULL;
  crtx_lock lock;
  crtx_error error = CRTX_ERROR_INIT;
  crtx_status status;
  options.durability = CRTX_DURABILITY_PROCESS_CRASH; /* nothing is cut here */
  status = crtx_lock_acquire(marker_path, &options, &lock, &error);
  if (stale && (status != CRTX_E_MARKER_EXISTS || error.marker_state != CRTX_MARKER_STALE)) {
    note(observation, "acquire beside a stale marker", status, &error);
    return;
  }
  if (stale) {
    status = take_over(marker_path, &options, &lock, &error);
  }
  if (status != CRTX_OK) {
    note(observation, stale ? "takeover" : "acquire", status, &error);
    return;
  }
  status = crtx_lock_release(lock, &error);
  if (status != CRTX_OK) {
    note(observation, "release", status, &error);
  }
}

void observe(struct observation *observation, const char *directory)
{
  char marker_path[4096];
  snprintf(marker_path, sizeof marker_path, "%s/" MARKER_NAME, directory);
  observation->mounted = true;
  read_directory(observation, directory);
  if (observation->stuck[0] == '\0') {
    use_the_lock(observation, marker_path);
  }
}
