/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Modes and owners: what is created how, and whose files are trusted. The cases about owners need
 * root, for children that become other users. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <errno.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ENGINE = 65534, THIRD = 1234 }; /* user ids: any but root will do */

static struct signed_text attestation;
static char path[512];

static void check_modes_under(mode_t mask)
{
  char stale[1024];
  crtx_lock lock;
  const char *path = at("store.lock");
  umask(mask);
  lock = hold(path);
  CHECK_INT(mode_of(path), 0644);
  CHECK_INT(mode_of(at("store.lock.flock")), 0600);
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error));
  let_go(lock);
  CHECK_INT(mode_of(at("store.lock.flock")), 0600);
  attest(&attestation, path, 0);
  NEED(CRTX_OK, crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  CHECK_INT(mode_of(stale), 0644);
  CHECK_INT(mode_of(joined(stale, ".attestation.json")) & 022, 0); /* nobody else may forge it */
  umask(022);
}

static void umask_0_leaves_nothing_open_to_others(void)
{
  check_modes_under(0);
}

static void umask_077_leaves_the_marker_readable(void)
{
  check_modes_under(077);
}

static void a_companion_that_is_too_open_is_tightened(void)
{
  crtx_lock lock;
  put_text(at("store.lock.flock"), "");
  NEED_TRUE(chmod(at("store.lock.flock"), 0666) == 0);
  lock = hold(at("store.lock"));
  CHECK_INT(mode_of(at("store.lock.flock")), 0600);
  let_go(lock);
}

static void a_directory_writable_by_everybody_is_refused_and_allowed_by_flag(void)
{
  char stale[1024];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("open/store.lock");
  NEED_TRUE(mkdir(at("open"), 0700) == 0);
  NEED_TRUE(chmod(at("open"), 0777) == 0);
  WANT(CRTX_E_INSECURE_PERMISSIONS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(entries_in(at("open")), 0);
  CHECK_INT(state_of(path), CRTX_MARKER_ABSENT); /* inspect does not mind */
  options.flags = CRTX_ALLOW_SHARED_DIRECTORY;
  NEED(CRTX_OK, crtx_lock_acquire(path, &options, &lock, &last_error));
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error));
  let_go(lock);
  attest(&attestation, path, 0);
  WANT(CRTX_E_INSECURE_PERMISSIONS,
       crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  attestation.document.flags = CRTX_ALLOW_SHARED_DIRECTORY;
  WANT(CRTX_OK, crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
}

/* ---- owners ---- */

/* The case's directory belongs to `owner`. */
static void set_up(uid_t owner)
{
  if (geteuid() != 0) {
    skip_case("needs root");
  }
  snprintf(path, sizeof path, "%s", at("store.lock"));
  NEED_TRUE(chown(at(""), owner, owner) == 0 && chmod(at(""), 0755) == 0);
}

static void become(uid_t user)
{
  NEED_TRUE(setgroups(0, NULL) == 0 && setgid(user) == 0 && setuid(user) == 0);
}

static void give(const char *file, uid_t owner)
{
  NEED_TRUE(lchown(file, owner, owner) == 0);
}

static void check_owner(const char *file, uid_t owner)
{
  struct stat info = status_of(file);
  CHECK_INT(info.st_uid, owner);
}

static void acquire_and_release_as_engine(void *unused)
{
  (void)unused;
  become(ENGINE);
  let_go(hold(path));
}

static void acquire_refused_as_engine(void *unused)
{
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  (void)unused;
  become(ENGINE);
  WANT(CRTX_E_INSECURE_PERMISSIONS, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(lock.opaque, 0);
}

static void quarantine_refused_as_engine(void *unused)
{
  char stale[1024];
  (void)unused;
  become(ENGINE);
  WANT(CRTX_E_INSECURE_PERMISSIONS,
       crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
}

static void root_gives_the_directorys_owner_what_it_creates(void)
{
  crtx_lock lock;
  set_up(ENGINE);
  lock = hold(path);
  check_owner(path, ENGINE);
  check_owner(at("store.lock.flock"), ENGINE);
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error));
  let_go(lock);
  check_owner(at("store.lock.flock"), ENGINE);
}

static void roots_takeover_at_night_does_not_lock_the_engine_out(void)
{
  char stale[1024];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  set_up(ENGINE);
  put_marker(path, 4711, LONG_AGO);
  give(path, ENGINE);
  attest(&attestation, path, 0);
  NEED(CRTX_OK, crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, NULL, &last_error));
  check_owner(path, ENGINE);
  check_owner(at("store.lock.flock"), ENGINE);
  check_owner(joined(stale, ".attestation.json"), ENGINE);
  check_owner(joined(stale, ".attestation.sig"), ENGINE);
  let_go(lock);
  in_child(acquire_and_release_as_engine, NULL);
}

