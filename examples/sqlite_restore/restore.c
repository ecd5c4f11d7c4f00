/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The backup's pages are written straight over the store's file, as for a store that SQLite cannot
 * open any more. (SQLite's backup API would write through the store's own journal, and a restore
 * that dies would roll back; no such net is left when the database itself is what is broken.) */
#include "demo.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE_BYTES = 4096, PAGES_PER_CHUNK = 32 };

typedef void (*after_chunk)(void *context, long done, long total);

struct report {
  long done;
  long total;
};

static int open_or_give_up(const char *path, int flags) {
  int file = open(path, flags | O_CLOEXEC);
  if (file < 0) give_up("cannot open %s: %s", path, strerror(errno));
  return file;
}

/* A write-ahead log that is left would be replayed over the restored pages. */
static void remove_log(const char *store, const char *suffix) {
  char path[PATH_SIZE + 8];
  snprintf(path, sizeof path, "%s%s", store, suffix);
  if (unlink(path) != 0 && errno != ENOENT) give_up("cannot remove %s: %s", path, strerror(errno));
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
  expect_status(crtx_lock_check(lock, &error), CRTX_OK, &error, "check before the next chunk");
}

static void copy_pages(const struct workspace *workspace, crtx_lock lock, after_chunk report,
                       void *context) {
  long total = file_size(workspace->staged_store) / PAGE_BYTES;
  int from = open_or_give_up(workspace->staged_store, O_RDONLY);
  int to = open_or_give_up(workspace->store, O_WRONLY);
  long done;
  long count;
  remove_log(workspace->store, "-wal");
  remove_log(workspace->store, "-shm");
  for (done = 0; done < total; done += count) {
    count = total - done < PAGES_PER_CHUNK ? total - done : PAGES_PER_CHUNK;
    check_lock(lock);
    copy_chunk(from, to, (off_t)done * PAGE_BYTES, (size_t)count * PAGE_BYTES);
    report(context, done + count, total);
  }
  if (ftruncate(to, (off_t)total * PAGE_BYTES) != 0 || fsync(to) != 0)
    give_up("cannot finish %s: %s", workspace->store, strerror(errno));
  close(from);
  close(to);
}

static void show_pages(void *context, long done, long total) {
  (void)context;
  progress("restoring", done, total, "pages");
}

void restore_store(const struct workspace *workspace, crtx_lock lock) {
  copy_pages(workspace, lock, show_pages, NULL);
  progress_end();
  copy_small_file(workspace->staged_events, workspace->events);
}

static int send_all(int channel, const void *bytes, size_t length) {
  return send(channel, bytes, length, MSG_NOSIGNAL) == (ssize_t)length ? 0 : -1;
}

/* The parent's leave makes the moment of the kill the same on every machine. */
static void tell_parent(void *context, long done, long total) {
  int channel = *(int *)context;
  struct report report;
  char go;
  memset(&report, 0, sizeof report);
  report.done = done;
  report.total = total;
  if (send_all(channel, &report, sizeof report) != 0 || read(channel, &go, 1) != 1) _exit(1);
}

static void run_child(const struct workspace *workspace, const crtx_lock_options *options,
                      int channel) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock lock;
  if (crtx_lock_acquire(workspace->marker, options, &lock, &error) != CRTX_OK) {
    fprintf(stderr, "the restoring child: %s\n", error.message);
    _exit(1);
  }
  tell_parent(&channel, 0, file_size(workspace->staged_store) / PAGE_BYTES);
  copy_pages(workspace, lock, tell_parent, &channel);
  _exit(0);
}

struct child start_restore(const struct workspace *workspace, const crtx_lock_options *options) {
  struct child child;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) give_up("socketpair: %s", strerror(errno));
  child.pid = fork();
  if (child.pid < 0) give_up("fork: %s", strerror(errno));
  if (child.pid == 0) {
    close(ends[0]);
    run_child(workspace, options, ends[1]);
  }
  close(ends[1]);
  child.channel = ends[0];
  return child;
}

int child_progress(const struct child *child, long *done, long *total) {
  struct report report;
  if (recv(child->channel, &report, sizeof report, MSG_WAITALL) != (ssize_t)sizeof report) return 0;
  *done = report.done;
  *total = report.total;
  return 1;
}

void let_child_go_on(const struct child *child) {
  if (send_all(child->channel, "g", 1) != 0) give_up("the restoring child is gone");
}

void kill_child(const struct child *child) {
  int status = 0;
  if (kill(child->pid, SIGKILL) != 0) give_up("kill: %s", strerror(errno));
  if (waitpid(child->pid, &status, 0) != child->pid) give_up("waitpid: %s", strerror(errno));
  close(child->channel);
  expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child dies by SIGKILL");
}
