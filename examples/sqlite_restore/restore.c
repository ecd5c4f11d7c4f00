/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The backup's pages are written straight over the store's file, as for a store that SQLite cannot
 * open any more. (SQLite's backup API would write through the store's own journal, and a restore
 * that dies would roll back; no such net is left when the database itself is what is broken.) */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, PAGES_PER_CHUNK = 32 };

typedef void (*after_chunk)(void *context, long done, long total);

static int open_or_give_up(const char *path, int flags) {
  int file = open(path, flags | O_CLOEXEC);
  if (file < 0) give_up("cannot open %s: %s", path, strerror(errno));
  return file;
}

static void remove_beside(const char *store, const char *suffix) {
  char path[PATH_SIZE + 8];
  snprintf(path, sizeof path, "%s%s", store, suffix);
  if (unlink(path) != 0 && errno != ENOENT) give_up("cannot remove %s: %s", path, strerror(errno));
}

/* A write-ahead log that is left, or that a power cut brings back, would be replayed over the
 * restored pages. */
static void remove_log(const struct workspace *workspace) {
  char path[PATH_SIZE];
  int directory;
  remove_beside(workspace->store, "-wal");
  remove_beside(workspace->store, "-shm");
  join(path, workspace->root, "store");
  directory = open_or_give_up(path, O_RDONLY | O_DIRECTORY);
  if (fsync(directory) != 0) give_up("cannot sync %s: %s", path, strerror(errno));
  close(directory);
}

static void copy_chunk(int from, int to, off_t offset, size_t length) {
  char chunk[PAGE_BYTES * PAGES_PER_CHUNK];
  if (pread(from, chunk, length, offset) != (ssize_t)length ||
      pwrite(to, chunk, length, offset) != (ssize_t)length || fdatasync(to) != 0)
    give_up("cannot copy pages: %s", strerror(errno));
}

/* Still ours? Somebody may have removed the marker by hand; then not one page more. */
static void check_lock(crtx_lock lock) {
  crtx_error error = CRTX_ERROR_INIT;
  expect_status(crtx_lock_check(lock, &error), CRTX_OK, &error, "check before the next write");
}

/* SQLite's own lock, as its unix files have it: an exclusive one on the lock bytes says that no
 * connection is open, and refuses those that did not look at the marker. It works on a database
 * that SQLite cannot open any more, and goes when `file` is closed. */
static int lock_out_sqlite(int file) {
  struct flock lock_bytes;
  memset(&lock_bytes, 0, sizeof lock_bytes);
  lock_bytes.l_type = F_WRLCK;
  lock_bytes.l_whence = SEEK_SET;
  lock_bytes.l_start = SQLITE_LOCK_BYTES;
  lock_bytes.l_len = SQLITE_LOCK_BYTES_COUNT;
  return fcntl(file, F_SETLK, &lock_bytes) == 0;
}

static int copy_pages(const struct workspace *workspace, crtx_lock lock, after_chunk report,
                      void *context) {
  long total = file_size(workspace->staged_store) / PAGE_BYTES;
  int from = open_or_give_up(workspace->staged_store, O_RDONLY);
  int to = open_or_give_up(workspace->store, O_WRONLY);
  long done;
  long count;
  if (!lock_out_sqlite(to)) {
    close(from);
    close(to);
    return 0;
  }
  report(context, 0, total);
  check_lock(lock);
  remove_log(workspace);
  for (done = 0; done < total; done += count) {
    count = total - done < PAGES_PER_CHUNK ? total - done : PAGES_PER_CHUNK;
    check_lock(lock);
    copy_chunk(from, to, (off_t)done * PAGE_BYTES, (size_t)count * PAGE_BYTES);
    report(context, done + count, total);
  }
  check_lock(lock);
  if (ftruncate(to, (off_t)total * PAGE_BYTES) != 0 || fsync(to) != 0)
    give_up("cannot finish %s: %s", workspace->store, strerror(errno));
  close(from);
  close(to);
  return 1;
}

static void show_pages(void *context, long done, long total) {
  (void)context;
  progress("restoring", done, total, "pages");
}

int restore_store(const struct workspace *workspace, crtx_lock lock) {
  if (!copy_pages(workspace, lock, show_pages, NULL)) return 0;
  progress_end();
  check_lock(lock);
  copy_small_file(workspace->staged_events, workspace->events);
  return 1;
}

static void tell(void *context, long done, long total) {
  struct report report;
  memset(&report, 0, sizeof report);
  report.done = done;
  report.total = total;
  tell_parent(*(int *)context, &report, sizeof report);
}

void run_restore(void *restoration, int channel) {
  const struct restoration *what = restoration;
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock lock;
  if (crtx_lock_acquire(what->workspace->marker, what->options, &lock, &error) != CRTX_OK)
    give_up("the restoring child: %s", error.message);
  if (!copy_pages(what->workspace, lock, tell, &channel)) give_up("the store is in use");
}
