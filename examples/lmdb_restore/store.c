/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "ledger.h"

#include <stdio.h>
#include <string.h>

enum { MAP_BYTES = 1 << 28, KEY_BYTES = 32 };

static void must(int result, const char *what) {
  if (result != MDB_SUCCESS) give_up("LMDB: %s: %s", what, mdb_strerror(result));
}

MDB_env *open_unguarded(struct ledger *ledger) {
  MDB_env *env = NULL;
  int result = mdb_env_create(&env);
  if (ledger->between != NULL) ledger->between(ledger->context);
  if (result == MDB_SUCCESS) result = mdb_env_set_mapsize(env, MAP_BYTES);
  if (result == MDB_SUCCESS) result = mdb_env_open(env, ledger->store, 0, 0600);
  if (result == MDB_SUCCESS) return env;
  mdb_env_close(env);
  snprintf(ledger->text, sizeof ledger->text, "LMDB: %s", mdb_strerror(result));
  return NULL;
}

/* begin: open */
static int may_open(struct ledger *ledger) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_marker marker = CRTX_MARKER_INIT;
  if (crtx_marker_inspect(ledger->marker, &marker, &error) != CRTX_OK) {
    snprintf(ledger->text, sizeof ledger->text, "%s", error.message);
    return 0; /* who cannot look does not open */
  }
  if (marker.state == CRTX_MARKER_ABSENT) return 1;
  snprintf(ledger->text, sizeof ledger->text, "%s: a restore %s (process %lu on %s, since %s)",
           ledger->store, marker.state == CRTX_MARKER_HELD ? "is at work" : "did not end well",
           (unsigned long)marker.pid, marker.host, marker.acquired_at);
  return 0;
}

/* Look, open, look again. The first look keeps LMDB off a store that is half-written; the second
 * finds a restore that began between the look and LMDB's own lock. From then on the restore finds
 * that lock taken. */
MDB_env *open_guarded(struct ledger *ledger) {
  MDB_env *env = may_open(ledger) ? open_unguarded(ledger) : NULL;
  if (env == NULL || may_open(ledger)) return env;
  mdb_env_close(env);
  return NULL;
}
/* end: open */

static unsigned long long mix(unsigned long long sum, const MDB_val *value) {
  const unsigned char *bytes = value->mv_data;
  size_t i;
  for (i = 0; i < value->mv_size; i++) sum = (sum ^ bytes[i]) * 1099511628211ULL; /* FNV-1a */
  return sum;
}

int take_census(MDB_env *env, struct census *census) {
  MDB_txn *txn = NULL;
  MDB_cursor *cursor = NULL;
  MDB_dbi ledger = 0;
  MDB_val key, value;
  int result = mdb_txn_begin(env, NULL, MDB_RDONLY, &txn);
  memset(census, 0, sizeof *census);
  if (result == MDB_SUCCESS) result = mdb_dbi_open(txn, NULL, 0, &ledger);
  if (result == MDB_SUCCESS) result = mdb_cursor_open(txn, ledger, &cursor);
  while (result == MDB_SUCCESS) {
    result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
    if (result != MDB_SUCCESS) break;
    census->entries++;
    census->sum = mix(mix(census->sum, &key), &value);
  }
  if (cursor != NULL) mdb_cursor_close(cursor);
  if (txn != NULL) mdb_txn_abort(txn);
  return result == MDB_NOTFOUND ? MDB_SUCCESS : result;
}

static MDB_env *open_for_work(struct ledger *ledger) {
  MDB_env *env = open_guarded(ledger);
  if (env == NULL) give_up("%s", ledger->text);
  return env;
}

/* The same entries each time, so that a sum proves them. */
static void put_entry(MDB_txn *txn, MDB_dbi dbi, long id) {
  char key[KEY_BYTES], value[96];
  MDB_val k, v;
  k.mv_size = (size_t)snprintf(key, sizeof key, "entry-%08ld", id);
  v.mv_size = (size_t)snprintf(value, sizeof value,
                               "account-%05ld %ld cents, checked by clerk %ld the same day",
                               id * 7919 % 10007, id * 104729 % 1000003, id * 31 % 97);
  k.mv_data = key;
  v.mv_data = value;
  must(mdb_put(txn, dbi, &k, &v, MDB_APPEND), "put");
}

void build(struct ledger *ledger, long entries) {
  MDB_env *env = open_for_work(ledger);
  MDB_txn *txn;
  MDB_dbi dbi;
  long id;
  must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
  must(mdb_dbi_open(txn, NULL, 0, &dbi), "open the table");
  for (id = 1; id <= entries; id++) put_entry(txn, dbi, id);
  must(mdb_txn_commit(txn), "commit");
  mdb_env_close(env);
}

/* One transaction of many, because LMDB writes over pages only that an earlier one has freed. */
static long delete_from(MDB_env *env, char *from, long count) {
  MDB_txn *txn;
  MDB_dbi dbi;
  MDB_cursor *cursor;
  MDB_val key, value;
  long seen = 0;
  int result;
  key.mv_size = strlen(from);
  key.mv_data = from;
  must(mdb_txn_begin(env, NULL, 0, &txn), "begin");
  must(mdb_dbi_open(txn, NULL, 0, &dbi), "open the table");
  must(mdb_cursor_open(txn, dbi, &cursor), "cursor");
  result = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
  while (result == MDB_SUCCESS && seen < count) {
    if (seen++ % 4 != 0) must(mdb_cursor_del(cursor, 0), "delete");
    result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
  }
  if (result == MDB_SUCCESS) memcpy(from, key.mv_data, key.mv_size);
  mdb_cursor_close(cursor);
  must(mdb_txn_commit(txn), "commit");
  return result == MDB_SUCCESS;
}

void clean_up_badly(struct ledger *ledger) {
  MDB_env *env = open_for_work(ledger);
  char from[KEY_BYTES] = "entry-00000001";
  while (delete_from(env, from, 4000)) continue;
  mdb_env_close(env);
}

/* A consistent copy, page by page, of an environment that may be in use. */
void back_up(struct ledger *ledger) {
  MDB_env *env = open_for_work(ledger);
  must(mdb_env_copy(env, ledger->backup), "copy");
  mdb_env_close(env);
}
