/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * The raw protocol of /dev/fuse, one request after the other: so the history has the order in which
 * the block layer issued its writes, and a flush comes after the writes that were answered before it.
 *
 * A process of its own, not a thread: while a thread of this process waits inside the kernel for a
 * file system on this disk, the process could not be killed, because its /dev/fuse would stay open.
 */
#include "serve.h"

#include "fail.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { DISK_NODE = 2, MARKS_NODE = 3, OUR_MINOR = 31, MOST_PAGES = 256, REQUEST_SIZE = (MOST_PAGES + 1) * 4096 };

static int device;
static struct disk *served;

static void reply(const struct fuse_in_header *request, int error, const void *body, size_t size)
{
  struct fuse_out_header header;
  struct iovec parts[2];
  header.len = (uint32_t)(sizeof header + size);
  header.error = -error;
  header.unique = request->unique;
  parts[0].iov_base = &header;
  parts[0].iov_len = sizeof header;
  parts[1].iov_base = (void *)(uintptr_t)body;
  parts[1].iov_len = size;
  if (writev(device, parts, size > 0 ? 2 : 1) < 0) {
    return; /* the request was interrupted: nobody waits for the answer */
  }
}

static void reply_init(const struct fuse_in_header *request)
{
  struct fuse_init_in wanted;
  struct fuse_init_out answer;
  memcpy(&wanted, request + 1, 4 * sizeof(uint32_t));
  memset(&answer, 0, sizeof answer);
  answer.major = FUSE_KERNEL_VERSION;
  answer.minor = wanted.minor < OUR_MINOR ? wanted.minor : OUR_MINOR;
  answer.flags = wanted.flags & (FUSE_MAX_PAGES | FUSE_BIG_WRITES);
  answer.max_pages = MOST_PAGES;
  answer.max_write = MOST_PAGES * 4096;
  reply(request, 0, &answer, sizeof answer);
}

static void fill_attributes(struct fuse_attr *attributes, uint64_t node)
{
  attributes->ino = node;
  attributes->mode = node == FUSE_ROOT_ID ? S_IFDIR | 0700 : S_IFREG | 0600;
  attributes->nlink = node == FUSE_ROOT_ID ? 2 : 1;
  attributes->size = node == DISK_NODE ? served->size : 0;
  attributes->blksize = 4096;
}

static void reply_attributes(const struct fuse_in_header *request)
{
  struct fuse_attr_out answer;
  memset(&answer, 0, sizeof answer);
  answer.attr_valid = 3600;
  fill_attributes(&answer.attr, request->nodeid);
  reply(request, 0, &answer, sizeof answer);
}

static void reply_lookup(const struct fuse_in_header *request)
{
  const char *name = (const char *)(request + 1);
  struct fuse_entry_out answer;
  memset(&answer, 0, sizeof answer);
  answer.nodeid = strcmp(name, "disk") == 0 ? DISK_NODE : strcmp(name, "marks") == 0 ? MARKS_NODE : 0;
  if (answer.nodeid == 0) {
    reply(request, ENOENT, NULL, 0);
    return;
  }
  answer.entry_valid = answer.attr_valid = 3600;
  fill_attributes(&answer.attr, answer.nodeid);
  reply(request, 0, &answer, sizeof answer);
}

static void reply_open(const struct fuse_in_header *request)
{
  struct fuse_open_out answer;
  memset(&answer, 0, sizeof answer);
  answer.open_flags = FOPEN_DIRECT_IO; /* past the page cache: every write comes here, in order */
  reply(request, 0, &answer, sizeof answer);
}

static void reply_read(const struct fuse_in_header *request)
{
  struct fuse_read_in wanted;
  uint64_t left;
  memcpy(&wanted, request + 1, sizeof wanted);
  left = wanted.offset < served->size && request->nodeid == DISK_NODE ? served->size - wanted.offset : 0;
  reply(request, 0, served->image + (left > 0 ? wanted.offset : 0), wanted.size < left ? wanted.size : left);
}

static void reply_write(const struct fuse_in_header *request)
{
  struct fuse_write_in wanted;
  struct fuse_write_out answer;
  const uint8_t *bytes = (const uint8_t *)(request + 1) + sizeof wanted;
  bool done;
  memcpy(&wanted, request + 1, sizeof wanted);
  memset(&answer, 0, sizeof answer);
  answer.size = wanted.size;
  if (request->nodeid == DISK_NODE) {
    done = disk_write(served, wanted.offset, bytes, wanted.size);
  } else {
    done = disk_note(served, RECORD_MARK, bytes, wanted.size);
  }
  reply(request, done ? 0 : ENOSPC, &answer, done ? sizeof answer : 0);
}

static void reply_statfs(const struct fuse_in_header *request)
{
  struct fuse_statfs_out answer;
  memset(&answer, 0, sizeof answer);
  answer.st.bsize = answer.st.frsize = 4096;
  answer.st.namelen = 255;
  reply(request, 0, &answer, sizeof answer);
}

static void answer_request(const struct fuse_in_header *request)
{
  switch (request->opcode) {
  case FUSE_INIT:
    reply_init(request);
    break;
  case FUSE_LOOKUP:
    reply_lookup(request);
    break;
  case FUSE_GETATTR:
    reply_attributes(request);
    break;
  case FUSE_OPEN:
    reply_open(request);
    break;
  case FUSE_READ:
    reply_read(request);
    break;
  case FUSE_WRITE:
    reply_write(request);
    break;
  case FUSE_STATFS:
    reply_statfs(request);
    break;
  case FUSE_FSYNC:
    reply(request, disk_note(served, RECORD_FLUSH, NULL, 0) ? 0 : ENOSPC, NULL, 0);
    break;
  case FUSE_FLUSH: /* close(2): says nothing about the disk's cache */
  case FUSE_RELEASE:
  case FUSE_ACCESS:
  case FUSE_DESTROY:
    reply(request, 0, NULL, 0);
    break;
  case FUSE_FALLOCATE: /* no discards */
    reply(request, EOPNOTSUPP, NULL, 0);
    break;
  case FUSE_FORGET:
  case FUSE_BATCH_FORGET:
  case FUSE_INTERRUPT:
    break; /* these want no answer */
  default:
    reply(request, ENOSYS, NULL, 0);
  }
}

static void answer_all_requests(void)
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

pid_t serve(struct disk *disk, const char *directory)
{
  char options[128];
  pid_t parent = getpid();
  pid_t server;
  served = disk;
  device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
  if (device < 0) {
    fail("cannot open /dev/fuse");
  }
  snprintf(options, sizeof options, "fd=%d,rootmode=40000,user_id=0,group_id=0", device);
  if (mount("crtx-powercut", directory, "fuse", MS_NOSUID | MS_NODEV, options) != 0) {
    fail("cannot mount a FUSE file system");
  }
  fflush(NULL);
  server = fork();
  if (server < 0) {
    fail("fork");
  }
  if (server == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() == parent) {
      answer_all_requests();
    }
    _exit(0);
  }
  close(device);
  return server;
}
