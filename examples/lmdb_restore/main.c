/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A restore of an LMDB environment that is killed half-way, and what may and may not follow. */
#include "story.h"

#include <stdio.h>
#include <string.h>

static void make_ledger(struct ledger *ledger, int keep) {
  make_place(ledger->root, keep);
  join(ledger->store, ledger->root, "ledger");
  join(ledger->data, ledger->store, "data.mdb");
  join(ledger->lock_file, ledger->store, "lock.mdb");
  join(ledger->marker, ledger->root, "ledger.restore");
  join(ledger->backup, ledger->root, "backup");
  join(ledger->staged, ledger->backup, "data.mdb");
  join(ledger->manifest, ledger->backup, "manifest.json");
  make_directory(ledger->store);
  make_directory(ledger->backup);
}

static void build_and_back_up(struct demo *demo) {
  struct ledger *ledger = &demo->ledger;
  char digest[TEXT_SIZE], text[256];
  MDB_env *env;
  build(ledger, ENTRIES);
  env = open_guarded(ledger);
  expect(env != NULL && take_census(env, &demo->whole) == 0, "the new store can be read");
  mdb_env_close(env);
  expect(demo->whole.entries == ENTRIES, "all entries are in it");
  back_up(ledger);
  file_digest(ledger->staged, digest);
  snprintf(text, sizeof text, "{\"data.mdb\":\"%s\"}\n", digest);
  write_file(ledger->manifest, text);
  step("Build", "%s entries, %s KiB, backed up by mdb_env_copy()", grouped(ENTRIES),
       grouped(file_size(ledger->staged) / 1024));
}

static void authorize_restore(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  expect_status(authorize(&demo->ledger, &demo->order, &demo->operator_key, &error), CRTX_OK,
                &error, "verify the restore intent");
}

static void run_service(void *context, int channel) {
  struct ledger *ledger = context;
  MDB_env *env = open_guarded(ledger);
  if (env == NULL) give_up("%s", ledger->text);
  tell_parent(channel, "r", 1);
  mdb_env_close(env);
}

void damage(struct demo *demo) {
  struct census census;
  MDB_env *env;
  clean_up_badly(&demo->ledger);
  env = open_guarded(&demo->ledger);
  expect(env != NULL && take_census(env, &census) == 0, "the damaged store can be read");
  mdb_env_close(env);
  expect(census.entries == ENTRIES / 4, "three of four entries are gone");
}

static void restore_beside_service(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct child service = start_child(run_service, &demo->ledger);
  char ready, before[TEXT_SIZE], after[TEXT_SIZE];
  enum ending ending;
  expect(child_tells(&service, &ready, 1), "the service opens the store");
  file_digest(demo->ledger.data, before);
  step("In use", "a service, process %ld, has the store open", (long)service.pid);
  show_both_locks(&demo->engine_lock, demo->ledger.marker);
  ending = restore(&demo->ledger, &demo->order, NULL, &error);
  shows(ending == IN_USE, "a restore takes libcrtx's lock, is refused LMDB's, and gives up");
  file_digest(demo->ledger.data, after);
  shows(strcmp(before, after) == 0 && look_at(demo->ledger.marker).state == CRTX_MARKER_ABSENT,
        "nothing was written, and its marker is gone");
  let_child_go_on(&service);
  expect_child_to_end(&service);
}

static void restore_without_engine_lock(const struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct ledger ledger = demo->ledger;
  enum ending ending;
  join(ledger.lock_file, ledger.root, "missing/lock.mdb");
  ending = restore(&ledger, &demo->order, NULL, &error);
  shows(ending == NOT_TRIED && look_at(ledger.marker).state == CRTX_MARKER_ABSENT,
        "a lock file that cannot be opened is not told as a service:");
  paragraph(ledger.text);
}

int is_whole(struct demo *demo) {
  struct ledger *ledger = &demo->ledger;
  struct census census;
  char digest[TEXT_SIZE];
  MDB_env *env;
  file_digest(ledger->data, digest);
  env = open_guarded(ledger);
  expect(env != NULL, "the guarded open lets us in: %s", ledger->text);
  expect(take_census(env, &census) == 0, "the restored store can be read");
  mdb_env_close(env);
  return strcmp(digest, demo->order.digests[1]) == 0 && census.entries == ENTRIES &&
         census.sum == demo->whole.sum;
}

static void show_content(struct demo *demo) {
  shows(is_whole(demo), "data.mdb is the backup, byte for byte; the guarded open lets us in:");
  line("    %s entries, their sum as before", grouped(ENTRIES));
}

static void restore_normally(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  enum ending ending;
  damage(demo);
  step("Restore", "after a bad clean-up job, on a restore intent signed and verified");
  ending = restore(&demo->ledger, &demo->order, NULL, &error);
  shows(ending == RESTORED, "restored: %s", ending == RESTORED ? "checked, copied, verified"
                                                               : demo->ledger.text);
  show_content(demo);
  shows(look_at(demo->ledger.marker).state == CRTX_MARKER_ABSENT, "the marker is gone");
}

enum ending restore_signed_by(struct demo *demo, const struct operator_key *signer,
                              crtx_error *error) {
  struct document document;
  attest_takeover(&document, signer, demo->ledger.marker, 0);
  return restore_by_takeover(&demo->ledger, &demo->order, &document, &demo->operator_key, error);
}

