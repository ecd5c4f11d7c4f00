/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "demo.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

enum { BACKUP_STEP_PAGES = 64, ROWS_PER_REPORT = 2000 };

static sqlite3 *open_database(const char *path) {
  sqlite3 *database = NULL;
  if (sqlite3_open(path, &database) != SQLITE_OK)
    give_up("cannot open %s: %s", path, sqlite3_errmsg(database));
  return database;
}

static void close_database(sqlite3 *database) {
  if (sqlite3_close(database) != SQLITE_OK) give_up("cannot close: %s", sqlite3_errmsg(database));
}

static void run_sql(sqlite3 *database, const char *sql) {
  if (sqlite3_exec(database, sql, NULL, NULL, NULL) != SQLITE_OK)
    give_up("\"%s\": %s", sql, sqlite3_errmsg(database));
}

static const char *const schema =
    "PRAGMA journal_mode = WAL;"
    "PRAGMA synchronous = NORMAL;"
    "CREATE TABLE entry (id INTEGER PRIMARY KEY, account TEXT NOT NULL, cents INTEGER NOT NULL,"
    "                    memo TEXT NOT NULL);"
    "CREATE INDEX entry_account ON entry (account);";

/* The same rows each time, so that a sum proves them. */
static void insert_entry(sqlite3_stmt *insert, long id) {
  char account[32];
  char memo[96];
  snprintf(account, sizeof account, "account-%05ld", id * 7919 % 10007);
  snprintf(memo, sizeof memo, "transfer %ld, checked by clerk %ld and booked the same day", id,
           id * 31 % 97);
  sqlite3_bind_int64(insert, 1, id);
  sqlite3_bind_text(insert, 2, account, -1, SQLITE_TRANSIENT);
  sqlite3_bind_int64(insert, 3, id * 104729 % 1000003);
  sqlite3_bind_text(insert, 4, memo, -1, SQLITE_TRANSIENT);
  if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK)
    give_up("row %ld: %s", id, sqlite3_errmsg(sqlite3_db_handle(insert)));
}

void build_database(const char *path, long rows) {
  sqlite3 *database = open_database(path);
  sqlite3_stmt *insert = NULL;
  long id;
  run_sql(database, schema);
  run_sql(database, "BEGIN");
  if (sqlite3_prepare_v2(database, "INSERT INTO entry VALUES (?, ?, ?, ?)", -1, &insert, NULL) !=
      SQLITE_OK)
    give_up("prepare: %s", sqlite3_errmsg(database));
  for (id = 1; id <= rows; id++) {
    insert_entry(insert, id);
    if (id % ROWS_PER_REPORT == 0) progress("building ", id, rows, "rows");
  }
  progress_end();
  sqlite3_finalize(insert);
  run_sql(database, "COMMIT");
  close_database(database);
}

static void copy_all_pages(sqlite3_backup *backup) {
  int state;
  do {
    long total;
    state = sqlite3_backup_step(backup, BACKUP_STEP_PAGES);
    total = sqlite3_backup_pagecount(backup);
    progress("backing up", total - sqlite3_backup_remaining(backup), total, "pages");
  } while (state == SQLITE_OK);
  progress_end();
  if (state != SQLITE_DONE) give_up("backup: %s", sqlite3_errstr(state));
}

void back_up_database(const char *from, const char *to) {
  sqlite3 *source = open_database(from);
  sqlite3 *target = open_database(to);
  sqlite3_backup *backup = sqlite3_backup_init(target, "main", source, "main");
  if (backup == NULL) give_up("backup: %s", sqlite3_errmsg(target));
  copy_all_pages(backup);
  if (sqlite3_backup_finish(backup) != SQLITE_OK) give_up("backup: %s", sqlite3_errmsg(target));
  close_database(target);
  close_database(source);
}

void damage_database(const char *path) {
  sqlite3 *database = open_database(path);
  run_sql(database, "DELETE FROM entry WHERE id % 4 <> 0; VACUUM;");
  close_database(database);
}

/* The first row's first column as text; what SQLite says instead if there is none. */
static int first_value(sqlite3 *database, const char *sql, char *text, size_t size) {
  sqlite3_stmt *query = NULL;
  int found = sqlite3_prepare_v2(database, sql, -1, &query, NULL) == SQLITE_OK &&
              sqlite3_step(query) == SQLITE_ROW;
  const char *value =
      found ? (const char *)sqlite3_column_text(query, 0) : sqlite3_errmsg(database);
  snprintf(text, size, "%s", value != NULL ? value : "");
  sqlite3_finalize(query);
  return found ? 0 : -1;
}

int take_census(const char *path, struct census *census) {
  char rows[32];
  char cents[32];
  sqlite3 *database = open_database(path);
  int failed;
  memset(census, 0, sizeof *census);
  failed = first_value(database, "PRAGMA integrity_check(1)", census->integrity,
                       sizeof census->integrity) |
           first_value(database, "SELECT count(*) FROM entry", rows, sizeof rows) |
           first_value(database, "SELECT sum(cents) FROM entry", cents, sizeof cents) |
           first_value(database, "PRAGMA journal_mode", census->journal_mode,
                       sizeof census->journal_mode);
  if (!failed) {
    sscanf(rows, "%ld", &census->rows);
    sscanf(cents, "%lld", &census->cents);
  }
  close_database(database);
  return failed ? -1 : 0;
}

static int may_open(const struct workspace *workspace) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_marker marker = CRTX_MARKER_INIT;
  return crtx_marker_inspect(workspace->marker, &marker, &error) == CRTX_OK &&
         marker.state == CRTX_MARKER_ABSENT;
}

/* Look, open, look again: sqlite3_open() does nothing yet, and it is the first read that takes
 * SQLite's shared lock, which a connection in WAL mode then keeps. */
sqlite3 *open_guarded(const struct workspace *workspace) {
  sqlite3 *database;
  char version[32];
  if (!may_open(workspace)) return NULL;
  database = open_database(workspace->store);
  if (first_value(database, "PRAGMA schema_version", version, sizeof version) == 0 &&
      may_open(workspace))
    return database;
  close_database(database);
  return NULL;
}

void run_service(void *workspace, int channel) {
  sqlite3 *database = open_guarded(workspace);
  if (database == NULL) give_up("the service may not open the store");
  tell_parent(channel, "r", 1);
  close_database(database);
}
