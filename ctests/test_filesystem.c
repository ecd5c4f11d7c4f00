/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What else may stand in the directory: links, FIFOs, devices; and names of any bytes. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

static struct signed_text attestation;

/* Every call that opens the marker or its companion, while something irregular stands in for one. */
static void want_not_regular_from_writers(const char *path)
{
  char stale[1024];
  crtx_lock lock = {77};
  crtx_lock_options options = usual_options();
  watchdog(15); /* a FIFO would block a careless open for ever */
  WANT(CRTX_E_NOT_REGULAR_FILE, crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(lock.opaque, 0);
  WANT(CRTX_E_NOT_REGULAR_FILE, crtx_quarantine(path, &attestation.document, stale, sizeof stale, NULL, &last_error));
  WANT(CRTX_E_NOT_REGULAR_FILE,
       crtx_takeover(path, &attestation.document, &options, &lock, stale, sizeof stale, NULL, &last_error));
}

static void want_not_regular_from_readers(const char *path)
{
  char text[4096];
  crtx_marker marker;
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  WANT(CRTX_E_NOT_REGULAR_FILE, crtx_marker_inspect(path, &marker, &last_error));
  WANT(CRTX_E_NOT_REGULAR_FILE, crtx_marker_read(path, text, sizeof text, NULL, &last_error));
  WANT(CRTX_E_NOT_REGULAR_FILE, crtx_takeover_build(path, DEPLOYMENT, attestation.key, 32, "x", 60, 0, text, sizeof text,
                                                    NULL, &last_error));
}

static void make_fifo(const char *path)
{
  NEED_TRUE(mkfifo(path, 0644) == 0);
}

static void make_directory(const char *path)
{
  NEED_TRUE(mkdir(path, 0755) == 0);
}

static void make_symlink(const char *path)
{
  NEED_TRUE(symlink(at("victim"), path) == 0);
}

static void make_dangling_symlink(const char *path)
{
  NEED_TRUE(symlink(at("not-there"), path) == 0);
}

static void make_hard_link(const char *path)
{
  NEED_TRUE(link(at("victim"), path) == 0);
}

static void make_socket(const char *path)
{
  struct sockaddr_un address;
  int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  NEED_TRUE(server >= 0 && strlen(path) < sizeof address.sun_path);
  strcpy(address.sun_path, path);
  NEED_TRUE(bind(server, (struct sockaddr *)&address, sizeof address) == 0);
  close(server);
}

static void make_device(const char *path)
{
  if (mknod(path, S_IFCHR | 0644, makedev(1, 3)) != 0) {
    skip_case("needs the right to make a device");
  }
}

/* The victim looks like a marker that the attestation names, to tempt the library. */
static void put_something_in_place(void (*make)(const char *path))
{
  const char *path = at("store.lock");
  struct stat before, after;
  char text[4096];
  put_marker(at("victim"), 4711, LONG_AGO);
  NEED_TRUE(chmod(at("victim"), 0640) == 0);
  attest(&attestation, at("victim"), 0);
  get_bytes(at("victim"), text, sizeof text);
  make(path);
  before = status_of(at("victim"));
  want_not_regular_from_writers(path);
  want_not_regular_from_readers(path);
  unlink(path);
  rmdir(path);
  put_marker(path, 4711, LONG_AGO);
  unlink(at("store.lock.flock")); /* a refused call may leave one */
  make(at("store.lock.flock"));
  want_not_regular_from_writers(path);
  CHECK(exists(path));
  after = status_of(at("victim"));
  CHECK(holds_text(at("victim"), text));
  CHECK_INT(after.st_mode, before.st_mode);
  CHECK_INT(after.st_uid, before.st_uid);
  CHECK(!exists(at("not-there")));
}

static void a_fifo_in_place_is_refused_at_once(void)
{
  put_something_in_place(make_fifo);
}

static void a_directory_in_place_is_refused(void)
{
  put_something_in_place(make_directory);
}

static void a_symlink_in_place_is_refused_and_its_target_untouched(void)
{
  put_something_in_place(make_symlink);
}

static void a_dangling_symlink_in_place_is_refused_and_creates_nothing(void)
{
  put_something_in_place(make_dangling_symlink);
}

static void a_hard_link_in_place_is_refused_and_its_other_name_untouched(void)
{
  put_something_in_place(make_hard_link);
}

static void a_socket_in_place_is_refused(void)
{
  put_something_in_place(make_socket);
}

static void a_device_in_place_is_refused(void)
{
  put_something_in_place(make_device);
}

static void a_symlink_under_the_reserved_name_leads_nowhere(void)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  crtx_status status;
  put_text(at("victim"), "precious");
  NEED_TRUE(symlink(at("victim"), at("store.lock.new")) == 0);
  status = crtx_lock_acquire(at("store.lock"), &options, &lock, &last_error);
  CHECK(status == CRTX_OK || status == CRTX_E_NOT_REGULAR_FILE);
  if (status == CRTX_OK) {
    CHECK(S_ISREG(status_of(at("store.lock")).st_mode));
    let_go(lock);
  }
  CHECK(holds_text(at("victim"), "precious"));
}

