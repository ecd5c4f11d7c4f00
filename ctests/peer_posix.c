/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The other process: forked, at the other end of a socket. */
#include "harness.h"
#include "peer.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

struct peer_start {
  const char *marker_path;
  int channel;
};

static void run_peer(void *argument)
{
  const struct peer_start *start = argument;
  crtx_lock lock = {0};
  char order;
  prctl(PR_SET_PDEATHSIG, SIGKILL); /* it does not outlive a case that was abandoned */
  while (read(start->channel, &order, 1) == 1 && order != QUIT) {
    int answer = obey(order, start->marker_path, &lock);
    NEED_TRUE(write(start->channel, &answer, sizeof answer) == (ssize_t)sizeof answer);
  }
}

void start_peer(struct peer *peer, const char *marker_path)
{
  int ends[2];
  struct peer_start start;
  NEED_TRUE(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  start.marker_path = marker_path;
  start.channel = ends[1];
  peer->process = start_child(run_peer, &start);
  peer->channel = ends[0];
  close(ends[1]);
}

void tell_peer(const struct peer *peer, enum order order)
{
  char byte = (char)order;
  CHECK(write(peer->channel, &byte, 1) == 1);
}

int peer_answer(const struct peer *peer)
{
  int answer = -1;
  if (!CHECK(read(peer->channel, &answer, sizeof answer) == (ssize_t)sizeof answer)) {
    return -1;
  }
  return answer;
}

int order_peer(const struct peer *peer, enum order order)
{
  tell_peer(peer, order);
  return peer_answer(peer);
}

void end_peer(struct peer *peer)
{
  tell_peer(peer, QUIT);
  close(peer->channel);
  wait_child(peer->process);
}

void kill_peer(struct peer *peer)
{
  kill(peer->process, SIGKILL);
  close(peer->channel);
  waitpid(peer->process, NULL, 0);
}
