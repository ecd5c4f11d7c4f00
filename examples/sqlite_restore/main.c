/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* A restore of a SQLite database that is killed half-way, and what may and may not follow.
 * Every promise on the way is an expectation: the first that fails ends the program with 1. */
#include "demo.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

struct demo {
  struct workspace files;
  struct operator_key operator_key;
  struct operator_key intruder;
  struct census whole; /* the database as it was backed up */
  char digests[3][TEXT_SIZE]; /* manifest, staged database, staged event log */
  crtx_lock_options options;
  char intent_digest[TEXT_SIZE];
  crtx_lock lock;
  struct engine_lock engine_lock;
  char stale_path[STALE_PATH_SIZE];
};

static void build_and_back_up(struct demo *demo) {
  const struct workspace *files = &demo->files;
  build_database(files->store, ROWS);
  write_file(files->events, "{\"event\":\"opened\"}\n{\"event\":\"day closed\"}\n");
  expect(take_census(files->store, &demo->whole) == 0, "the new database can be read");
  expect(demo->whole.rows == ROWS && strcmp(demo->whole.integrity, "ok") == 0, "it is whole");
  expect(strcmp(demo->whole.journal_mode, "wal") == 0, "it is in WAL mode");
  step("Build", "%s rows in WAL mode, %s KiB", grouped(demo->whole.rows),
       grouped(file_size(files->store) / 1024));

  back_up_database(files->store, files->staged_store);
  copy_small_file(files->events, files->staged_events);
  step("Back up", "through SQLite's backup API, with the event log");
}

static void damage(struct demo *demo) {
  struct census census;
  damage_database(demo->files.store);
  append_file(demo->files.events, "{\"event\":\"clean-up job ran\"}\n");
  expect(take_census(demo->files.store, &census) == 0, "the damaged database can be read");
  expect(census.rows == ROWS / 4, "three of four rows are gone");
}

static void write_manifest(struct demo *demo) {
  char text[512];
  file_digest(demo->files.staged_store, demo->digests[1]);
  file_digest(demo->files.staged_events, demo->digests[2]);
  snprintf(text, sizeof text, "{\"ledger.db\":\"%s\",\"events.jsonl\":\"%s\"}\n", demo->digests[1],
           demo->digests[2]);
  write_file(demo->files.manifest, text);
  file_digest(demo->files.manifest, demo->digests[0]);
}

static void authorize(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_intent_expectation intent = CRTX_INTENT_EXPECTATION_INIT;
  crtx_signed_document signed_intent;
  struct document document;
  write_manifest(demo);
  intent.active_db_path = demo->files.store;
  intent.active_event_log_path = demo->files.events;
  intent.backup_manifest_blake3 = demo->digests[0];
  intent.staged_sqlite_blake3 = demo->digests[1];
  intent.staged_jsonl_blake3 = demo->digests[2];
  sign_intent(&document, &demo->operator_key, &intent);
  signed_intent = as_signed(&document, &demo->operator_key);
  expect_status(crtx_intent_verify(&signed_intent, &intent, demo->intent_digest,
                                   sizeof demo->intent_digest, NULL, &error),
                CRTX_OK, &error, "verify the restore intent");
  demo->options.deployment_id = DEPLOYMENT;
  demo->options.operator_principal_id = demo->operator_key.principal;
  demo->options.restore_intent_blake3 = demo->intent_digest;
  step("Authorize", "restore intent signed by %.18s... and verified", demo->operator_key.principal);
}

static void acquire(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_status status =
      crtx_lock_acquire(demo->files.marker, &demo->options, &demo->lock, &error);
  expect_status(status, CRTX_OK, &error, "acquire");
}

static void release(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  expect_status(crtx_lock_release(demo->lock, &error), CRTX_OK, &error, "release");
  expect(crtx_lock_release(demo->lock, &error) == CRTX_E_BAD_HANDLE, "a lock is released once");
}

static void restore_beside_service(struct demo *demo) {
  struct child service = start_child(run_service, &demo->files);
  char ready;
  int restored;
  expect(child_tells(&service, &ready, 1), "the service opens the store");
  step("In use", "a service, process %ld, has the store open", (long)service.pid);
  show_both_locks(&demo->engine_lock, demo->files.marker);
  acquire(demo);
  restored = restore_store(&demo->files, demo->lock);
  release(demo);
  shows(!restored, "a restore takes libcrtx's lock, is refused SQLite's, and gives up");
  let_child_go_on(&service);
  expect_child_to_end(&service);
}

