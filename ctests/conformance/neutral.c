/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The steps that the runner does itself: files, and what is found of them. */
#include "run.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *path_of(const struct run *run)
{
  return argument(run, "path").bytes;
}

static void want(const struct run *run, bool done)
{
  if (!done) {
    stop_case(run, "%s: %s", run->verb, strerror(errno));
  }
}

/* An existing file is written anew, and stays the file that it is. */
static void do_write(struct run *run)
{
  struct text bytes = argument(run, "bytes"), times;
  FILE *file = fopen(path_of(run), "wbe");
  want(run, file != NULL);
  if (argument_given(run, "times", &times)) {
    bytes = text_repeated(bytes, (size_t)number_argument(run, "times"));
  }
  want(run, fwrite(bytes.bytes, 1, bytes.length, file) == bytes.length);
  want(run, fclose(file) == 0);
}

static void do_delete(struct run *run)
{
  want(run, unlink(path_of(run)) == 0);
}

static void do_rename(struct run *run)
{
  want(run, rename(path_of(run), argument(run, "to").bytes) == 0);
}

static void do_mkdir(struct run *run)
{
  want(run, mkdir(path_of(run), 0755) == 0);
}

static void do_symlink(struct run *run)
{
  want(run, symlink(argument(run, "to").bytes, path_of(run)) == 0);
}

static void do_link(struct run *run)
{
  want(run, link(argument(run, "to").bytes, path_of(run)) == 0);
}

static void do_fifo(struct run *run)
{
  want(run, mkfifo(path_of(run), 0644) == 0);
}

static void do_chmod(struct run *run)
{
  want(run, chmod(path_of(run), (mode_t)strtoul(argument(run, "mode").bytes, NULL, 8)) == 0);
}

static void do_chdir(struct run *run)
{
  want(run, chdir(path_of(run)) == 0);
}

static void do_stat(struct run *run)
{
  struct stat info;
  const char *kind = "none";
  if (lstat(path_of(run), &info) == 0) {
    kind = S_ISREG(info.st_mode)    ? "file"
           : S_ISDIR(info.st_mode)  ? "directory"
           : S_ISLNK(info.st_mode)  ? "symlink"
           : S_ISFIFO(info.st_mode) ? "fifo"
                                    : "other";
    add_result(run, "mode", text_printed("%04o", (unsigned)info.st_mode & 07777u));
  }
  add_result(run, "kind", text_from(kind));
}

static void do_bytes(struct run *run)
{
  struct text form, bytes;
  want(run, text_of_file(path_of(run), &bytes));
  if (argument_given(run, "form", &form) && text_is(form, "hex")) {
    bytes = text_to_hex(bytes);
  }
  add_result(run, "bytes", bytes);
}

static int name_order(const struct dirent **a, const struct dirent **b)
{
  return strcmp((*a)->d_name, (*b)->d_name);
}

static void do_entries(struct run *run)
{
  struct dirent **entries;
  int i, found = scandir(path_of(run), &entries, NULL, name_order);
  struct text names = text_from("");
  want(run, found >= 0);
  for (i = 0; i < found; i++) {
    const char *name = entries[i]->d_name;
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) {
      names = text_printed("%s%s%s", names.bytes, names.length > 0 ? " " : "", name);
    }
  }
  add_result(run, "list", names);
}

#define DO(verb) { #verb, do_##verb }

static const struct {
  const char *verb;
  void (*act)(struct run *run);
} acts[] = {
    DO(write), DO(delete), DO(rename), DO(mkdir), DO(symlink), DO(link), DO(fifo),
    DO(chmod), DO(chdir),  DO(stat),   DO(bytes), DO(entries),
};

bool run_neutral(struct run *run)
{
  size_t i;
  for (i = 0; i < sizeof acts / sizeof acts[0]; i++) {
    if (strcmp(acts[i].verb, run->verb) == 0) {
      acts[i].act(run);
      return true;
    }
  }
  return false;
}
