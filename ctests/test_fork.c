/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Fork, vfork and raw clone: a child can neither release its parent's lock nor keep it alive. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static crtx_lock parents_lock; /* children of every kind find it here */
static char path[512];

static void hold_in_parent(void)
{
  snprintf(path, sizeof path, "%s", at("store.lock"));
  parents_lock = hold(path);
}

static void want_forked_everywhere(void)
{
  char text[512];
  crtx_marker marker;
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  WANT(CRTX_E_FORKED, crtx_lock_check(parents_lock, &last_error));
  WANT(CRTX_E_FORKED, crtx_lock_leak(parents_lock, &last_error));
  WANT(CRTX_E_FORKED, crtx_lock_release(parents_lock, &last_error));
  WANT(CRTX_E_FORKED, crtx_lock_release(parents_lock, &last_error)); /* and it does not end the handle */
  WANT(CRTX_E_FORKED, crtx_lock_marker(parents_lock, &marker, &last_error));
  WANT(CRTX_E_FORKED, crtx_lock_marker_path(parents_lock, text, sizeof text, NULL, &last_error));
  WANT(CRTX_E_FORKED, crtx_lock_companion_path(parents_lock, text, sizeof text, NULL, &last_error));
}

static void check_parent_still_holds(void)
{
  struct peer peer;
  WANT(CRTX_OK, crtx_lock_check(parents_lock, &last_error));
  CHECK_INT(state_of(path), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  start_peer(&peer, path);
  CHECK_INT(order_peer(&peer, INSPECT), CRTX_MARKER_HELD);
  CHECK_INT(order_peer(&peer, ACQUIRE), CRTX_E_MARKER_EXISTS);
  end_peer(&peer);
}

static void be_a_forked_child(void *unused)
{
  (void)unused;
  want_forked_everywhere();
  CHECK_INT(state_of(path), CRTX_MARKER_HELD); /* by another process: the parent */
  CHECK_INT(descriptors_below(at("")), 0);
}

static void a_forked_child_cannot_release_its_parents_lock(void)
{
  hold_in_parent();
  in_child(be_a_forked_child, NULL);
  check_parent_still_holds();
  let_go(parents_lock);
  CHECK_INT(entries_in(at("")), 0);
}

static void fork_again(void *unused)
{
  (void)unused;
  in_child(be_a_forked_child, NULL);
}

static void a_grandchild_is_as_powerless_as_a_child(void)
{
  hold_in_parent();
  in_child(fork_again, NULL);
  check_parent_still_holds();
  let_go(parents_lock);
}

static void be_a_child_with_the_same_pid(void *unused)
{
  (void)unused;
  CHECK_INT(getpid(), 1);
  want_forked_everywhere();
}

/* The next child is process 1 of a namespace of its own. */
static void hold_as_process_1(void *by_clone)
{
  CHECK_INT(getpid(), 1);
  parents_lock = hold(path);
  NEED_TRUE(unshare(CLONE_NEWPID) == 0);
  if (by_clone != NULL) {
    pid_t child;
    fflush(NULL);
    child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
    if (child == 0) {
      begin_child();
      be_a_child_with_the_same_pid(NULL);
      end_child();
    }
    check_exit(child, 0);
  } else {
    in_child(be_a_child_with_the_same_pid, NULL);
  }
  WANT(CRTX_OK, crtx_lock_check(parents_lock, &last_error));
  let_go(parents_lock);
}

static void enter_a_pid_namespace(void *by_clone)
{
  if (unshare(CLONE_NEWPID) != 0) {
    skip_case("needs root, for a pid namespace");
  }
  in_child(hold_as_process_1, by_clone);
}

/* Whether MADV_WIPEONFORK does what it says. (qemu-user answers that it has done it.) */
static bool pages_are_wiped_in_a_child(void)
{
  size_t size = (size_t)sysconf(_SC_PAGESIZE);
  char *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int status = -1;
  pid_t child;
  NEED_TRUE(page != MAP_FAILED);
  if (madvise(page, size, MADV_WIPEONFORK) != 0) {
    munmap(page, size);
    return false;
  }
  *page = 1;
  child = fork();
  if (child == 0) {
    _exit(*page);
  }
  NEED_TRUE(child > 0 && waitpid(child, &status, 0) == child);
  munmap(page, size);
  return status == 0;
}

/* As in a container, where the program is process 1 and starts another container. */
static void a_forked_child_with_its_parents_pid_is_still_told_apart(void)
{
  snprintf(path, sizeof path, "%s", at("store.lock"));
  in_child(enter_a_pid_namespace, NULL);
}

static void a_raw_clone_child_with_its_parents_pid_is_still_told_apart(void)
{
  if (!pages_are_wiped_in_a_child()) {
    skip_case("needs pages that are wiped in a child (MADV_WIPEONFORK)");
  }
  snprintf(path, sizeof path, "%s", at("store.lock"));
  in_child(enter_a_pid_namespace, path);
}

static void acquire_in_child(void *unused)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  (void)unused;
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(last_error.marker_state, CRTX_MARKER_HELD);
  lock = hold(at("other.lock"));
  CHECK(lock.opaque != parents_lock.opaque);
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
  CHECK_INT(state_of(at("other.lock")), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  WANT(CRTX_E_FORKED, crtx_lock_check(parents_lock, &last_error));
  let_go(lock);
}

static void a_forked_child_acquires_locks_of_its_own(void)
{
  hold_in_parent();
  in_child(acquire_in_child, NULL);
  check_parent_still_holds();
  let_go(parents_lock);
  CHECK_INT(entries_in(at("")), 0);
}

/* ---- a child that outlives the holder ---- */

struct survivor_start {
  int ready[2], quit[2];
};

static void hold_then_die_before_child(void *argument)
{
  struct survivor_start *start = argument;
  crtx_lock lock = hold(path);
  pid_t survivor;
  (void)lock;
  fflush(NULL);
  survivor = fork();
  if (survivor == 0) {
    char byte;
    begin_child();
    NEED_TRUE(write(start->ready[1], "r", 1) == 1);
    close(start->quit[1]);
    _exit(read(start->quit[0], &byte, 1) == 0 ? 0 : 1); /* until the test closes its end */
  }
  CHECK(survivor > 0);
  end_child(); /* without a release */
}

static void a_forked_child_does_not_keep_its_parents_lock_alive(void)
{
  struct survivor_start start;
  char byte;
  snprintf(path, sizeof path, "%s", at("store.lock"));
  NEED_TRUE(pipe(start.ready) == 0 && pipe(start.quit) == 0);
  in_child(hold_then_die_before_child, &start);
  CHECK(read(start.ready[0], &byte, 1) == 1); /* the survivor lives */
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
  close(start.ready[0]);
  close(start.ready[1]);
  close(start.quit[0]);
  close(start.quit[1]);
}

/* ---- children that the fork handlers do not see ---- */

static void a_vfork_child_answers_forked(void)
{
  volatile pid_t child;
  hold_in_parent();
  child = vfork();
  if (child == 0) { /* the parent's memory: touch little */
    bool forked = crtx_lock_check(parents_lock, NULL) == CRTX_E_FORKED &&
                  crtx_lock_leak(parents_lock, NULL) == CRTX_E_FORKED &&
                  crtx_lock_release(parents_lock, NULL) == CRTX_E_FORKED;
    _exit(forked ? 0 : 1);
  }
  check_exit(child, 0);
  check_parent_still_holds();
  let_go(parents_lock);
  CHECK_INT(entries_in(at("")), 0);
}

static void be_an_unseen_child(void)
{
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  begin_child();
  want_forked_everywhere();
  WANT(CRTX_E_FORKED, crtx_lock_acquire(at("other.lock"), &options, &lock, &last_error));
  CHECK_INT(lock.opaque, 0);
  CHECK_INT(state_of(path), CRTX_MARKER_HELD);
  CHECK(!exists(at("other.lock")));
  end_child();
}

static void a_raw_clone_child_answers_forked(void)
{
  pid_t child;
  hold_in_parent();
  fflush(NULL);
  child = (pid_t)syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);
  if (child == 0) {
    be_an_unseen_child();
  }
  check_exit(child, 0);
  check_parent_still_holds();
  let_go(parents_lock);
  CHECK_INT(entries_in(at("")), 0);
}

