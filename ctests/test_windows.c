/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What is different on Windows: names, share modes, pending deletions, reparse points, inherited handles. */
#include <windows.h>

#include <winioctl.h>

#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>

static struct signed_text attestation;

static const WCHAR *wide_path(const char *path)
{
  static WCHAR buffer[4096];
  NEED_TRUE(MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, buffer, 4096) > 0);
  return buffer;
}

static HANDLE open_sharing(const char *path, DWORD access, DWORD share)
{
  HANDLE file = CreateFileW(wide_path(path), access, share, NULL, OPEN_EXISTING, 0, NULL);
  if (!CHECK(file != INVALID_HANDLE_VALUE)) {
    printf("  %s: error %lu\n", path, GetLastError());
    abandon_case();
  }
  return file;
}

static crtx_status acquire(const char *path, uint64_t flags)
{
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  crtx_status status;
  options.flags = flags;
  status = crtx_lock_acquire(path, &options, &lock, &last_error);
  if (status == CRTX_OK) {
    CHECK_INT(crtx_lock_release(lock, NULL), CRTX_OK);
  } else {
    CHECK_INT(lock.opaque, 0);
  }
  return status;
}

/* ---- names ---- */

static void names_that_windows_takes_for_something_else_are_refused(void)
{
  static const char *const names[] = {"CON",        "nul",    "NUL.lock",     "com1.lock", "LPT\xc2\xb2.x", "CONOUT$",
                                      "x:stream",   "x.lock:", "x.lock::$DATA", "x.lock.",   "x.lock ",       "x*.lock",
                                      "x?.lock",    "x|y",    "a\"b",         "a<b",       "a\tb"};
  char buffer[16];
  size_t i;
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (!WANT(CRTX_E_INVALID_ARGUMENT, acquire(at(names[i]), 0)) +
        !WANT(CRTX_E_INVALID_ARGUMENT, crtx_marker_read(at(names[i]), buffer, sizeof buffer, NULL, &last_error)) > 0) {
      printf("  with the name %s\n", names[i]);
    }
  }
  WANT(CRTX_E_INVALID_ARGUMENT, acquire("NUL", 0));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire("\\\\.\\NUL", 0));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire("\\\\.\\pipe\\store.lock", 0));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire("C:", 0));
  CHECK_INT(entries_in(at("")), 0);
}

static void a_path_is_utf_8(void)
{
  char text[4096];
  const char *path = at("st\xc3\xb6re \xe2\x82\xac.lock");
  crtx_lock lock;
  WANT(CRTX_E_INVALID_ARGUMENT, acquire(at("\xff.lock"), 0));
  lock = hold(path);
  CHECK(exists(path));
  WANT(CRTX_OK, crtx_lock_marker_path(lock, text, sizeof text, NULL, &last_error));
  CHECK_TEXT(text, path);
  let_go(lock);
}

