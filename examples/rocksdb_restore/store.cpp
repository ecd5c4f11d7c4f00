// SPDX-License-Identifier: MIT OR Apache-2.0
#include <rocksdb/db.h>
#include <rocksdb/utilities/backup_engine.h>
#include <rocksdb/version.h>

#include <cstdio>

#include "ledger.hpp"

static void must(const rocksdb::Status &status) {
  if (!status.ok()) throw std::runtime_error("RocksDB: " + status.ToString());
}

std::string rocksdb_version() { return rocksdb::GetRocksVersionAsString(); }

void close(rocksdb::DB *db) { delete db; }

// As many services do it: what is not there is made.
database open_unguarded(const places &where) {
  rocksdb::Options options;
  options.create_if_missing = true;
  options.compression = rocksdb::kNoCompression;
  options.write_buffer_size = 4 << 20;
  options.disable_auto_compactions = true;
  rocksdb::DB *db = nullptr;
  const rocksdb::Status status = rocksdb::DB::Open(options, where.store, &db);
  if (!status.ok()) throw refused("RocksDB: " + status.ToString());
  return database(db, close);
}

// begin: open
static void refuse_unless_free(const places &where) {
  const crtx::marker_info marker = crtx::inspect(where.marker);  // if it throws, we do not open
  if (marker.state == CRTX_MARKER_ABSENT) return;
  throw refused(where.store + ": a restore " +
                (marker.state == CRTX_MARKER_HELD ? "is at work" : "did not end well") +
                " (process " + std::to_string(marker.pid) + " on " + marker.host + ", since " +
                marker.acquired_at + ")");
}

// Look, open, look again. The first look keeps RocksDB off a store that is half-written, which it
// would tidy up; the second finds a restore that began between the look and RocksDB's LOCK. From
// then on the restore finds LOCK taken.
database open_guarded(const places &where) {
  refuse_unless_free(where);
  database db = open_unguarded(where);
  refuse_unless_free(where);
  return db;
}
// end: open

census take_census(rocksdb::DB &db) {
  census found;
  const auto mix = [&found](const rocksdb::Slice &text) {
    for (std::size_t i = 0; i < text.size(); i++)  // FNV-1a
      found.sum = (found.sum ^ static_cast<unsigned char>(text[i])) * 1099511628211U;
  };
  const std::unique_ptr<rocksdb::Iterator> row(db.NewIterator(rocksdb::ReadOptions()));
  for (row->SeekToFirst(); row->Valid(); row->Next(), found.rows++) {
    mix(row->key());
    mix(row->value());
  }
  must(row->status());
  return found;
}

static std::string key_of(long id) {
  char key[32];
  std::snprintf(key, sizeof key, "entry-%08ld", id);
  return key;
}

// The same rows each time, so that a sum proves them.
static std::string value_of(long id) {
  char value[96];
  std::snprintf(value, sizeof value, "account-%05ld %ld cents, checked by clerk %ld the same day",
                id * 7919 % 10007, id * 104729 % 1000003, id * 31 % 97);
  return value;
}

void build(const places &where, long rows) {
  const database db = open_guarded(where);
  for (long id = 1; id <= rows; id++)
    must(db->Put(rocksdb::WriteOptions(), key_of(id), value_of(id)));
}

void clean_up_badly(const places &where) {
  const database db = open_guarded(where);
  const long rows = take_census(*db).rows;
  for (long id = 1; id <= rows; id++)
    if (id % 4 != 0) must(db->Delete(rocksdb::WriteOptions(), key_of(id)));
  must(db->CompactRange(rocksdb::CompactRangeOptions(), nullptr, nullptr));
}

void back_up(const places &where) {
  const database db = open_guarded(where);
  rocksdb::BackupEngine *opened = nullptr;
  must(rocksdb::BackupEngine::Open(rocksdb::Env::Default(),
                                   rocksdb::BackupEngineOptions(where.backup), &opened));
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);
  must(engine->CreateNewBackup(db.get()));
}
