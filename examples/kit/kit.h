/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the demos share, one file a noun: display, place, child, locks,
 * operator. None of it is needed to use the library; it is what a demo needs to tell its story and
 * to prove it. */
#ifndef KIT_H
#define KIT_H

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

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __GNUC__
#define ENDS_PROGRAM __attribute__((noreturn))
#define LIKE_PRINTF(text, first) __attribute__((format(printf, text, first)))
#else
#define ENDS_PROGRAM
#define LIKE_PRINTF(text, first)
#endif

#define TEXT_SIZE 80 /* room for a digest or a principal as text, as in crtx_marker */

/* display.c: numbered steps on standard output, plain text only, so that a pipe gets the same. */
void title(const char *format, ...) LIKE_PRINTF(1, 2);
void step(const char *label, const char *format, ...) LIKE_PRINTF(2, 3); /* " 3  Label  text" */
void line(const char *format, ...) LIKE_PRINTF(1, 2);                    /* continues a step */
void paragraph(const char *text); /* the same, wrapped to the page */
void progress(const char *verb, long done, long total, const char *unit); /* on a terminal only */
void progress_end(void);
const char *grouped(long number); /* "100,000"; good until the fourth call after */

/* What must hold. The first thing that does not is printed and ends the program with 1. A property
 * is printed and counted; an expectation on the way is silent. */
void shows(int held, const char *property, ...) LIKE_PRINTF(2, 3);
void expect(int held, const char *format, ...) LIKE_PRINTF(2, 3);
void expect_status(crtx_status got, crtx_status wanted, const crtx_error *error, const char *what);
ENDS_PROGRAM void give_up(const char *format, ...) LIKE_PRINTF(1, 2); /* the demo cannot go on */
int closing_line(void); /* "N passed, 0 failed"; the exit status */

/* place.c: a scratch directory that goes when the program ends, and small files in it. */
#define PATH_SIZE 1024
#define STALE_PATH_SIZE (PATH_SIZE + CRTX_STALE_PATH_EXTRA)
void make_place(char root[PATH_SIZE], int keep);
int wants_to_keep(int count, char **arguments); /* --keep; ends the program on anything else */
void join(char out[PATH_SIZE], const char *directory, const char *name);
void make_directory(const char *path);
void write_file(const char *path, const char *text);
void append_file(const char *path, const char *text);
void copy_small_file(const char *from, const char *to);
void file_digest(const char *path, char digest[TEXT_SIZE]);
long file_size(const char *path); /* in bytes, -1 if there is none */
const char *base_name(const char *path);

/* child.c: programs of their own, such as a service or a restore, which may be killed. The parent's
 * leave makes the moment of the kill the same on every machine. */
struct child {
  pid_t pid;
  int channel;
};
typedef void child_body(void *context, int channel);
struct child start_child(child_body *body, void *context);   /* exits with 0 when body returns */
void tell_parent(int channel, const void *report, size_t size); /* and waits for leave to go on */
int child_tells(const struct child *child, void *report, size_t size); /* 0: it has ended */
void let_child_go_on(const struct child *child);
void kill_child(const struct child *child);                  /* SIGKILL */
void expect_child_to_end(const struct child *child);         /* by itself, with 0 */
int is_child(void);

/* locks.c: the engine's own lock and the marker, side by side */
struct engine_lock { /* an fcntl lock, as LMDB, RocksDB and SQLite have it */
  const char *engine;
  const char *path;
  off_t start;
  off_t length; /* 0: to the end of the file */
};
long process_with_lock(const struct engine_lock *lock); /* 0: it is free */
void show_both_locks(const struct engine_lock *lock, const char *marker_path);
crtx_marker look_at(const char *marker_path);
const char *state_name(uint32_t state);

/* operator.c: keys and signed documents */
#define DEPLOYMENT "ledger-production"
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

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* KIT_H */
