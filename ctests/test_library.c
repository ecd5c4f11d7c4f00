/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The library as a whole: versions, a caught panic, silence, network file systems. */
#include "files.h"
#ifndef _WIN32
#include "fuse_mount.h"
#endif
#include "harness.h"
#include "peer.h"

#ifdef _WIN32
#include <windows.h>
#else
#include <dlfcn.h>
#endif
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void the_library_tells_its_versions(void)
{
  CHECK_TEXT(crtx_version(), "0.1.0");
  CHECK_INT(crtx_abi_version(), CRTX_ABI_VERSION);
  CHECK_INT(crtx_abi_version(), 1);
}

#ifndef _WIN32 /* there is no network drive that a test could set up */
static void acquire_on_fuse(void *path)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  mount_fuse_privately(at(""));
  WANT(CRTX_E_UNSUPPORTED_FILESYSTEM, crtx_lock_acquire(path, &options, &lock, &last_error));
  /* Allowed by flag, it gets as far as creating a file, which this file system cannot. */
  options.flags = CRTX_ALLOW_NETWORK_FILESYSTEM;
  WANT(CRTX_E_IO, crtx_lock_acquire(path, &options, &lock, &last_error));
}

static void a_network_filesystem_is_refused_and_allowed_by_flag(void)
{
  char path[512];
  snprintf(path, sizeof path, "%s", at("store.lock"));
  in_child(acquire_on_fuse, path);
}
#endif

typedef crtx_status (*panic_call)(crtx_error *);

static panic_call find_panic(void)
{
  /* ISO C has no conversion from an object pointer to a function pointer; POSIX wants it to work. */
#ifdef _WIN32
  FARPROC symbol = GetProcAddress(GetModuleHandleA("crtx.dll"), "crtx_test_panic");
#else
  void *symbol = dlsym(RTLD_DEFAULT, "crtx_test_panic");
#endif
  panic_call call;
  memcpy(&call, &symbol, sizeof call);
  if (symbol == NULL) {
    skip_case("needs a library built with the feature test-panic");
  }
  return call;
}

static void a_panic_becomes_internal_and_prints_nothing(void)
{
  panic_call call = find_panic();
  crtx_lock lock = hold(at("store.lock"));
  crtx_status status;
  int saved, capture = open(at("stderr"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  NEED_TRUE(capture >= 0);
  saved = dup(STDERR_FILENO);
  NEED_TRUE(dup2(capture, STDERR_FILENO) >= 0);
  clear_error();
  status = call(&last_error);
  dup2(saved, STDERR_FILENO);
  close(saved);
  close(capture);
  CHECK_INT(status, CRTX_E_INTERNAL);
  CHECK_INT(last_error.status, CRTX_E_INTERNAL);
  CHECK(last_error.message[0] != '\0');
  CHECK_INT(call(NULL), CRTX_E_INTERNAL);
  CHECK_INT(status_of(at("stderr")).st_size, 0);
  WANT(CRTX_OK, crtx_lock_check(lock, &last_error)); /* the library works on */
  let_go(lock);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(the_library_tells_its_versions),
#ifndef _WIN32
      CASE(a_network_filesystem_is_refused_and_allowed_by_flag),
#endif
      CASE(a_panic_becomes_internal_and_prints_nothing),
  };
  return RUN(cases, argc, argv);
}
