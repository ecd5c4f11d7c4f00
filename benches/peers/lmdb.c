/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <lmdb.h>
#include <stddef.h>

#include "peers.h"

int lmdb_open_and_close(const char *directory) {
  MDB_env *environment;
  int status = mdb_env_create(&environment);
  if (status != 0) return status;
  status = mdb_env_open(environment, directory, 0, 0644);
  mdb_env_close(environment);
  return status;
}

const char *lmdb_name(void) { return mdb_version(NULL, NULL, NULL); }