static void refuse(struct demo *demo) {
  char before[TEXT_SIZE], after[TEXT_SIZE];
  int opened;
  step("Refused", "until an operator has signed");
  show_refusal(demo, "the next restore", CRTX_MARKER_STALE);
  file_digest(demo->ledger.data, before);
  opened = open_guarded(&demo->ledger) != NULL;
  file_digest(demo->ledger.data, after);
  shows(!opened && strcmp(before, after) == 0, "the guarded open is refused");
  paragraph(demo->ledger.text);
}

static void take_over(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct document document;
  crtx_signed_document attestation;
  enum ending ending;
  step("Take over", "on the operator's attestation for this very marker");
  ending = restore_signed_by(demo, &demo->intruder, &error);
  shows(ending == REFUSED && error.status == CRTX_E_BAD_SIGNATURE,
        "signed by another key: %s", crtx_status_name(error.status));
  attest_takeover(&document, &demo->operator_key, demo->ledger.marker, 0);
  attestation = as_signed(&document, &demo->operator_key);
  expect_status(crtx_takeover_verify(demo->ledger.marker, &attestation, &error), CRTX_OK, &error,
                "verify before anything is moved");
  ending = restore_signed_by(demo, &demo->operator_key, &error);
  shows(ending == RESTORED, "signed by the operator: %s",
        ending == RESTORED ? "accepted, and restored to the end" : demo->ledger.text);
  demo->takeovers++;
  show_content(demo);
}

/* The backup changes after it was authorized: the copy is found out, and the store is broken. */
static void fail_half_way(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  struct ledger *ledger = &demo->ledger;
  char whole_backup[PATH_SIZE];
  enum ending ending;
  step("Bad backup", "the backup changes between the signature and the copy");
  damage(demo);
  join(whole_backup, ledger->backup, "whole.mdb");
  expect(rename(ledger->staged, whole_backup) == 0, "put the backup aside");
  write_file(ledger->staged, "not a database\n");
  ending = restore(ledger, &demo->order, NULL, &error);
  shows(ending == IN_DOUBT, "the restore fails: %s", ledger->text);
  shows(look_at(ledger->marker).state == CRTX_MARKER_STALE && open_guarded(ledger) == NULL,
        "it kept its marker on purpose: the store stays closed");
  expect(rename(whole_backup, ledger->staged) == 0, "put the backup back");
  ending = restore_signed_by(demo, &demo->operator_key, &error);
  shows(ending == RESTORED, "a new attestation, for that marker, and the good backup: restored");
  demo->takeovers++;
  show_content(demo);
}

static void kill_everywhere(struct demo *demo) {
  int kills;
  step("Kills", "the same at other moments: after the first chunk, after each eighth, at the end");
  kills = survive_kills(demo);
  shows(kills > 0, "%d times closed, then whole by an attested takeover", kills);
  demo->takeovers += kills;
}

static void audit(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  static char list[16 * STALE_PATH_SIZE];
  const char *path;
  int count = 0;
  const struct operator_key *key = &demo->operator_key;
  const struct operator_key *other = &demo->intruder;
  step("Audit", "what stays beside the store");
  expect_status(crtx_evidence_list(demo->ledger.marker, list, sizeof list, NULL, &error), CRTX_OK,
                &error, "list the evidence");
  for (path = list; *path != '\0'; path += strlen(path) + 1, count++) {
    expect_status(crtx_evidence_verify(path, key->public_key, sizeof key->public_key, &error),
                  CRTX_OK, &error, "verify the evidence");
    expect_status(crtx_evidence_verify(path, other->public_key, sizeof other->public_key, &error),
                  CRTX_E_BAD_SIGNATURE, &error, "verify the evidence with another key");
  }
  shows(count == demo->takeovers, "%d quarantined markers; the operator signed for each:", count);
  line("    %s and others", base_name(list));
}

int main(int count, char **arguments) {
  static const crtx_lock_options defaults = CRTX_LOCK_OPTIONS_INIT;
  static struct demo demo;
  int version[3];
  make_ledger(&demo.ledger, wants_to_keep(count, arguments));
  demo.order.options = defaults;
  demo.engine_lock.engine = "LMDB";
  demo.engine_lock.path = demo.ledger.lock_file;
  demo.engine_lock.length = 1;
  mdb_version(&version[0], &version[1], &version[2]);
  make_operator(&demo.operator_key);
  make_operator(&demo.intruder);
  title("LMDB: a restore that dies half-way, with libcrtx %s and LMDB %d.%d.%d", crtx_version(),
        version[0], version[1], version[2]);
  build_and_back_up(&demo);
  authorize_restore(&demo);
  restore_beside_service(&demo);
  restore_without_engine_lock(&demo);
  restore_normally(&demo);
  crash(&demo);
  show_that_lmdb_is_not_enough(&demo);
  refuse(&demo);
  take_over(&demo);
  fail_half_way(&demo);
  kill_everywhere(&demo);
  open_while_a_restore_begins_and_dies(&demo);
  audit(&demo);
  forget_operator(&demo.operator_key);
  forget_operator(&demo.intruder);
  return closing_line();
}