static void a_path_of_any_bytes_works_and_is_escaped_in_messages(void)
{
  crtx_lock lock, second = {0};
  crtx_lock_options options = usual_options();
  const char *path = at("\xff\x1b[2J\n.lock");
  lock = hold(path);
  CHECK(exists(path));
  WANT(CRTX_E_MARKER_EXISTS, crtx_lock_acquire(path, &options, &second, &last_error)); /* WANT reads the message */
  let_go(lock);
  CHECK_INT(entries_in(at("")), 0);
}

/* ---- the operating system says no ---- */

static void acquire_without_descriptors(void *path)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  struct rlimit none = {0, 0}, usual;
  crtx_status status;
  NEED_TRUE(getrlimit(RLIMIT_NOFILE, &usual) == 0);
  none.rlim_max = usual.rlim_max;
  NEED_TRUE(setrlimit(RLIMIT_NOFILE, &none) == 0);
  clear_error();
  status = crtx_lock_acquire(path, &options, &lock, &last_error);
  setrlimit(RLIMIT_NOFILE, &usual);
  CHECK_INT(status, CRTX_E_IO);
  CHECK_INT(last_error.os_error, EMFILE);
  CHECK(!exists(path));
  let_go(hold(path));
}

static void too_many_open_files_is_an_io_error_with_its_errno(void)
{
  char path[512];
  snprintf(path, sizeof path, "%s", at("store.lock"));
  in_child(acquire_without_descriptors, path);
}

static void acquire_without_room(void *path)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  struct rlimit none = {0, 0}, usual;
  crtx_status status;
  signal(SIGXFSZ, SIG_IGN);
  NEED_TRUE(getrlimit(RLIMIT_FSIZE, &usual) == 0);
  none.rlim_max = usual.rlim_max;
  NEED_TRUE(setrlimit(RLIMIT_FSIZE, &none) == 0);
  clear_error();
  status = crtx_lock_acquire(path, &options, &lock, &last_error);
  setrlimit(RLIMIT_FSIZE, &usual);
  CHECK_INT(status, CRTX_E_IO);
  CHECK_INT(last_error.os_error, EFBIG);
  CHECK_INT(lock.opaque, 0);
  CHECK(!exists(path));
  let_go(hold(path));
  CHECK_INT(entries_in(at("")), 0);
}

static void a_marker_that_cannot_be_written_leaves_the_store_free(void)
{
  char path[512];
  snprintf(path, sizeof path, "%s", at("store.lock"));
  in_child(acquire_without_room, path);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(a_fifo_in_place_is_refused_at_once),
      CASE(a_directory_in_place_is_refused),
      CASE(a_symlink_in_place_is_refused_and_its_target_untouched),
      CASE(a_dangling_symlink_in_place_is_refused_and_creates_nothing),
      CASE(a_hard_link_in_place_is_refused_and_its_other_name_untouched),
      CASE(a_socket_in_place_is_refused),
      CASE(a_device_in_place_is_refused),
      CASE(a_symlink_under_the_reserved_name_leads_nowhere),
      CASE(a_path_of_any_bytes_works_and_is_escaped_in_messages),
      CASE(too_many_open_files_is_an_io_error_with_its_errno),
      CASE(a_marker_that_cannot_be_written_leaves_the_store_free),
  };
  return RUN(cases, argc, argv);
}