/* Byte for byte, row for row, and through the guarded open. */
static void show_content(struct demo *demo) {
  struct census census;
  struct sqlite3 *database;
  char digest[TEXT_SIZE];
  file_digest(demo->files.store, digest);
  expect(strcmp(digest, demo->digests[1]) == 0, "the store is the staged file, byte for byte");
  file_digest(demo->files.events, digest);
  expect(strcmp(digest, demo->digests[2]) == 0, "the event log is the staged one");
  expect(take_census(demo->files.store, &census) == 0, "the restored database can be read");
  shows(strcmp(census.integrity, "ok") == 0 && census.rows == demo->whole.rows &&
            census.cents == demo->whole.cents,
        "integrity_check %s, %s rows, every sum as before", census.integrity, grouped(census.rows));
  database = open_guarded(&demo->files);
  shows(database != NULL, "the guarded open lets us in");
  sqlite3_close(database);
  expect(look_at(demo->files.marker).state == CRTX_MARKER_ABSENT, "the marker is gone");
  expect(file_size(demo->files.companion) < 0, "the companion is gone");
}

static void restore_normally(struct demo *demo) {
  int restored;
  damage(demo);
  acquire(demo);
  restored = restore_store(&demo->files, demo->lock);
  release(demo);
  step("Restore", "after a bad clean-up job; pages go straight over the file");
  expect(restored, "nobody has the store open");
  show_content(demo);
}

/* While the holder lives, nobody gets past it: not even with the operator's signature. */
static void try_against_live_holder(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock lock;
  crtx_status status;
  char stale_path[STALE_PATH_SIZE];
  struct document document;
  crtx_signed_document attestation;
  struct census census;
  status = crtx_lock_acquire(demo->files.marker, &demo->options, &lock, &error);
  shows(status == CRTX_E_MARKER_EXISTS && error.marker_state == CRTX_MARKER_HELD,
        "a second restore meanwhile:   refused, %s", crtx_status_name(status));
  shows(open_guarded(&demo->files) == NULL, "a guarded open meanwhile:     refused");
  shows(take_census(demo->files.store, &census) != 0, "one that does not look:       \"%s\"",
        census.integrity);
  attest_takeover(&document, &demo->operator_key, demo->files.marker, 0);
  attestation = as_signed(&document, &demo->operator_key);
  status = crtx_takeover(demo->files.marker, &attestation, &demo->options, &lock, stale_path,
                         sizeof stale_path, NULL, &error);
  shows(status == CRTX_E_CONTENDED, "a signed takeover meanwhile:  refused, %s",
        crtx_status_name(status));
}

static void restore_until_killed(struct demo *demo) {
  struct restoration restoration;
  struct report report;
  struct child child;
  damage(demo);
  restoration.workspace = &demo->files;
  restoration.options = &demo->options;
  child = start_child(run_restore, &restoration);
  expect(child_tells(&child, &report, sizeof report), "the child acquires the lock");
  step("Crash", "another restore, process %ld", (long)child.pid);
  show_both_locks(&demo->engine_lock, demo->files.marker);
  try_against_live_holder(demo);
  while (report.done * 2 < report.total) {
    let_child_go_on(&child);
    expect(child_tells(&child, &report, sizeof report), "it copies on until half-way");
    progress("restoring", report.done, report.total, "pages");
  }
  kill_child(&child);
  progress_end();
  line("SIGKILL after %s of %s pages", grouped(report.done), grouped(report.total));
}

/* Some half-restored databases SQLite finds out, others it reads; this one it finds out. */
static void show_that_sqlite_is_not_enough(struct demo *demo) {
  struct census census;
  int read;
  step("SQLite alone", "its lock went with the process; the marker did not");
  show_both_locks(&demo->engine_lock, demo->files.marker);
  read = take_census(demo->files.store, &census);
  shows(read != 0 || strcmp(census.integrity, "ok") != 0,
        "who opens it without looking is let in: \"%s\"", census.integrity);
}

static void try_again(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock lock;
  crtx_marker marker;
  crtx_status status;
  status = crtx_lock_acquire(demo->files.marker, &demo->options, &lock, &error);
  step("Try again", "without an operator's word");
  shows(status == CRTX_E_MARKER_EXISTS && error.marker_state == CRTX_MARKER_STALE,
        "the next restore:  refused, %s:", crtx_status_name(status));
  paragraph(error.message);
  marker = look_at(demo->files.marker);
  expect(strcmp(marker.restore_intent_blake3, demo->intent_digest) == 0, "it names the intent");
  line("who    process %lu on %s, for %.18s...", (unsigned long)marker.pid, marker.host,
       marker.operator_principal_id);
  line("since  %s, %s ms ago", marker.acquired_at,
       grouped((long)((now_ns() - marker.acquired_at_unix_ns) / 1000000)));
  shows(open_guarded(&demo->files) == NULL, "the guarded open:  refused");
}

static crtx_status take_over(struct demo *demo, const struct document *document,
                             crtx_error *error) {
  crtx_signed_document attestation = as_signed(document, &demo->operator_key);
  return crtx_takeover(demo->files.marker, &attestation, &demo->options, &demo->lock,
                       demo->stale_path, sizeof demo->stale_path, NULL, error);
}