static void root_accepts_the_directory_owners_files(void)
{
  set_up(ENGINE);
  put_text(at("store.lock.flock"), "");
  give(at("store.lock.flock"), ENGINE);
  let_go(hold(path));
}

static void root_refuses_a_third_users_companion(void)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  set_up(ENGINE);
  put_text(at("store.lock.flock"), "");
  give(at("store.lock.flock"), THIRD);
  WANT(CRTX_E_INSECURE_PERMISSIONS, crtx_lock_acquire(path, &options, &lock, &last_error));
  check_owner(at("store.lock.flock"), THIRD);
}

static void root_refuses_a_third_users_marker(void)
{
  char stale[1024];
  set_up(ENGINE);
  put_marker(path, 4711, LONG_AGO);
  attest(&attestation, path, 0);
  give(path, THIRD);
  WANT(CRTX_E_INSECURE_PERMISSIONS,
       crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  CHECK(exists(path));
}

static void a_companion_of_another_owner_is_refused(void)
{
  set_up(ENGINE);
  put_text(at("store.lock.flock"), "");
  NEED_TRUE(chmod(at("store.lock.flock"), 0666) == 0); /* open to all, and still not ours */
  in_child(acquire_refused_as_engine, NULL);
  CHECK_INT(mode_of(at("store.lock.flock")), 0666);
}

static void a_companion_that_may_not_be_opened_is_refused(void)
{
  set_up(ENGINE);
  put_text(at("store.lock.flock"), "");
  NEED_TRUE(chmod(at("store.lock.flock"), 0600) == 0);
  in_child(acquire_refused_as_engine, NULL);
}

static void a_directory_where_no_companion_can_be_made_is_refused(void)
{
  set_up(0);
  in_child(acquire_refused_as_engine, NULL);
  CHECK_INT(entries_in(at("")), 0);
}

static void a_marker_of_another_owner_is_not_quarantined(void)
{
  set_up(ENGINE);
  put_marker(path, 4711, LONG_AGO); /* root's, in the engine's directory */
  attest(&attestation, path, 0);
  in_child(quarantine_refused_as_engine, NULL);
  CHECK(exists(path));
}

/* To tell held from stale takes the companion, which is closed to others: no answer is better than a
 * wrong one. */
static void look_as_anybody(void *unused)
{
  char text[4096];
  crtx_marker marker;
  (void)unused;
  become(THIRD);
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  WANT(CRTX_OK, crtx_marker_read(path, text, sizeof text, NULL, &last_error));
  WANT(CRTX_E_INSECURE_PERMISSIONS, crtx_marker_inspect(path, &marker, &last_error));
}

static void anybody_can_read_who_holds_the_store(void)
{
  crtx_lock lock;
  set_up(ENGINE);
  lock = hold(path);
  in_child(look_as_anybody, NULL);
  let_go(lock);
}

static void acquire_behind_a_closed_door(void *unused)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  (void)unused;
  become(ENGINE);
  WANT(CRTX_E_IO, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(last_error.os_error, EACCES);
}

static void a_directory_that_may_not_be_entered_is_an_io_error(void)
{
  set_up(ENGINE);
  NEED_TRUE(mkdir(at("closed"), 0700) == 0);
  snprintf(path, sizeof path, "%s", at("closed/store.lock"));
  in_child(acquire_behind_a_closed_door, NULL);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(umask_0_leaves_nothing_open_to_others),
      CASE(umask_077_leaves_the_marker_readable),
      CASE(a_companion_that_is_too_open_is_tightened),
      CASE(a_directory_writable_by_everybody_is_refused_and_allowed_by_flag),
      CASE(root_gives_the_directorys_owner_what_it_creates),
      CASE(roots_takeover_at_night_does_not_lock_the_engine_out),
      CASE(root_accepts_the_directory_owners_files),
      CASE(root_refuses_a_third_users_companion),
      CASE(root_refuses_a_third_users_marker),
      CASE(a_companion_of_another_owner_is_refused),
      CASE(a_companion_that_may_not_be_opened_is_refused),
      CASE(a_directory_where_no_companion_can_be_made_is_refused),
      CASE(a_marker_of_another_owner_is_not_quarantined),
      CASE(anybody_can_read_who_holds_the_store),
      CASE(a_directory_that_may_not_be_entered_is_an_io_error),
  };
  return RUN(cases, argc, argv);
}
