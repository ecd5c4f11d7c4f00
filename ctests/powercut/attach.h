/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The loop device on the served disk, and the file system on the loop device. */
#ifndef CRTX_POWERCUT_ATTACH_H
#define CRTX_POWERCUT_ATTACH_H

#include <stdbool.h>

struct device {
  int descriptor; /* the kernel detaches the device when this is closed, however that happens */
  char path[4096];
};

/* The device's node is made in the directory: /dev may lack one for it. */
struct device attach(const char *file, const char *directory);
void detach(struct device *device);
/* False, with errno, if the file system refuses. */
bool mount_device(const struct device *device, const char *filesystem, const char *directory);
void unmount(const char *directory);

#endif
