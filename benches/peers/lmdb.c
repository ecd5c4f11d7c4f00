/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <lmdb.h>
#include <stdio.h>

#include "peers.h"

int lmdb_open_and_close(const char *directory) {
  MDB_env *environment;
  int status = mdb_env_create(&environment);
  if (status != 0) return status;
  status = mdb_env_open(environment, directory, 0, 0644);
  mdb_env_close(environment);
  return status;
}

const char *lmdb_name(void) {
  static char name[32];
  int major, minor, patch;
  mdb_version(&major, &minor, &patch);
  snprintf(name, sizeof name, "%d.%d.%d", major, minor, patch);
  return name;
}
