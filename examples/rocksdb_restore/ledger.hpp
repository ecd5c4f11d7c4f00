// SPDX-License-Identifier: MIT OR Apache-2.0
// A ledger in RocksDB: store.cpp opens it, restore.cpp restores it, main.cpp tells the story.
#ifndef LEDGER_HPP
#define LEDGER_HPP

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "../kit/kit.h"
#include "crtx.hpp"

namespace rocksdb {
class DB;
}

struct places {
  explicit places(const std::string &root);
  std::string store;   // the database's directory
  std::string backup;  // BackupEngine's directory
  std::string lock;    // RocksDB's own lock, in the directory that a restore empties
  std::string marker;  // ours, beside it
};

// Refused, in one sentence.
struct refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// store.cpp. Who calls any of these has RocksDB's threads from then on, and must not fork.
struct census {
  long rows = 0;
  std::uint64_t sum = 0;  // over all keys and values, in order
};
std::string rocksdb_version();
void close(rocksdb::DB *db);
using database = std::unique_ptr<rocksdb::DB, void (*)(rocksdb::DB *)>;
database open_guarded(const places &where);    // throws refused
database open_unguarded(const places &where);  // what RocksDB alone does; throws refused
census take_census(rocksdb::DB &db);
void build(const places &where, long rows);
void clean_up_badly(const places &where);  // three of four rows are lost
void back_up(const places &where);

// restore.cpp
struct operator_keys {
  crtx::bytes seed, public_key;
};
struct staged_file {
  std::string name;    // in the store, once it is restored
  std::string digest;  // as it was authorized
};
struct order {  // what an operator has signed
  crtx::lock_options options;
  std::vector<staged_file> files;
};
// Is told how many bytes have been written so far.
using watcher = std::function<void(long)>;
order authorize(const places &where, const operator_keys &keys);
void restore(const places &where, const order &order, const watcher &watch);
std::string restore_by_takeover(const places &where, const order &order,
                                const crtx::signed_document &attestation);
void restore_unguarded(const places &where);  // what BackupEngine alone does

#endif
