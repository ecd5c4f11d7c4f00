/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A FUSE file system with an empty root directory and nothing else: enough for statfs to say FUSE. */
#ifndef CRTX_CTESTS_FUSE_MOUNT_H
#define CRTX_CTESTS_FUSE_MOUNT_H

/* Mounts it over the directory, in a mount namespace of this process alone, which should be a child
 * process that exits soon: the mount ends with it. Skips the case where that is not possible. */
void mount_fuse_privately(const char *directory);

#endif
