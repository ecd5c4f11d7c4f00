/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "kit.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int in_child;

int is_child(void) { return in_child; }

struct child start_child(child_body *body, void *context) {
  struct child child;
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) give_up("socketpair: %s", strerror(errno));
  child.pid = fork();
  if (child.pid < 0) give_up("fork: %s", strerror(errno));
  if (child.pid == 0) {
    in_child = 1;
    close(ends[0]);
    body(context, ends[1]);
    _exit(0);
  }
  close(ends[1]);
  child.channel = ends[0];
  return child;
}

static int send_all(int channel, const void *bytes, size_t length) {
  return send(channel, bytes, length, MSG_NOSIGNAL) == (ssize_t)length;
}

void tell_parent(int channel, const void *report, size_t size) {
  char go;
  if (!send_all(channel, report, size) || read(channel, &go, 1) != 1) _exit(1);
}

int child_tells(const struct child *child, void *report, size_t size) {
  return recv(child->channel, report, size, MSG_WAITALL) == (ssize_t)size;
}

void let_child_go_on(const struct child *child) {
  if (!send_all(child->channel, "g", 1)) give_up("the child is gone");
}

static int wait_for(const struct child *child) {
  int status = 0;
  if (waitpid(child->pid, &status, 0) != child->pid) give_up("waitpid: %s", strerror(errno));
  close(child->channel);
  return status;
}

void kill_child(const struct child *child) {
  int status;
  if (kill(child->pid, SIGKILL) != 0) give_up("kill: %s", strerror(errno));
  status = wait_for(child);
  expect(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child dies by SIGKILL");
}

void expect_child_to_end(const struct child *child) {
  int status = wait_for(child);
  expect(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the child ends well");
}
