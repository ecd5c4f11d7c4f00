/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "peer.h"

#include "files.h"
#include "harness.h"

#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

crtx_lock_options usual_options(void)
{
  crtx_lock_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.deployment_id = DEPLOYMENT;
  options.operator_principal_id = PRINCIPAL;
  options.restore_intent_blake3 = INTENT_DIGEST;
  options.host = "ctests-host";
  return options;
}

crtx_lock hold(const char *marker_path)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  NEED(CRTX_OK, crtx_lock_acquire(marker_path, &options, &lock, &last_error));
  NEED_TRUE(lock.opaque != 0);
  return lock;
}

void let_go(crtx_lock lock)
{
  WANT(CRTX_OK, crtx_lock_release(lock, &last_error));
}

void leave_stale(const char *marker_path)
{
  crtx_lock lock = hold(marker_path);
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error));
  let_go(lock);
}

uint32_t state_of(const char *marker_path)
{
  crtx_marker marker;
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  WANT(CRTX_OK, crtx_marker_inspect(marker_path, &marker, &last_error));
  return marker.state;
}

/* ---- the other process ---- */

struct peer_start {
  const char *marker_path;
  int channel;
};

static int obey(char order, const char *marker_path, crtx_lock *lock)
{
  crtx_lock_options options = usual_options();
  options.timeout_ms = order == ACQUIRE_WAITING ? 30000 : 0;
  switch (order) {
  case ACQUIRE:
  case ACQUIRE_WAITING:
    return crtx_lock_acquire(marker_path, &options, lock, NULL);
  case CHECK_LOCK:
    return crtx_lock_check(*lock, NULL);
  case RELEASE:
    return crtx_lock_release(*lock, NULL);
  case LEAK:
    return crtx_lock_leak(*lock, NULL);
  case INSPECT:
    return (int)state_of(marker_path);
  default:
    return -1;
  }
}

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
