/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "fuse_mount.h"

#include "harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { REQUEST_SIZE = 1 << 17, OUR_MINOR = 31 };

static int device;

static void reply(const struct fuse_in_header *request, int error, const void *body, size_t size)
{
  char message[sizeof(struct fuse_out_header) + 256];
  struct fuse_out_header header;
  header.len = (uint32_t)(sizeof header + size);
  header.error = -error;
  header.unique = request->unique;
  memcpy(message, &header, sizeof header);
  if (size > 0) {
    memcpy(message + sizeof header, body, size);
  }
  if (write(device, message, header.len) < 0) {
    return; /* the request was interrupted: nobody waits for the answer */
  }
}

static void reply_init(const struct fuse_in_header *request)
{
  struct fuse_init_in wanted;
  struct fuse_init_out answer;
  memcpy(&wanted, request + 1, sizeof wanted.major + sizeof wanted.minor);
  memset(&answer, 0, sizeof answer);
  answer.major = FUSE_KERNEL_VERSION;
  answer.minor = wanted.minor < OUR_MINOR ? wanted.minor : OUR_MINOR;
  answer.max_write = 4096;
  reply(request, 0, &answer, sizeof answer);
}

static void reply_root_attributes(const struct fuse_in_header *request)
{
  struct fuse_attr_out answer;
  memset(&answer, 0, sizeof answer);
  answer.attr.ino = FUSE_ROOT_ID;
  answer.attr.mode = S_IFDIR | 0755;
  answer.attr.nlink = 2;
  answer.attr.blksize = 4096;
  reply(request, 0, &answer, sizeof answer);
}

static void reply_statfs(const struct fuse_in_header *request)
{
  struct fuse_statfs_out answer;
  memset(&answer, 0, sizeof answer);
  answer.st.blocks = 1000;
  answer.st.bsize = answer.st.frsize = 4096;
  answer.st.namelen = 255;
  reply(request, 0, &answer, sizeof answer);
}

static void answer_request(const struct fuse_in_header *request)
{
  struct fuse_open_out opened;
  memset(&opened, 0, sizeof opened);
  switch (request->opcode) {
  case FUSE_INIT:
    reply_init(request);
    break;
  case FUSE_GETATTR:
    reply_root_attributes(request);
    break;
  case FUSE_STATFS:
    reply_statfs(request);
    break;
  case FUSE_OPENDIR:
    reply(request, 0, &opened, sizeof opened);
    break;
  case FUSE_LOOKUP:
    reply(request, ENOENT, NULL, 0);
    break;
  case FUSE_RELEASEDIR:
  case FUSE_ACCESS:
  case FUSE_DESTROY:
    reply(request, 0, NULL, 0);
    break;
  case FUSE_FORGET:
  case FUSE_BATCH_FORGET:
  case FUSE_INTERRUPT:
    break; /* these want no answer */
  default:
    reply(request, ENOSYS, NULL, 0);
  }
}

static void serve(void)
{
  /* of 64-bit words, for the alignment of the kernel's structs */
  static uint64_t request[REQUEST_SIZE / sizeof(uint64_t)];
  for (;;) {
    ssize_t length = read(device, request, sizeof request);
    if (length >= (ssize_t)sizeof(struct fuse_in_header)) {
      answer_request((const struct fuse_in_header *)(const void *)request);
    } else if (length >= 0 || (errno != EINTR && errno != EAGAIN && errno != ENOENT)) {
      return; /* unmounted */
    }
  }
}

void mount_fuse_privately(const char *directory)
{
  char options[128];
  pid_t server;
  if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0) {
    skip_case("needs the right to make a mount namespace");
  }
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) {
    skip_case("needs /dev/fuse");
  }
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("crtx-ctests", directory, "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
    skip_case("needs the right to mount a FUSE file system");
  }
  server = fork();
  if (server == 0) {
    /* A process, not a thread: valgrind runs one thread at a time, and may not switch to the server
     * while another thread waits in the kernel for its answer. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    serve();
    _exit(0);
  }
  NEED_TRUE(server > 0);
}
