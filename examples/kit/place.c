/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "kit.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char doomed[PATH_SIZE]; /* the directory that goes at exit */

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info, (void)kind, (void)where;
  return remove(path);
}

/* A failing child leaves its parent's place alone. */
static void remove_place(void) {
  if (is_child()) return;
  if (nftw(doomed, remove_entry, 8, FTW_DEPTH | FTW_PHYS) != 0)
    fprintf(stderr, "demo: could not remove %s: %s\n", doomed, strerror(errno));
}

/* An intent wants absolute paths, and TMPDIR may be a relative one. */
void make_place(char root[PATH_SIZE], int keep) {
  const char *base = getenv("TMPDIR");
  char name[PATH_SIZE];
  char *resolved;
  join(name, base != NULL && *base != '\0' ? base : "/tmp", "crtx-demo-XXXXXX");
  if (mkdtemp(name) == NULL) give_up("cannot make %s: %s", name, strerror(errno));
  resolved = realpath(name, NULL);
  if (resolved == NULL) give_up("cannot resolve %s: %s", name, strerror(errno));
  if (snprintf(root, PATH_SIZE, "%s", resolved) >= PATH_SIZE) give_up("%s is too long", resolved);
  free(resolved);
  memcpy(doomed, root, PATH_SIZE);
  if (!keep && atexit(remove_place) != 0) give_up("cannot register the clean-up");
}

int wants_to_keep(int count, char **arguments) {
  if (count == 1) return 0;
  if (count == 2 && strcmp(arguments[1], "--keep") == 0) return 1;
  printf("usage: %s [--keep]\n\n--keep leaves the files for you to look at.\n", arguments[0]);
  exit(count == 2 && strcmp(arguments[1], "--help") == 0 ? EXIT_SUCCESS : 2);
}

void join(char out[PATH_SIZE], const char *directory, const char *name) {
  int length = snprintf(out, PATH_SIZE, "%s/%s", directory, name);
  if (length < 0 || length >= PATH_SIZE) give_up("the path %s/%s is too long", directory, name);
}

void make_directory(const char *path) {
  if (mkdir(path, 0700) != 0) give_up("cannot make %s: %s", path, strerror(errno));
}

static void put_text(const char *path, const char *mode, const char *text) {
  FILE *file = fopen(path, mode);
  if (file == NULL) give_up("cannot open %s: %s", path, strerror(errno));
  if (fputs(text, file) == EOF || fflush(file) != 0 || fsync(fileno(file)) != 0 ||
      fclose(file) != 0)
    give_up("cannot write %s: %s", path, strerror(errno));
}

void write_file(const char *path, const char *text) { put_text(path, "w", text); }

void append_file(const char *path, const char *text) { put_text(path, "a", text); }

void copy_small_file(const char *from, const char *to) {
  char text[4096];
  size_t length;
  FILE *file = fopen(from, "r");
  if (file == NULL) give_up("cannot open %s: %s", from, strerror(errno));
  length = fread(text, 1, sizeof text - 1, file);
  if (ferror(file) || !feof(file)) give_up("cannot read all of %s", from);
  fclose(file);
  text[length] = '\0';
  write_file(to, text);
}

void file_digest(const char *path, char digest[TEXT_SIZE]) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_status status = crtx_blake3_file(path, digest, TEXT_SIZE, NULL, &error);
  expect_status(status, CRTX_OK, &error, path);
}

long file_size(const char *path) {
  struct stat info;
  if (stat(path, &info) == 0) return (long)info.st_size;
  if (errno != ENOENT) give_up("cannot look at %s: %s", path, strerror(errno));
  return -1;
}

const char *base_name(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash != NULL ? slash + 1 : path;
}