static void upper_and_lower_case_name_one_marker(void)
{
  char stale[1024], list[2048];
  crtx_lock lock;
  lock = hold(at("Store.lock"));
  WANT(CRTX_E_MARKER_EXISTS, acquire(at("STORE.LOCK"), 0));
  CHECK_INT(last_error.marker_state, CRTX_MARKER_HELD_BY_THIS_PROCESS);
  CHECK_INT(state_of(at("store.LOCK")), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  let_go(lock);
  WANT(CRTX_E_INVALID_ARGUMENT, acquire(at("Store.lock.Flock"), 0));
  WANT(CRTX_E_INVALID_ARGUMENT, acquire(at("Store.lock.NEW"), 0));
  leave_stale(at("Store.lock"));
  attest(&attestation, at("Store.lock"), 0);
  NEED(CRTX_OK, crtx_quarantine(at("STORE.lock"), &attestation.document, stale, sizeof stale, NULL, &last_error));
  WANT(CRTX_OK, crtx_evidence_list(at("store.LOCK"), list, sizeof list, NULL, &last_error));
  CHECK(strncmp(list, at("store.LOCK.stale-"), strlen(at("store.LOCK.stale-"))) == 0);
  WANT(CRTX_OK, crtx_evidence_verify(list, attestation.key, 32, &last_error));
}

static void slashes_and_backslashes_are_the_same(void)
{
  char path[512];
  size_t i;
  crtx_lock lock;
  snprintf(path, sizeof path, "%s", at("store.lock"));
  for (i = 0; path[i] != '\0'; i++) {
    path[i] = path[i] == '\\' ? '/' : path[i];
  }
  lock = hold(path);
  CHECK_INT(state_of(at("store.lock")), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  let_go(lock);
}

static void a_path_longer_than_260_characters_works(void)
{
  char path[2048], stale[2048];
  int depth;
  snprintf(path, sizeof path, "\\\\?\\%s", at("d"));
  for (depth = 0; depth < 8; depth++) {
    NEED_TRUE(CreateDirectoryW(wide_path(path), NULL));
    strcat(path, "\\ddddddddddddddddddddddddddddddddddddddddddddddddddddddd");
  }
  *strrchr(path, '\\') = '\0';
  strcat(path, "\\store.lock");
  leave_stale(path + 4); /* as a program has it, and with the prefix for long paths */
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
  attest(&attestation, path + 4, 0);
  NEED(CRTX_OK, crtx_quarantine(path + 4, &attestation.document, stale, sizeof stale, NULL, &last_error));
  WANT(CRTX_OK, crtx_evidence_verify(stale, attestation.key, 32, &last_error));
  WANT(CRTX_OK, acquire(path, 0));
}

/* ---- share modes ---- */

static void a_held_marker_is_readable_by_a_program_that_shares_only_reading(void)
{
  char text[4096];
  DWORD length = 0;
  HANDLE reader;
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  reader = open_sharing(path, GENERIC_READ, FILE_SHARE_READ); /* as .NET's File.ReadAllText */
  CHECK(ReadFile(reader, text, sizeof text, &length, NULL) && length > 100);
  CHECK(strncmp(text, "cortex-restore-active-store-lock-v1\n", 36) == 0);
  CloseHandle(reader);
  let_go(lock);
}

static void a_program_that_does_not_share_deletion_makes_a_release_fail_until_it_closes_the_marker(void)
{
  HANDLE reader;
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  reader = open_sharing(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE); /* as fopen */
  WANT(CRTX_E_IO, crtx_lock_release(lock, &last_error));
  CHECK_INT(last_error.os_error, ERROR_SHARING_VIOLATION);
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error)); /* nothing has changed */
  CHECK_INT(state_of(path), CRTX_MARKER_HELD_BY_THIS_PROCESS);
  CloseHandle(reader);
  let_go(lock);
  CHECK_INT(entries_in(at("")), 0);
}

static DWORD WINAPI close_soon(void *file)
{
  Sleep(100);
  CloseHandle(file);
  return 0;
}

static void a_program_that_has_the_marker_open_for_a_moment_delays_a_release(void)
{
  HANDLE reader, thread;
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  reader = open_sharing(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE);
  thread = CreateThread(NULL, 0, close_soon, reader, 0, NULL);
  NEED_TRUE(thread != NULL);
  let_go(lock);
  WaitForSingleObject(thread, INFINITE);
  CloseHandle(thread);
}

static void a_file_that_another_program_does_not_share_is_contended(void)
{
  HANDLE alone;
  crtx_marker marker = CRTX_MARKER_INIT;
  put_text(at("store.lock.flock"), "");
  alone = open_sharing(at("store.lock.flock"), GENERIC_READ, 0);
  WANT(CRTX_E_CONTENDED, acquire(at("store.lock"), 0));
  CHECK_INT(last_error.os_error, ERROR_SHARING_VIOLATION);
  CloseHandle(alone);
  put_marker(at("store.lock"), 4711, LONG_AGO);
  alone = open_sharing(at("store.lock"), GENERIC_READ, 0);
  WANT(CRTX_E_CONTENDED, crtx_marker_inspect(at("store.lock"), &marker, &last_error));
  CloseHandle(alone);
  CHECK_INT(state_of(at("store.lock")), CRTX_MARKER_STALE);
}

static void others_may_rename_and_delete_what_is_open_here(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  HANDLE file = open_sharing(path, DELETE, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
  CloseHandle(file);
  NEED_TRUE(rename(path, at("aside")) == 0);
  WANT(CRTX_E_LOST, crtx_lock_check(lock, &last_error));
  NEED_TRUE(rename(at("aside"), path) == 0);
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error));
  let_go(lock);
}