static void an_underscore_fork_child_answers_forked(void)
{
  pid_t (*fork_without_handlers)(void);
  void *symbol = dlsym(RTLD_DEFAULT, "_Fork"); /* glibc since 2.34 */
  pid_t child;
  if (symbol == NULL) {
    skip_case("this C library has no _Fork");
  }
  memcpy(&fork_without_handlers, &symbol, sizeof symbol);
  hold_in_parent();
  fflush(NULL);
  child = fork_without_handlers();
  if (child == 0) {
    be_an_unseen_child();
  }
  check_exit(child, 0);
  check_parent_still_holds();
  let_go(parents_lock);
}

/* ---- fork while other threads are at work ---- */

static int stop; /* read and written atomically */

static void *lock_all_the_time(void *argument)
{
  const char *own_path = argument;
  while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
    crtx_lock lock;
    crtx_lock_options options = usual_options();
    if (!WANT(CRTX_OK, crtx_lock_acquire(own_path, &options, &lock, &last_error)) ||
        !WANT(CRTX_OK, crtx_lock_release(lock, &last_error))) {
      return NULL;
    }
  }
  return NULL;
}

static void lock_in_child(void *own_path)
{
  let_go(hold(own_path));
}

static void fork_amid_busy_threads_leaves_the_child_a_working_library(void)
{
  char busy[2][512], own_path[512];
  pthread_t threads[2];
  int i;
  __atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
  snprintf(busy[0], sizeof busy[0], "%s", at("busy-0.lock"));
  snprintf(busy[1], sizeof busy[1], "%s", at("busy-1.lock"));
  snprintf(own_path, sizeof own_path, "%s", at("child.lock"));
  for (i = 0; i < 2; i++) {
    NEED_TRUE(pthread_create(&threads[i], NULL, lock_all_the_time, busy[i]) == 0);
  }
  for (i = 0; i < 50; i++) {
    in_child(lock_in_child, own_path);
  }
  __atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
  for (i = 0; i < 2; i++) {
    pthread_join(threads[i], NULL);
  }
  CHECK_INT(entries_in(at("")), 0);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(a_forked_child_cannot_release_its_parents_lock),
      CASE(a_grandchild_is_as_powerless_as_a_child),
      CASE(a_forked_child_with_its_parents_pid_is_still_told_apart),
      CASE(a_raw_clone_child_with_its_parents_pid_is_still_told_apart),
      CASE(a_forked_child_acquires_locks_of_its_own),
      CASE(a_forked_child_does_not_keep_its_parents_lock_alive),
      CASE(a_vfork_child_answers_forked),
      CASE(a_raw_clone_child_answers_forked),
      CASE(an_underscore_fork_child_answers_forked),
      CASE(fork_amid_busy_threads_leaves_the_child_a_working_library),
  };
  return RUN(cases, argc, argv);
}
