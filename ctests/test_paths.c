/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* How paths are taken: missing directories, long names, relative ones. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#ifdef _WIN32
#undef NAME_MAX
#define NAME_MAX 255 /* UTF-16 units; limits.h knows only that of MAX_PATH */
#endif

static struct signed_text attestation;

static void a_missing_parent_directory_has_a_status_of_its_own(void)
{
  char stale[1024];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("missing/store.lock");
  put_marker(at("store.lock"), 4711, LONG_AGO);
  attest(&attestation, at("store.lock"), 0);
  WANT(CRTX_E_NO_PARENT_DIRECTORY, crtx_lock_acquire(path, &options, &lock, &last_error));
  WANT(CRTX_E_NO_PARENT_DIRECTORY,
       crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  CHECK(!exists(at("missing")));
}

static const char *name_of_length(size_t length)
{
  char name[NAME_MAX + 2];
  memset(name, 'n', length);
  name[length] = '\0';
  return at(name);
}

static void a_name_so_long_that_quarantine_could_not_work_is_refused(void)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  WANT(CRTX_E_NAME_TOO_LONG, crtx_lock_acquire(name_of_length(NAME_MAX - 43), &options, &lock, &last_error));
  WANT(CRTX_E_NAME_TOO_LONG, crtx_lock_acquire(name_of_length(NAME_MAX), &options, &lock, &last_error));
  CHECK_INT(entries_in(at("")), 0);
}

static void the_longest_name_accepted_can_be_quarantined(void)
{
  char stale[1024], list[2048];
  const char *path = name_of_length(NAME_MAX - 44);
  leave_stale(path);
  attest(&attestation, path, 0);
  NEED(CRTX_OK, crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  WANT(CRTX_OK, crtx_evidence_verify(stale, attestation.key, 32, &last_error));
  WANT(CRTX_OK, crtx_evidence_list(path, list, sizeof list, NULL, &last_error));
  CHECK_TEXT(list, stale);
}

static void a_very_long_path_is_shortened_in_the_message(void)
{
  char path[3000];
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  size_t length = (size_t)snprintf(path, sizeof path, "%s", at(""));
  while (length < 2500) {
    length += (size_t)snprintf(path + length, sizeof path - length, "missing-directory/");
  }
  snprintf(path + length, sizeof path - length, "the-end.lock");
  WANT(CRTX_E_NO_PARENT_DIRECTORY, crtx_lock_acquire(path, &options, &lock, &last_error));
}

static void chdir_after_a_relative_acquire_changes_nothing(void)
{
  char told[PATH_MAX], before[PATH_MAX];
  crtx_lock lock;
  struct stat marker;
  NEED_TRUE(getcwd(before, sizeof before) != NULL);
  NEED_TRUE(mkdir(at("store"), 0755) == 0);
  NEED_TRUE(mkdir(at("elsewhere"), 0755) == 0);
  NEED_TRUE(chdir(at("store")) == 0);
  lock = hold("store.lock");
  NEED_TRUE(chdir(at("elsewhere")) == 0);
  put_text(at("elsewhere/store.lock"), "a bystander");
  put_text(at("elsewhere/store.lock.flock"), "a bystander");
  marker = status_of(at("store/store.lock"));
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
  WANT(CRTX_OK, crtx_lock_marker_path(lock, told, sizeof told, NULL, &last_error));
  CHECK(is_absolute(told) && is_still(told, &marker));
  CHECK_INT(state_of(at("store/store.lock")), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  let_go(lock);
  CHECK(chdir(before) == 0);
  CHECK_INT(entries_in(at("store")), 0);
  CHECK(holds_text(at("elsewhere/store.lock"), "a bystander"));
  CHECK(holds_text(at("elsewhere/store.lock.flock"), "a bystander"));
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(a_missing_parent_directory_has_a_status_of_its_own),
      CASE(a_name_so_long_that_quarantine_could_not_work_is_refused),
      CASE(the_longest_name_accepted_can_be_quarantined),
      CASE(a_very_long_path_is_shortened_in_the_message),
      CASE(chdir_after_a_relative_acquire_changes_nothing),
  };
  return RUN(cases, argc, argv);
}
