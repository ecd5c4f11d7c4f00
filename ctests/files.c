/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "files.h"

#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifndef CRTX_FIXTURES
#define CRTX_FIXTURES "../tests/fixtures/cortex-0.1.2"
#endif

#ifdef _WIN32
bool is_absolute(const char *path)
{
  return path[0] != '\0' && path[1] == ':' && path[2] == '\\';
}

void this_host(char *name, size_t capacity)
{
  NEED_TRUE(windows_host_name(name, capacity) == 0);
}

void open_to_everybody(const char *directory)
{
  NEED_TRUE(windows_open_to_everybody(directory));
}
#else
bool is_absolute(const char *path)
{
  return path[0] == '/';
}

void this_host(char *name, size_t capacity)
{
  NEED_TRUE(gethostname(name, capacity - 1) == 0);
}

void open_to_everybody(const char *directory)
{
  NEED_TRUE(chmod(directory, 0777) == 0);
}
#endif

bool exists(const char *path)
{
  struct stat info;
  return lstat(path, &info) == 0;
}

void put_bytes(const char *path, const void *bytes, size_t length)
{
  ssize_t written;
  int descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  NEED_TRUE(descriptor >= 0);
  written = write(descriptor, bytes, length);
  close(descriptor);
  NEED_TRUE(written == (ssize_t)length);
}

void put_text(const char *path, const char *text)
{
  put_bytes(path, text, strlen(text));
}

void put_marker(const char *path, unsigned pid, const char *acquired_at)
{
  char text[2048];
  snprintf(text, sizeof text,
           "cortex-restore-active-store-lock-v1\npid=%u\nhost=ctests-host\ndeployment_id=%s\n"
           "operator_principal_id=%s\nacquired_at=%s\nscope=production\nrestore_intent_blake3=%s\n",
           pid, DEPLOYMENT, PRINCIPAL, acquired_at, INTENT_DIGEST);
  put_text(path, text);
}

size_t get_bytes(const char *path, char *buffer, size_t capacity)
{
  ssize_t length;
  int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  buffer[0] = '\0';
  if (!CHECK(descriptor >= 0)) {
    printf("  cannot open %s\n", path);
    abandon_case();
  }
  length = read(descriptor, buffer, capacity - 1);
  close(descriptor);
  NEED_TRUE(length >= 0);
  buffer[length] = '\0';
  return (size_t)length;
}

bool holds_bytes(const char *path, const void *bytes, size_t length)
{
  static char found[1 << 17];
  if (!exists(path)) {
    return false;
  }
  return get_bytes(path, found, sizeof found) == length && memcmp(found, bytes, length) == 0;
}

bool holds_text(const char *path, const char *text)
{
  return holds_bytes(path, text, strlen(text));
}

struct stat status_of(const char *path)
{
  struct stat info;
  memset(&info, 0, sizeof info);
  if (!CHECK(lstat(path, &info) == 0)) {
    printf("  nothing at %s\n", path);
    abandon_case();
  }
  return info;
}

unsigned mode_of(const char *path)
{
  return (unsigned)status_of(path).st_mode & 07777u;
}

bool is_still(const char *path, const struct stat *before)
{
  struct stat now;
  return lstat(path, &now) == 0 && now.st_dev == before->st_dev && now.st_ino == before->st_ino;
}

size_t entries_in(const char *directory)
{
  size_t count = 0;
  struct dirent *entry;
  DIR *listing = opendir(directory);
  NEED_TRUE(listing != NULL);
  while ((entry = readdir(listing)) != NULL) {
    count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
  }
  closedir(listing);
  return count;
}

size_t get_fixture(const char *name, char *buffer, size_t capacity)
{
  return get_bytes(joined(CRTX_FIXTURES "/", name), buffer, capacity);
}

void copy_fixture(const char *name, const char *path)
{
  char bytes[8192];
  size_t length = get_fixture(name, bytes, sizeof bytes);
  put_bytes(path, bytes, length);
}

#ifndef _WIN32
int descriptors_below(const char *directory)
{
  int count = 0;
  struct dirent *entry;
  DIR *listing = opendir("/proc/self/fd");
  while (listing != NULL && (entry = readdir(listing)) != NULL) {
    char link[PATH_MAX], target[PATH_MAX];
    ssize_t length;
    snprintf(link, sizeof link, "/proc/self/fd/%s", entry->d_name);
    length = readlink(link, target, sizeof target - 1);
    target[length < 0 ? 0 : length] = '\0';
    count += strncmp(target, directory, strlen(directory)) == 0;
  }
  if (listing == NULL) {
    return -1;
  }
  closedir(listing);
  return count;
}
#endif