/* ---- deletion ---- */

static void a_released_name_is_free_although_somebody_still_has_the_file_open(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  HANDLE inspector = open_sharing(path, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE);
  let_go(lock);
  CHECK(!exists(path));
  lock = hold(path);
  let_go(lock);
  CloseHandle(inspector);
  CHECK_INT(entries_in(at("")), 0);
}

static void a_marker_whose_deletion_is_pending_is_contended(void)
{
  FILE_DISPOSITION_INFO deletion = {TRUE};
  const DWORD share = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;
  const char *path = at("store.lock");
  crtx_marker marker = CRTX_MARKER_INIT;
  HANDLE holder, deleter;
  put_marker(path, 4711, LONG_AGO);
  holder = open_sharing(path, GENERIC_READ, share);
  deleter = open_sharing(path, DELETE, share);
  NEED_TRUE(SetFileInformationByHandle(deleter, FileDispositionInfo, &deletion, sizeof deletion));
  CloseHandle(deleter);
  deleter = CreateFileW(wide_path(path), GENERIC_READ, share, NULL, OPEN_EXISTING, 0, NULL);
  if (deleter != INVALID_HANDLE_VALUE) {
    CloseHandle(deleter);
    CloseHandle(holder);
    skip_case("this system (Wine) opens files whose deletion is pending");
  }
  WANT(CRTX_E_CONTENDED, acquire(path, 0));
  CHECK_INT(last_error.os_error, ERROR_DELETE_PENDING);
  WANT(CRTX_E_CONTENDED, crtx_marker_inspect(path, &marker, &last_error));
  CloseHandle(holder);
  WANT(CRTX_OK, acquire(path, 0));
}

/* ---- reparse points ---- */

static void want_not_regular(const char *path)
{
  crtx_marker marker = CRTX_MARKER_INIT;
  WANT(CRTX_E_NOT_REGULAR_FILE, acquire(path, 0));
  WANT(CRTX_E_NOT_REGULAR_FILE, crtx_marker_inspect(path, &marker, &last_error));
}

static void a_symbolic_link_in_place_is_refused(void)
{
  WCHAR target[4096];
  wcscpy(target, wide_path(at("victim")));
  put_marker(at("victim"), 4711, LONG_AGO);
  if (!CreateSymbolicLinkW(wide_path(at("store.lock")), target, SYMBOLIC_LINK_FLAG_ALLOW_UNPRIVILEGED_CREATE) ||
      !exists(at("store.lock"))) {
    skip_case("this system (Wine) makes no symbolic links, or this user may not");
  }
  want_not_regular(at("store.lock"));
}

static void a_junction_in_place_is_refused(void)
{
  struct {
    DWORD tag;
    WORD length, reserved, name_offset, name_length, print_offset, print_length;
    WCHAR text[512];
  } point;
  DWORD answered;
  HANDLE directory;
  BOOL made;
  memset(&point, 0, sizeof point);
  NEED_TRUE(mkdir(at("target"), 0755) == 0 && mkdir(at("store.lock"), 0755) == 0);
  swprintf(point.text, 512, L"\\??\\%ls", wide_path(at("target")));
  point.tag = IO_REPARSE_TAG_MOUNT_POINT;
  point.name_length = (WORD)(wcslen(point.text) * sizeof(WCHAR));
  point.print_offset = (WORD)(point.name_length + sizeof(WCHAR));
  point.length = (WORD)(8 + point.print_offset + sizeof(WCHAR));
  directory = CreateFileW(wide_path(at("store.lock")), GENERIC_WRITE, 0, NULL, OPEN_EXISTING,
                          FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  NEED_TRUE(directory != INVALID_HANDLE_VALUE);
  made = DeviceIoControl(directory, FSCTL_SET_REPARSE_POINT, &point, 8u + point.length, NULL, 0, &answered, NULL);
  CloseHandle(directory);
  want_not_regular(at("store.lock")); /* it is a directory in any case */
  if (!made) {
    skip_case("this system (Wine) makes no junctions");
  }
}

static void a_hard_link_or_a_directory_in_place_is_refused(void)
{
  WCHAR victim[4096];
  put_marker(at("victim"), 4711, LONG_AGO);
  wcscpy(victim, wide_path(at("victim")));
  NEED_TRUE(CreateHardLinkW(wide_path(at("store.lock")), victim, NULL));
  want_not_regular(at("store.lock"));
  NEED_TRUE(unlink(at("store.lock")) == 0);
  unlink(at("store.lock.flock")); /* a refused call may leave one */
  NEED_TRUE(mkdir(at("store.lock.flock"), 0755) == 0);
  WANT(CRTX_E_NOT_REGULAR_FILE, acquire(at("store.lock"), 0));
  CHECK(exists(at("victim")));
}

/* ---- processes ---- */

static void a_child_process_inherits_no_handle(void)
{
  struct peer child;
  HANDLE alone;
  const char *path = at("store.lock");
  crtx_lock lock = hold(path);
  start_peer(&child, path); /* inherits what can be inherited */
  CHECK_INT(order_peer(&child, INSPECT), CRTX_MARKER_HELD);
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error));
  let_go(lock);
  alone = open_sharing(path, GENERIC_READ, 0); /* nobody has it open */
  CloseHandle(alone);
  alone = open_sharing(at("store.lock.flock"), GENERIC_READ, 0);
  CloseHandle(alone);
  CHECK_INT(order_peer(&child, INSPECT), CRTX_MARKER_STALE);
  end_peer(&child);
}

