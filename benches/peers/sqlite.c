/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <sqlite3.h>
#include <stddef.h>

#include "peers.h"

int sqlite_connect(const char *path, void **connection) {
  sqlite3 *opened;
  int status = sqlite3_open(path, &opened);
  if (status != SQLITE_OK) return status;
  *connection = opened;
  return sqlite3_exec(opened, "create table if not exists t (x)", NULL, NULL, NULL);
}

int sqlite_exclusive_and_rollback(void *connection) {
  sqlite3 *opened = connection;
  const int status = sqlite3_exec(opened, "BEGIN EXCLUSIVE", NULL, NULL, NULL);
  return status != SQLITE_OK ? status : sqlite3_exec(opened, "ROLLBACK", NULL, NULL, NULL);
}

const char *sqlite_name(void) { return sqlite3_libversion(); }
