/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* embedded LIBRARY DIRECTORY: the resident memory that the library adds to a program that loads it and
 * uses it: the process's own, and the library file's pages, which all processes share that have it
 * loaded. Loaded by dlopen, so that there is a before. */
#include <crtx.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_KIB = 1024 };

/* In KiB; proc(5). */
static long memory(const char *key)
{
  char line[200];
  long kib = -1;
  FILE *status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, key, strlen(key)) == 0) {
      kib = strtol(line + strlen(key), NULL, 10);
    }
  }
  if (status != NULL) {
    fclose(status);
  }
  return kib;
}

static bool is_mapping_of(const char *line, const char *path)
{
  const char *found = strchr(line, '/');
  size_t length = strlen(path);
  return found != NULL && strncmp(found, path, length) == 0 && found[length] == '\n';
}

/* Resident pages of the file, in KiB, but for those that the process has made its own: those are in RssAnon. */
static long pages_of(const char *file)
{
  char path[PATH_MAX], line[PATH_MAX + 200];
  bool is_ours = false;
  long kib = 0;
  FILE *maps = fopen("/proc/self/smaps", "r");
  if (maps == NULL || realpath(file, path) == NULL) {
    perror("embedded");
    exit(2);
  }
  while (fgets(line, sizeof line, maps) != NULL) {
    if (strchr("0123456789abcdef", line[0]) != NULL) {
      is_ours = is_mapping_of(line, path);
    } else if (is_ours && strncmp(line, "Rss:", 4) == 0) {
      kib += strtol(line + 4, NULL, 10);
    } else if (is_ours && strncmp(line, "Anonymous:", 10) == 0) {
      kib -= strtol(line + 10, NULL, 10);
    }
  }
  fclose(maps);
  return kib;
}

/* POSIX lets dlsym give functions; C has no conversion for it. */
static void find(void *library, const char *name, void *place)
{
  void *symbol = dlsym(library, name);
  if (symbol == NULL) {
    fprintf(stderr, "embedded: %s\n", dlerror());
    exit(2);
  }
  memcpy(place, &symbol, sizeof symbol);
}

int main(int argc, char **argv)
{
  crtx_status (*acquire)(const char *, const crtx_lock_options *, crtx_lock *, crtx_error *);
  crtx_status (*check)(crtx_lock, crtx_error *);
  crtx_status (*release)(crtx_lock, crtx_error *);
  crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock lock;
  char directory[300], marker[320];
  long own, files;
  void *library;
  int holds;
  memory("RssAnon:"); /* so that what stdio allocates was there before */
  own = memory("RssAnon:");
  library = argc == 3 ? dlopen(argv[1], RTLD_NOW) : NULL;
  if (library == NULL) {
    fprintf(stderr, "usage: embedded LIBRARY DIRECTORY\n");
    return 2;
  }
  find(library, "crtx_lock_acquire", &acquire);
  find(library, "crtx_lock_check", &check);
  find(library, "crtx_lock_release", &release);
  snprintf(directory, sizeof directory, "%s/crtx-costs-XXXXXX", argv[2]);
  if (mkdtemp(directory) == NULL) {
    return 2;
  }
  snprintf(marker, sizeof marker, "%s/store.restore", directory);
  options.deployment_id = "deployment:costs";
  options.operator_principal_id = "operator:costs";
  options.restore_intent_blake3 = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
  if (acquire(marker, &options, &lock, &error) != CRTX_OK || check(lock, &error) != CRTX_OK ||
      release(lock, &error) != CRTX_OK) {
    fprintf(stderr, "embedded: %s\n", error.message);
    return 2;
  }
  rmdir(directory);
  own = memory("RssAnon:") - own;
  files = pages_of(argv[1]);
  holds = own >= 0 && files > 0 && own + files < MOST_KIB;
  printf("%s loaded and used it adds less than %d KiB of resident memory: %ld KiB of its own, %ld KiB of the file's\n",
         holds ? "ok  " : "FAIL", MOST_KIB, own, files);
  return !holds;
}
