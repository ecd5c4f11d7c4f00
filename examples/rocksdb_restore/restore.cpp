// SPDX-License-Identifier: MIT OR Apache-2.0
#include <rocksdb/env.h>
#include <rocksdb/rate_limiter.h>
#include <rocksdb/utilities/backup_engine.h>

#include <fstream>
#include <sstream>

#include "guard.hpp"
#include "ledger.hpp"

namespace {

void must(const rocksdb::Status &status) {
  if (!status.ok()) throw std::runtime_error("RocksDB: " + status.ToString());
}

std::unique_ptr<rocksdb::BackupEngine> open_backup(const places &where, rocksdb::Env *store_env) {
  rocksdb::BackupEngineOptions options(where.backup);
  options.backup_env = rocksdb::Env::Default();
  // It copies in pieces of rate times period: the lock is checked about ten times a MiB.
  options.restore_rate_limiter.reset(rocksdb::NewGenericRateLimiter(1 << 30, 100));
  rocksdb::BackupEngine *engine = nullptr;
  must(rocksdb::BackupEngine::Open(store_env, options, &engine));
  return std::unique_ptr<rocksdb::BackupEngine>(engine);
}

std::string manifest_of(const places &where) { return where.backup + "/meta/1"; }

// The manifest names each file of the backup after three lines of its own. Tables carry more than
// their name there ("000009_s9CAJ_11371425.sst"): the restore gives them back as "000009.sst".
std::vector<staged_file> staged_files(const places &where) {
  std::ifstream manifest(manifest_of(where));
  std::vector<staged_file> files;
  std::string text;
  for (int number = 1; std::getline(manifest, text); number++) {
    if (number <= 3) continue;
    const std::string path = text.substr(0, text.find(' '));
    std::string name = path.substr(path.rfind('/') + 1);
    const std::size_t more = name.find('_');
    if (path.rfind("shared", 0) == 0 && more != std::string::npos)
      name = name.substr(0, more) + ".sst";
    files.push_back({name, crtx::blake3_file(where.backup + "/" + path)});
  }
  if (files.empty()) throw std::runtime_error("no backup in " + where.backup);
  return files;
}

bool is_table(const std::string &name) { return name.find(".sst") != std::string::npos; }

// An intent names one digest for the tables and one for the rest, logs included.
std::string digest_of_list(const places &where, const std::vector<staged_file> &files,
                           bool tables) {
  const std::string path = where.backup + (tables ? "/tables.blake3" : "/logs.blake3");
  std::ofstream list(path);
  for (const staged_file &file : files)
    if (is_table(file.name) == tables) list << file.digest << ' ' << file.name << '\n';
  list.close();
  return crtx::blake3_file(path);
}

// begin: engine-lock
// Taken while we hold ours: from now on nobody has the database open, and a DB::Open() that did not
// look at the marker is refused as well, as long as this process lives.
class engine_lock {
 public:
  explicit engine_lock(const places &where) {
    const rocksdb::Status status = env_->LockFile(where.lock, &lock_);
    if (!status.ok()) throw refused("the store is open elsewhere: " + status.ToString());
  }
  ~engine_lock() { env_->UnlockFile(lock_); }
  engine_lock(const engine_lock &) = delete;
  engine_lock &operator=(const engine_lock &) = delete;

 private:
  rocksdb::Env *const env_ = rocksdb::Env::Default();
  rocksdb::FileLock *lock_ = nullptr;
};
// end: engine-lock

// begin: copy
void copy_backup(const crtx::lock &lock, const places &where, const watcher &watch) {
  const auto asks_first = std::make_shared<guard>(lock, where.lock, watch);
  const std::unique_ptr<rocksdb::Env> env = rocksdb::NewCompositeEnv(
      std::make_shared<guarded_file_system>(rocksdb::Env::Default()->GetFileSystem(), asks_first));
  const auto engine = open_backup(where, env.get());
  // BackupEngine syncs each file and the directory before it returns. An engine that does not must
  // be synced here, before the marker goes.
  const rocksdb::Status status = engine->RestoreDBFromLatestBackup(where.store, where.store);
  asks_first->rethrow();
  must(status);
}

// What counts is what stands there now.
void verify_files(const places &where, const order &order) {
  for (const staged_file &file : order.files)
    if (crtx::blake3_file(where.store + "/" + file.name) != file.digest)
      throw std::runtime_error(file.name + " is not the one that was authorized");
}
// end: copy

// begin: restore
// With the lock held, by acquire or by takeover; after a takeover the store is not whole until the
// copy is done.
void restore_under(crtx::lock lock, bool whole, const places &where, const order &order,
                   const watcher &watch) {
  try {
    const engine_lock nobody_has_it_open(where);
    whole = false;
    copy_backup(lock, where, watch);
    verify_files(where, order);
    whole = true;
  } catch (...) {
    if (!whole) lock.leak();  // the destructor releases, and the store would count as whole
    throw;
  }
  lock.release();  // tells of a failure, which the destructor would not
}
// end: restore

}  // namespace

// begin: authorize
// What is signed, and what is verified, is made from the files that are there now.
order authorize(const places &where, const operator_keys &keys) {
  order order;
  order.files = staged_files(where);
  crtx::intent_expectation expected;
  expected.active_db_path = where.store;
  expected.active_event_log_path = where.store;  // the write-ahead log is in the same directory
  expected.backup_manifest_blake3 = crtx::blake3_file(manifest_of(where));
  expected.staged_sqlite_blake3 = digest_of_list(where, order.files, true);
  expected.staged_jsonl_blake3 = digest_of_list(where, order.files, false);

  crtx::signed_document intent;  // the operator makes it, elsewhere
  intent.payload = crtx::build_intent(DEPLOYMENT, expected, keys.public_key, 3600);
  intent.signature = crtx::sign(keys.seed, intent.payload);

  intent.public_key = keys.public_key;  // the one that we trust, not one that came with it
  intent.deployment_id = DEPLOYMENT;
  order.options.deployment_id = DEPLOYMENT;
  order.options.operator_principal_id = crtx::operator_principal(keys.public_key);
  order.options.restore_intent_blake3 = crtx::verify_intent(intent, expected);
  return order;
}
// end: authorize

void restore(const places &where, const order &order, const watcher &watch) {
  restore_under(crtx::lock(where.marker, order.options), true, where, order, watch);
}

// begin: takeover
std::string restore_by_takeover(const places &where, const order &order,
                                const crtx::signed_document &attestation) {
  crtx::verify_takeover(where.marker, attestation);  // says what is wrong, and changes nothing
  auto taken = crtx::lock::takeover(where.marker, attestation, order.options);
  restore_under(std::move(taken.held), false, where, order, nullptr);
  return taken.stale_path;
}
// end: takeover

void restore_unguarded(const places &where) {
  must(open_backup(where, rocksdb::Env::Default())
           ->RestoreDBFromLatestBackup(where.store, where.store));
}
