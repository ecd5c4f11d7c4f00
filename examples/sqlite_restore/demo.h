/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of the demo, one file a noun: workspace, database, restore. */
#ifndef DEMO_H
#define DEMO_H

#include "../kit/kit.h"

#define ROWS 100000L

/* Where SQLite locks: the page at 1 GiB, whatever is there. https://sqlite.org/lockingv3.html */
enum { SQLITE_LOCK_BYTES = 0x40000000, SQLITE_LOCK_BYTES_COUNT = 512 };

/* workspace.c: where things are */
struct workspace {
  char root[PATH_SIZE];
  char store[PATH_SIZE];          /* the active database, in WAL mode */
  char events[PATH_SIZE];         /* the active event log, JSON lines */
  char marker[PATH_SIZE];         /* the lock's marker, beside the store */
  char companion[PATH_SIZE];      /* its OS lock, as the kernel sees it */
  char foreign_marker[PATH_SIZE]; /* that of another deployment */
  char staged_store[PATH_SIZE];
  char staged_events[PATH_SIZE];
  char manifest[PATH_SIZE];
};
void make_workspace(struct workspace *workspace, int keep);

/* database.c */
struct census {
  long rows;
  long long cents; /* the sum over all entries */
  char journal_mode[16];
  char integrity[160]; /* "ok", or what SQLite says */
};
struct sqlite3;
void build_database(const char *path, long rows);
void back_up_database(const char *from, const char *to);
void damage_database(const char *path);
int take_census(const char *path, struct census *census); /* 0: the database can be read */
struct sqlite3 *open_guarded(const struct workspace *workspace); /* NULL: refused */
void run_service(void *workspace, int channel); /* has the database open until it may go on */

/* restore.c: the backup's pages over the active store */
struct restoration {
  const struct workspace *workspace;
  const crtx_lock_options *options;
};
struct report {
  long done;
  long total;
};
void run_restore(void *restoration, int channel); /* tells how far it is */
int restore_store(const struct workspace *workspace, crtx_lock lock); /* 0: it is in use */

#endif /* DEMO_H */
