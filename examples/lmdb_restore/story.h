/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#ifndef STORY_H
#define STORY_H

#include "ledger.h"

#define ENTRIES 100000L

struct demo {
  struct ledger ledger;
  struct operator_key operator_key;
  struct operator_key intruder;
  struct order order;
  struct census whole; /* as it was backed up */
  struct engine_lock engine_lock;
  int takeovers; /* so far */
};

/* main.c */
void damage(struct demo *demo);
int is_whole(struct demo *demo);
enum ending restore_signed_by(struct demo *demo, const struct operator_key *signer,
                              crtx_error *error);

/* crash.c */
void show_refusal(struct demo *demo, const char *what, uint32_t state);
void crash(struct demo *demo);
void show_that_lmdb_is_not_enough(struct demo *demo);
void open_while_a_restore_begins_and_dies(struct demo *demo);
int survive_kills(struct demo *demo); /* how many */

#endif /* STORY_H */
