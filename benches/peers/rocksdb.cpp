// SPDX-License-Identifier: MIT OR Apache-2.0
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/version.h>

#include <string>

#include "peers.h"

namespace {

int open_and_close(const char *directory, bool create) {
  rocksdb::Options options;
  options.create_if_missing = create;
  rocksdb::DB *database = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, directory, &database);
  delete database;
  return status.ok() ? 0 : -1;
}

}  // namespace

int rocksdb_lock_and_unlock(const char *path) {
  rocksdb::Env *environment = rocksdb::Env::Default();
  rocksdb::FileLock *lock = nullptr;
  if (!environment->LockFile(path, &lock).ok()) return -1;
  return environment->UnlockFile(lock).ok() ? 0 : -1;
}

int rocksdb_lock_is_refused(const char *path) {
  rocksdb::Env *environment = rocksdb::Env::Default();
  rocksdb::FileLock *lock = nullptr;
  rocksdb::FileLock *second = nullptr;
  if (!environment->LockFile(path, &lock).ok()) return -1;
  const bool refused = !environment->LockFile(path, &second).ok();
  return environment->UnlockFile(lock).ok() && refused ? 1 : 0;
}

int rocksdb_create_empty(const char *directory) { return open_and_close(directory, true); }

int rocksdb_open_and_close_empty(const char *directory) { return open_and_close(directory, false); }

const char *rocksdb_name(void) {
  static const std::string name = std::to_string(ROCKSDB_MAJOR) + "." + std::to_string(ROCKSDB_MINOR) +
                                  "." + std::to_string(ROCKSDB_PATCH);
  return name.c_str();
}
