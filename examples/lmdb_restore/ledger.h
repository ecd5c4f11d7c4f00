/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A ledger in LMDB: store.c opens it, restore.c restores it, main.c tells the story. */
#ifndef LEDGER_H
#define LEDGER_H

#include "../kit/kit.h"

#include <lmdb.h>

struct ledger {
  /* For the demo: what happens between the first look and the open. */
  void (*between)(void *context);
  void *context;
  char root[PATH_SIZE];
  char store[PATH_SIZE];     /* the environment's directory: data.mdb and LMDB's lock.mdb */
  char data[PATH_SIZE];      /* what a restore overwrites */
  char lock_file[PATH_SIZE]; /* LMDB's own lock */
  char marker[PATH_SIZE];    /* beside the directory: what is in it, a restore replaces */
  char backup[PATH_SIZE];
  char staged[PATH_SIZE];    /* the backup's data.mdb */
  char manifest[PATH_SIZE];
  char text[2048]; /* why the last call was refused, in one sentence */
};

/* store.c */
struct census {
  long entries;
  unsigned long long sum; /* over all keys and values, in order */
};
MDB_env *open_guarded(struct ledger *ledger);  /* NULL: refused, see ledger->text */
MDB_env *open_unguarded(struct ledger *ledger); /* what LMDB alone does */
int take_census(MDB_env *env, struct census *census); /* 0, or LMDB's error */
void build(struct ledger *ledger, long entries);
void clean_up_badly(struct ledger *ledger); /* three of four entries are lost */
void back_up(struct ledger *ledger);

/* restore.c */
enum ending {
  RESTORED,
  REFUSED,   /* by libcrtx: nothing was written */
  IN_USE,    /* by LMDB's own lock: nothing was written */
  NOT_TRIED, /* LMDB's own lock cannot be asked for: nothing was written */
  IN_DOUBT   /* the store may be half-written, or its marker not gone for good: for the operator */
};
struct order { /* what an operator has signed */
  crtx_lock_options options;
  char digests[2][TEXT_SIZE]; /* of the manifest and of the staged data file */
  char intent_digest[TEXT_SIZE];
};
struct watcher { /* is told how far the copy is */
  void (*after_chunk)(void *context, long done, long total);
  void *context;
};
void describe(const crtx_error *error, char *out, size_t size);
crtx_status authorize(struct ledger *ledger, struct order *order, const struct operator_key *key,
                      crtx_error *error);
enum ending restore(struct ledger *ledger, const struct order *order,
                    const struct watcher *watcher, crtx_error *error);
enum ending restore_by_takeover(struct ledger *ledger, const struct order *order,
                                const struct document *attestation, const struct operator_key *key,
                                crtx_error *error);

#endif /* LEDGER_H */