static void refuse_takeover(struct demo *demo, const struct document *document, crtx_status wanted,
                            const char *what) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_marker before = look_at(demo->files.marker);
  crtx_marker after;
  expect_status(take_over(demo, document, &error), wanted, &error, what);
  after = look_at(demo->files.marker);
  expect(memcmp(&before, &after, sizeof before) == 0, "a refused takeover changes nothing");
  shows(1, "%-26srefused, %s", what, crtx_status_name(wanted));
}

/* An attestation that is good in itself, for the marker of another deployment. */
static void attest_elsewhere(struct demo *demo, struct document *document) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock_options options = demo->options;
  crtx_lock lock;
  options.deployment_id = "ledger-staging";
  expect_status(crtx_lock_acquire(demo->files.foreign_marker, &options, &lock, &error), CRTX_OK,
                &error, "acquire elsewhere");
  attest_takeover(document, &demo->operator_key, demo->files.foreign_marker, 0);
  expect_status(crtx_lock_release(lock, &error), CRTX_OK, &error, "release elsewhere");
}

static void take_over_in_the_open(struct demo *demo) {
  static const int64_t two_days_ns = (int64_t)172800 * 1000000000;
  crtx_error error = CRTX_ERROR_INIT;
  struct document document;
  step("Take over", "only the operator's own attestation for this very marker:");
  attest_takeover(&document, &demo->intruder, demo->files.marker, 0);
  refuse_takeover(demo, &document, CRTX_E_BAD_SIGNATURE, "signed by another key");
  attest_takeover(&document, &demo->operator_key, demo->files.marker, now_ns() - two_days_ns);
  refuse_takeover(demo, &document, CRTX_E_EXPIRED, "two days old");
  attest_elsewhere(demo, &document);
  refuse_takeover(demo, &document, CRTX_E_DEPLOYMENT_MISMATCH, "for another deployment");
  attest_takeover(&document, &demo->operator_key, demo->files.marker, 0);
  expect_status(take_over(demo, &document, &error), CRTX_OK, &error, "the right attestation");
  expect(look_at(demo->files.marker).state == CRTX_MARKER_HELD_BY_THIS_PROCESS, "it is ours now");
  shows(1, "%-26saccepted", "the right one");
}

static void finish(struct demo *demo) {
  int restored = restore_store(&demo->files, demo->lock);
  step("Finish", "all pages restored under the new lock, and the event log");
  expect(restored, "nobody has the store open");
  release(demo);
  show_content(demo);
}

static void audit(struct demo *demo) {
  crtx_error error = CRTX_ERROR_INIT;
  char list[2 * PATH_SIZE];
  const struct operator_key *key = &demo->operator_key;
  expect_status(crtx_evidence_list(demo->files.marker, list, sizeof list, NULL, &error), CRTX_OK,
                &error, "list the evidence");
  expect(strcmp(list, demo->stale_path) == 0, "the list names the marker that was taken over");
  expect(list[strlen(list) + 1] == '\0', "and nothing else");
  step("Audit", "what stays beside the store");
  expect_status(crtx_evidence_verify(list, key->public_key, sizeof key->public_key, &error),
                CRTX_OK, &error, "verify the evidence");
  expect_status(crtx_evidence_verify(list, demo->intruder.public_key,
                                     sizeof demo->intruder.public_key, &error),
                CRTX_E_BAD_SIGNATURE, &error, "verify the evidence with another key");
  shows(1, "the dead restore's marker, its attestation and signature hold:");
  line("%s", base_name(list));
}

int main(int count, char **arguments) {
  static const crtx_lock_options defaults = CRTX_LOCK_OPTIONS_INIT;
  static struct demo demo;
  int keep = wants_to_keep(count, arguments);
  demo.options = defaults;
  make_workspace(&demo.files, keep);
  demo.engine_lock.engine = "SQLite";
  demo.engine_lock.path = demo.files.store;
  demo.engine_lock.start = SQLITE_LOCK_BYTES;
  demo.engine_lock.length = SQLITE_LOCK_BYTES_COUNT;
  make_operator(&demo.operator_key);
  make_operator(&demo.intruder);
  title("SQLite: a restore that dies half-way, with libcrtx %s and SQLite %s", crtx_version(),
        sqlite3_libversion());
  build_and_back_up(&demo);
  authorize(&demo);
  restore_beside_service(&demo);
  restore_normally(&demo);
  restore_until_killed(&demo);
  show_that_sqlite_is_not_enough(&demo);
  try_again(&demo);
  take_over_in_the_open(&demo);
  finish(&demo);
  audit(&demo);
  forget_operator(&demo.operator_key);
  forget_operator(&demo.intruder);
  if (keep) printf("\nKept: %s\n", demo.files.root);
  return closing_line();
}
