// SPDX-License-Identifier: MIT OR Apache-2.0
// BackupEngine knows nothing of locks, but it changes the store through the file system that it is
// given. This one asks before each change whether the lock is still ours.
#ifndef GUARD_HPP
#define GUARD_HPP

#include <rocksdb/file_system.h>

#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "ledger.hpp"

// Shared by the file system and its open files; used by BackupEngine's one copying thread.
class guard {
 public:
  guard(const crtx::lock &lock, std::string engine_lock, watcher watch)
      : lock_(lock), engine_lock_(std::move(engine_lock)), watch_(std::move(watch)) {}

  // begin: check
  // RocksDB is built without exceptions in mind: none may pass through it, so it gets a status and
  // the exception waits until RocksDB has returned.
  rocksdb::IOStatus still_ours() noexcept try {
    lock_.check();
    return rocksdb::IOStatus::OK();
  } catch (const crtx::error &failure) {
    lost_ = std::current_exception();
    return rocksdb::IOStatus::IOError(failure.what());
  }
  // end: check

  void rethrow() const {
    if (lost_) std::rethrow_exception(lost_);
  }
  void wrote(std::size_t bytes) {
    written_ += static_cast<long>(bytes);
    if (watch_) watch_(written_);
  }
  bool is_engine_lock(const std::string &path) const { return path == engine_lock_; }

 private:
  const crtx::lock &lock_;
  const std::string engine_lock_;
  const watcher watch_;
  std::exception_ptr lost_;
  long written_ = 0;
};

class guarded_file : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  guarded_file(std::unique_ptr<rocksdb::FSWritableFile> file, std::shared_ptr<guard> guard)
      : FSWritableFileOwnerWrapper(std::move(file)), guard_(std::move(guard)) {}

  // begin: append
  rocksdb::IOStatus Append(const rocksdb::Slice &data, const rocksdb::IOOptions &options,
                           rocksdb::IODebugContext *debug) override {
    rocksdb::IOStatus status = guard_->still_ours();
    if (status.ok()) status = target()->Append(data, options, debug);
    if (status.ok()) guard_->wrote(data.size());
    return status;
  }
  // end: append
  rocksdb::IOStatus Append(const rocksdb::Slice &data, const rocksdb::IOOptions &options,
                           const rocksdb::DataVerificationInfo &,
                           rocksdb::IODebugContext *debug) override {
    return Append(data, options, debug);
  }

 private:
  const std::shared_ptr<guard> guard_;
};

class guarded_file_system : public rocksdb::FileSystemWrapper {
 public:
  guarded_file_system(const std::shared_ptr<rocksdb::FileSystem> &base,
                      std::shared_ptr<guard> guard)
      : FileSystemWrapper(base), guard_(std::move(guard)) {}
  const char *Name() const override { return "guarded by libcrtx"; }

  rocksdb::IOStatus NewWritableFile(const std::string &path, const rocksdb::FileOptions &options,
                                    std::unique_ptr<rocksdb::FSWritableFile> *file,
                                    rocksdb::IODebugContext *debug) override {
    rocksdb::IOStatus status = guard_->still_ours();
    if (status.ok()) status = target()->NewWritableFile(path, options, file, debug);
    if (status.ok()) *file = std::make_unique<guarded_file>(std::move(*file), guard_);
    return status;
  }

  // begin: keep-lock
  // BackupEngine empties the directory, RocksDB's own LOCK included. We hold that one, and keep it:
  // without it the next DB::Open() would lock another file of the same name, and get in.
  rocksdb::IOStatus DeleteFile(const std::string &path, const rocksdb::IOOptions &options,
                               rocksdb::IODebugContext *debug) override {
    const rocksdb::IOStatus status = guard_->still_ours();
    if (!status.ok() || guard_->is_engine_lock(path)) return status;
    return target()->DeleteFile(path, options, debug);
  }
  // end: keep-lock

  rocksdb::IOStatus RenameFile(const std::string &from, const std::string &to,
                               const rocksdb::IOOptions &options,
                               rocksdb::IODebugContext *debug) override {
    const rocksdb::IOStatus status = guard_->still_ours();
    return status.ok() ? target()->RenameFile(from, to, options, debug) : status;
  }

 private:
  const std::shared_ptr<guard> guard_;
};

#endif