static void a_terminated_holder_leaves_a_stale_marker(void)
{
  char stale[1024];
  struct peer holder;
  const char *path = at("store.lock");
  start_peer(&holder, path);
  CHECK_INT(order_peer(&holder, ACQUIRE), CRTX_OK);
  attest(&attestation, path, 0);
  WANT(CRTX_E_CONTENDED, crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  kill_peer(&holder);
  CHECK_INT(state_of(path), CRTX_MARKER_STALE);
  WANT(CRTX_E_MARKER_EXISTS, acquire(path, 0));
  NEED(CRTX_OK, crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  WANT(CRTX_OK, acquire(path, 0));
}

/* ---- the directory ---- */

static void a_directory_that_everybody_may_write_to_is_refused_and_allowed_by_flag(void)
{
  NEED_TRUE(mkdir(at("open"), 0755) == 0);
  WANT(CRTX_OK, acquire(at("open\\store.lock"), 0));
  open_to_everybody(at("open"));
  WANT(CRTX_E_INSECURE_PERMISSIONS, acquire(at("open\\store.lock"), 0));
  WANT(CRTX_OK, acquire(at("open\\store.lock"), CRTX_ALLOW_SHARED_DIRECTORY));
}

static void a_file_is_no_directory(void)
{
  put_text(at("file"), "");
  WANT(CRTX_E_NO_PARENT_DIRECTORY, acquire(at("file\\store.lock"), 0));
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(names_that_windows_takes_for_something_else_are_refused),
      CASE(a_path_is_utf_8),
      CASE(upper_and_lower_case_name_one_marker),
      CASE(slashes_and_backslashes_are_the_same),
      CASE(a_path_longer_than_260_characters_works),
      CASE(a_held_marker_is_readable_by_a_program_that_shares_only_reading),
      CASE(a_program_that_does_not_share_deletion_makes_a_release_fail_until_it_closes_the_marker),
      CASE(a_program_that_has_the_marker_open_for_a_moment_delays_a_release),
      CASE(a_file_that_another_program_does_not_share_is_contended),
      CASE(others_may_rename_and_delete_what_is_open_here),
      CASE(a_released_name_is_free_although_somebody_still_has_the_file_open),
      CASE(a_marker_whose_deletion_is_pending_is_contended),
      CASE(a_symbolic_link_in_place_is_refused),
      CASE(a_junction_in_place_is_refused),
      CASE(a_hard_link_or_a_directory_in_place_is_refused),
      CASE(a_child_process_inherits_no_handle),
      CASE(a_terminated_holder_leaves_a_stale_marker),
      CASE(a_directory_that_everybody_may_write_to_is_refused_and_allowed_by_flag),
      CASE(a_file_is_no_directory),
  };
  return RUN(cases, argc, argv);
}
