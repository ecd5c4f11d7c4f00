/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A FUSE file system with two files: "disk", for a loop device, and "marks", a log of events. */
#ifndef CRTX_POWERCUT_SERVE_H
#define CRTX_POWERCUT_SERVE_H

#include "disk.h"

#include <sys/types.h>

/* Mounts it and returns the process that serves it. That process ends with the mount, or with this one. */
pid_t serve(struct disk *disk, const char *directory);

#endif
