/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is in a directory: small enough to be compared before and after each run. */
#include "faults.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* FNV-1a: tells changed bytes from unchanged ones, and need not resist anybody. */
static uint64_t hash_of(const char *bytes, ssize_t length)
{
  uint64_t hash = UINT64_C(14695981039346656037);
  ssize_t i;
  for (i = 0; i < length; i++) {
    hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(1099511628211);
  }
  return hash;
}

ssize_t read_file(const char *path, char *buffer, size_t capacity)
{
  ssize_t length;
  int file = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
  buffer[0] = '\0';
  if (file < 0) {
    return -1;
  }
  length = read(file, buffer, capacity - 1);
  buffer[length < 0 ? 0 : length] = '\0';
  close(file);
  return length;
}

static void describe_entry(const char *directory, const char *name, struct entry *entry)
{
  static char bytes[8192];
  char path[PATH_MAX];
  struct stat status;
  ssize_t length = -1;
  snprintf(path, sizeof path, "%s/%s", directory, name);
  memset(entry, 0, sizeof *entry);
  snprintf(entry->name, sizeof entry->name, "%.*s", MAX_NAME - 1, name);
  if (lstat(path, &status) != 0) {
    return;
  }
  entry->inode = status.st_ino;
  entry->mode = status.st_mode;
  entry->links = status.st_nlink;
  entry->owner = status.st_uid;
  if (S_ISREG(status.st_mode)) {
    length = read_file(path, bytes, sizeof bytes);
  } else if (S_ISLNK(status.st_mode)) {
    length = readlink(path, bytes, sizeof bytes);
  }
  entry->hash = hash_of(bytes, length);
}

void take_snapshot(const char *directory, struct snapshot *snapshot)
{
  const struct dirent *found;
  DIR *listing = opendir(directory);
  snapshot->count = 0;
  while (listing != NULL && (found = readdir(listing)) != NULL) {
    if (strcmp(found->d_name, ".") == 0 || strcmp(found->d_name, "..") == 0) {
      continue;
    }
    if (snapshot->count == MAX_ENTRIES) {
      complain("more than %d files in %s", MAX_ENTRIES, directory);
      break;
    }
    describe_entry(directory, found->d_name, &snapshot->entries[snapshot->count++]);
  }
  if (listing != NULL) {
    closedir(listing);
  }
}

const struct entry *find_entry(const struct snapshot *snapshot, const char *name)
{
  size_t i;
  for (i = 0; i < snapshot->count; i++) {
    if (strcmp(snapshot->entries[i].name, name) == 0) {
      return &snapshot->entries[i];
    }
  }
  return NULL;
}

/* The link count may differ: another name of it may have come or gone. */
bool same_file(const struct entry *a, const struct entry *b)
{
  return a != NULL && b != NULL && a->inode == b->inode && a->mode == b->mode && a->owner == b->owner &&
         a->hash == b->hash;
}
