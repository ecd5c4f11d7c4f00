/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/*
 * Locks of C libraries, each as its users take it. Every function returns 0, or the library's own
 * error number (-1 where it has none).
 */
#ifndef CRTX_BENCH_PEERS_H
#define CRTX_BENCH_PEERS_H

#ifdef __cplusplus
extern "C" {
#endif

/* An environment in an existing directory: opening it takes the lock file, closing gives it back. */
int lmdb_open_and_close(const char *directory);
const char *lmdb_name(void);

/* One connection to a database, kept open. */
int sqlite_connect(const char *path, void **connection);
int sqlite_exclusive_and_rollback(void *connection);
const char *sqlite_name(void);

/* The environment's LockFile() and UnlockFile(), and an existing empty database opened and closed. */
int rocksdb_lock_and_unlock(const char *path);
int rocksdb_create_empty(const char *directory);
int rocksdb_open_and_close_empty(const char *directory);
const char *rocksdb_name(void);

/* 1 if another LockFile() of the same path is refused, as it is to be. */
int rocksdb_lock_is_refused(const char *path);

#ifdef __cplusplus
}
#endif

#endif
