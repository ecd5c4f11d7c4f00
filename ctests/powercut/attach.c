/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "attach.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/loop.h>
#include <linux/major.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum { TRIES = 100 };

static void pause_briefly(void)
{
  usleep(10000);
}

struct device attach(const char *file, const char *directory)
{
  struct device device;
  struct loop_config config;
  int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
  int backing = open(file, O_RDWR | O_CLOEXEC);
  int tries;
  if (control < 0 || backing < 0) {
    fail("cannot open /dev/loop-control, or the served disk");
  }
  snprintf(device.path, sizeof device.path, "%s/loop", directory);
  memset(&config, 0, sizeof config);
  config.fd = (uint32_t)backing;
  config.info.lo_flags = LO_FLAGS_AUTOCLEAR;
  for (tries = 0; tries < TRIES; tries++) { /* another process may be faster at taking the free one */
    int number = ioctl(control, LOOP_CTL_GET_FREE);
    if (number < 0 || mknod(device.path, S_IFBLK | 0600, makedev(LOOP_MAJOR, (unsigned)number)) != 0) {
      break;
    }
    device.descriptor = open(device.path, O_RDWR | O_CLOEXEC);
    if (device.descriptor >= 0 && ioctl(device.descriptor, LOOP_CONFIGURE, &config) == 0) {
      close(control);
      close(backing);
      return device;
    }
    if (device.descriptor >= 0) {
      close(device.descriptor);
    }
    unlink(device.path);
    pause_briefly();
  }
  fail("cannot attach a loop device");
  return device;
}

void detach(struct device *device)
{
  close(device->descriptor);
  unlink(device->path);
  device->descriptor = -1;
}

bool mount_device(const struct device *device, const char *filesystem, const char *directory)
{
  /* The image has changed under the device: nothing of the last one may stay in its cache. */
  if (ioctl(device->descriptor, BLKFLSBUF, 0) != 0) {
    fail("cannot empty the cache of the loop device");
  }
  return mount(device->path, directory, filesystem, MS_NOATIME, NULL) == 0;
}

void unmount(const char *directory)
{
  int tries;
  for (tries = 0; tries < TRIES && umount(directory) != 0; tries++) {
    if (errno != EBUSY) {
      fail("cannot unmount");
    }
    pause_briefly();
  }
  if (tries == TRIES) {
    fail("the file system stays busy");
  }
}
