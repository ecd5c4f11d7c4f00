/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* The parts of the demo, one file a noun: display, workspace, database, operator, restore. */
#ifndef DEMO_H
#define DEMO_H

#ifndef _XOPEN_SOURCE
#define _XOPEN_SOURCE 700 /* nftw, realpath, mkdtemp, pwrite */
#endif
#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE 1 /* explicit_bzero */
#endif

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "crtx.h"

#define DEPLOYMENT "ledger-production"
#define ROWS 100000L
#define TEXT_SIZE 80 /* room for a digest or a principal as text, as in crtx_marker */

/* display.c: numbered steps on standard output, plain text only, so that a pipe gets the same. */
void title(const char *format, ...);
void step(const char *label, const char *format, ...); /* " 3  Label       text" */
void line(const char *format, ...);                    /* continues a step */
void paragraph(const char *text);                      /* the same, wrapped to the page */
void progress(const char *verb, long done, long total, const char *unit); /* on a terminal only */
void progress_end(void);
const char *grouped(long number); /* "100,000"; good until the fourth call after */

#ifdef __GNUC__
#define ENDS_PROGRAM __attribute__((noreturn))
#else
#define ENDS_PROGRAM
#endif

/* What must hold. The first thing that does not is printed and ends the program with 1. */
void expect(int held, const char *format, ...);
void expect_status(crtx_status got, crtx_status wanted, const crtx_error *error, const char *what);
long expectations_held(void);
ENDS_PROGRAM void give_up(const char *format, ...); /* the demo itself could not go on */

/* workspace.c: the files of the demo, in a temporary directory that goes when the program ends. */
#define PATH_SIZE 1024
#define STALE_PATH_SIZE (PATH_SIZE + CRTX_STALE_PATH_EXTRA)
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
void write_file(const char *path, const char *text);
void append_file(const char *path, const char *text);
void copy_small_file(const char *from, const char *to);
void file_digest(const char *path, char digest[TEXT_SIZE]);
long file_size(const char *path); /* in bytes, -1 if there is none */

/* database.c */
struct census {
  long rows;
  long long cents; /* the sum over all entries */
  char journal_mode[16];
  char integrity[160]; /* "ok", or what SQLite says */
};
void build_database(const char *path, long rows);
void back_up_database(const char *from, const char *to);
void damage_database(const char *path);
int take_census(const char *path, struct census *census); /* 0: the database can be read */

/* operator.c: keys and signed documents */
struct operator_key {
  uint8_t seed[CRTX_SEED_SIZE];
  uint8_t public_key[CRTX_PUBLIC_KEY_SIZE];
  char principal[TEXT_SIZE];
};
struct document {
  char payload[4096];
  size_t payload_len;
  uint8_t signature[CRTX_SIGNATURE_SIZE];
};
void make_operator(struct operator_key *key);
void forget_operator(struct operator_key *key);
void attest_takeover(struct document *document, const struct operator_key *signer,
                     const char *marker, int64_t now_unix_ns); /* now 0: the system clock */
void sign_intent(struct document *document, const struct operator_key *signer,
                 const crtx_intent_expectation *intent);
crtx_signed_document as_signed(const struct document *document, const struct operator_key *trusted);
int64_t now_ns(void);

/* restore.c: the backup's pages over the active store */
struct child {
  pid_t pid;
  int channel; /* the child tells how far it is, and waits for leave to go on */
};
struct child start_restore(const struct workspace *workspace, const crtx_lock_options *options);
int child_progress(const struct child *child, long *done, long *total); /* 0: it has died */
void let_child_go_on(const struct child *child);
void kill_child(const struct child *child);
void restore_store(const struct workspace *workspace, crtx_lock lock);

#endif /* DEMO_H */
