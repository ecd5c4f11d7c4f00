/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The lock in use: by this process, and by another one that obeys orders. */
#ifndef CRTX_CTESTS_PEER_H
#define CRTX_CTESTS_PEER_H

#include <crtx.h>
#include <sys/types.h>

crtx_lock_options usual_options(void);
/* Acquires, and ends the case if that fails. */
crtx_lock hold(const char *marker_path);
void let_go(crtx_lock lock);
/* Acquires, leaks, and releases: a stale marker with its companion. */
void leave_stale(const char *marker_path);
uint32_t state_of(const char *marker_path);

struct peer {
#ifdef _WIN32
  void *process, *orders, *answers;
#else
  pid_t process;
  int channel;
#endif
};

enum order {
  ACQUIRE = 'a',      /* one attempt */
  ACQUIRE_WAITING = 'w', /* half a minute at most */
  CHECK_LOCK = 'c',
  RELEASE = 'r',
  LEAK = 'l',
  INSPECT = 'i', /* answers the marker's state, not a status */
  PESTER = 'p',  /* 30 attempts that must all be refused; answers CRTX_OK if they are */
  CHURN = 'x',   /* acquires and releases until it is killed; no answer */
  QUIT = 'q'     /* exits without a release, as a crash would */
};

void start_peer(struct peer *peer, const char *marker_path);
void tell_peer(const struct peer *peer, enum order order);
/* The status, or for INSPECT the state; -1 if the peer died. */
int peer_answer(const struct peer *peer);
int order_peer(const struct peer *peer, enum order order);
void end_peer(struct peer *peer);
void kill_peer(struct peer *peer);
/* For the peer itself: does what it is told, and gives the answer. */
int obey(char order, const char *marker_path, crtx_lock *lock);
#ifdef _WIN32
int be_peer(const char *marker_path);
#endif

#endif
