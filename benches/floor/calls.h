/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef CRTX_BENCH_CALLS_H
#define CRTX_BENCH_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>

#include "floor.h"

/* Leaves the function with errno if a call fails. Descriptors stay open then: the bench ends. */
#define TRY(call)                \
  do {                           \
    if ((call) < 0) return errno; \
  } while (0)

#define LOCK_FILE (O_NOCTTY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)

/* An errno that no call here gives. */
enum { WAS_NOT_REFUSED = EALREADY };

#endif
