/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Runs a command that finds a directory on a network filesystem (FUSE) in CRTX_CONFORMANCE_NETWORK, or, where
 * none can be mounted, does not find it: network COMMAND... */
#include "../fuse_mount.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

enum { COULD_NOT_MOUNT = 77 }; /* the exit code of the harness for a skipped case */

static void run(char **command)
{
  execvp(command[0], command);
  perror(command[0]);
  _exit(127);
}

static void run_with(char *directory, char **command)
{
  mount_fuse_privately(directory);
  setenv("CRTX_CONFORMANCE_NETWORK", directory, 1);
  run(command);
}

int main(int argc, char **argv)
{
  char directory[] = "/tmp/crtx-network-XXXXXX";
  int status = 0;
  pid_t child;
  if (argc < 2 || mkdtemp(directory) == NULL) {
    fprintf(stderr, "usage: %s COMMAND...\n", argv[0]);
    return 2;
  }
  child = fork();
  if (child == 0) {
    run_with(directory, argv + 1);
  }
  if (child < 0 || waitpid(child, &status, 0) != child) {
    perror("fork");
    return 2;
  }
  rmdir(directory);
  if (WIFEXITED(status) && WEXITSTATUS(status) == COULD_NOT_MOUNT) {
    run(argv + 1);
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
