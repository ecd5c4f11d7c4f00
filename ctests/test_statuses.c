/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Every status: its number, its name, its message, and one way to get it. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#ifndef _WIN32
#include <sys/wait.h>
#endif

static struct signed_text document;

static crtx_status acquire(const char *path)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  crtx_status status = crtx_lock_acquire(path, &options, &lock, &last_error);
  if (status == CRTX_OK) {
    CHECK_INT(crtx_lock_release(lock, NULL), CRTX_OK);
  }
  return status;
}

static crtx_status quarantine(const char *path)
{
  char stale[1024];
  return crtx_quarantine(path, &document.document, stale, sizeof stale, NULL, &last_error);
}

static crtx_status provoke_ok(void)
{
  return acquire(at("store.lock"));
}

static crtx_status provoke_invalid_argument(void)
{
  return acquire(NULL);
}

static crtx_status provoke_bad_handle(void)
{
  crtx_lock none = {0};
  return crtx_lock_check(none, &last_error);
}

#ifndef _WIN32 /* no fork */
static crtx_status provoke_forked(void)
{
  crtx_lock lock = hold(at("store.lock"));
  int status = 0;
  pid_t child = fork();
  if (child == 0) {
    _exit((int)crtx_lock_check(lock, NULL));
  }
  waitpid(child, &status, 0);
  let_go(lock);
  clear_error(); /* the error was filled in the child */
  return WEXITSTATUS(status);
}
#endif

static crtx_status provoke_buffer_too_small(void)
{
  return crtx_evidence_list(at("store.lock"), NULL, 0, NULL, &last_error);
}

static crtx_status provoke_marker_exists(void)
{
  put_marker(at("store.lock"), 4711, LONG_AGO);
  return acquire(at("store.lock"));
}

static crtx_status provoke_contended(void)
{
  crtx_status status;
  crtx_lock lock = hold(at("store.lock"));
  attest(&document, at("store.lock"), 0);
  status = quarantine(at("store.lock"));
  CHECK_INT(crtx_lock_release(lock, NULL), CRTX_OK);
  return status;
}

static crtx_status provoke_marker_absent(void)
{
  char buffer[16];
  return crtx_marker_read(at("store.lock"), buffer, sizeof buffer, NULL, &last_error);
}

static crtx_status provoke_lost(void)
{
  crtx_lock lock = hold(at("store.lock"));
  unlink(at("store.lock"));
  CHECK_INT(crtx_lock_check(lock, NULL), CRTX_E_LOST);
  return crtx_lock_release(lock, &last_error);
}

static crtx_status provoke_io(void)
{
  char buffer[80];
  return crtx_blake3_file(at("missing"), buffer, sizeof buffer, NULL, &last_error);
}

static crtx_status provoke_no_parent_directory(void)
{
  return acquire(at("missing/store.lock"));
}

static crtx_status provoke_not_regular_file(void)
{
  NEED_TRUE(mkdir(at("store.lock"), 0755) == 0);
  return acquire(at("store.lock"));
}

static crtx_status provoke_insecure_permissions(void)
{
  NEED_TRUE(mkdir(at("open"), 0700) == 0);
  open_to_everybody(at("open"));
  return acquire(at("open/store.lock"));
}

static crtx_status provoke_name_too_long(void)
{
  char name[256];
  memset(name, 'n', 212); /* 212 + 44 > 255 */
  name[212] = '\0';
  return acquire(at(name));
}

static crtx_status provoke_too_large(void)
{
  char buffer[16];
  put_text(at("store.lock"), "x");
  NEED_TRUE(truncate(at("store.lock"), 2 << 20) == 0);
  return crtx_marker_read(at("store.lock"), buffer, sizeof buffer, NULL, &last_error);
}

static crtx_status provoke_marker_malformed(void)
{
  put_marker(at("store.lock"), 4711, LONG_AGO);
  attest(&document, at("store.lock"), 0);
  put_text(at("store.lock"), "torn");
  return quarantine(at("store.lock"));
}

static crtx_status provoke_untrusted_key(void)
{
  char buffer[80];
  static const uint8_t zeros[32];
  return crtx_operator_principal(zeros, sizeof zeros, buffer, sizeof buffer, NULL, &last_error);
}

static const char *attested_marker(void)
{
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, FIXTURE_NOW);
  return path;
}

static crtx_status quarantine_edited(const char *from, const char *to)
{
  const char *path = attested_marker();
  edit(&document, from, to);
  return quarantine(path);
}

static crtx_status provoke_signature_length(void)
{
  const char *path = attested_marker();
  document.document.signature_len = 63;
  return quarantine(path);
}

static crtx_status provoke_bad_signature(void)
{
  const char *path = attested_marker();
  document.signature[0] ^= 1;
  return quarantine(path);
}

static crtx_status provoke_payload_malformed(void)
{
  return quarantine_edited("{", "{\"unknown\":1,");
}

static crtx_status provoke_kind_mismatch(void)
{
  return quarantine_edited("cortex_restore_lock_takeover", "cortex_restore_intent");
}

static crtx_status provoke_schema_mismatch(void)
{
  return quarantine_edited("\"schema_version\":1", "\"schema_version\":2");
}

static crtx_status provoke_principal_mismatch(void)
{
  return quarantine_edited("operator:4718", "operator:0000");
}

static crtx_status provoke_deployment_mismatch(void)
{
  return quarantine_edited(DEPLOYMENT, "deployment:other");
}

static crtx_status quarantine_at(int64_t now)
{
  const char *path = attested_marker();
  document.document.now_unix_ns = now;
  return quarantine(path);
}

static crtx_status provoke_not_yet_valid(void)
{
  return quarantine_at(FIXTURE_NOW - 301 * SECOND);
}

static crtx_status provoke_expired(void)
{
  return quarantine_at(FIXTURE_NOW + 3601 * SECOND);
}

static crtx_status provoke_window_invalid(void)
{
  return quarantine_edited("2026-11-23T02:00:00", "2026-11-25T02:00:00");
}

static crtx_status provoke_stale_pid_mismatch(void)
{
  return quarantine_edited("4711", "4712");
}

static crtx_status provoke_stale_time_mismatch(void)
{
  return quarantine_edited("12:34:56.789", "12:34:56.780");
}

static crtx_status provoke_stale_digest_mismatch(void)
{
  const char *path = attested_marker();
  edit_value(&document, "stale_marker_blake3", INTENT_DIGEST);
  return quarantine(path);
}

static crtx_status provoke_justification_invalid(void)
{
  const char *path = attested_marker();
  edit_value(&document, "justification", "  ");
  return quarantine(path);
}

static crtx_status verify_intent(const crtx_intent_expectation *expectation)
{
  char digest[80];
  authorize(&document, FIXTURE_NOW);
  return crtx_intent_verify(&document.document, expectation, digest, sizeof digest, NULL, &last_error);
}

static crtx_status provoke_path_mismatch(void)
{
  crtx_intent_expectation expectation = usual_expectation();
  expectation.active_db_path = "/srv/other.db";
  return verify_intent(&expectation);
}

static crtx_status provoke_digest_mismatch(void)
{
  crtx_intent_expectation expectation = usual_expectation();
  expectation.staged_jsonl_blake3 = INTENT_DIGEST;
  return verify_intent(&expectation);
}

static crtx_status provoke_evidence_invalid(void)
{
  uint8_t key[32];
  put_marker(at("store.lock.stale-20240101T000000Z"), 4711, LONG_AGO);
  NEED(CRTX_OK, crtx_public_key(operator_seed, 32, key, sizeof key, &last_error));
  return crtx_evidence_verify(at("store.lock.stale-20240101T000000Z"), key, sizeof key, &last_error);
}

#define ROW(number, status, function) { number, status, #status, function }

/* Numbers by hand: the ABI. Those without a function have a case of their own in test_library.c. */
static const struct row {
  crtx_status number, constant;
  const char *name;
  crtx_status (*provoke)(void);
} table[] = {
    ROW(0, CRTX_OK, provoke_ok),
    ROW(1, CRTX_E_INVALID_ARGUMENT, provoke_invalid_argument),
    ROW(2, CRTX_E_BAD_HANDLE, provoke_bad_handle),
#ifdef _WIN32
    ROW(3, CRTX_E_FORKED, NULL),
#else
    ROW(3, CRTX_E_FORKED, provoke_forked),
#endif
    ROW(4, CRTX_E_BUFFER_TOO_SMALL, provoke_buffer_too_small),
    ROW(20, CRTX_E_MARKER_EXISTS, provoke_marker_exists),
    ROW(21, CRTX_E_CONTENDED, provoke_contended),
    ROW(22, CRTX_E_MARKER_ABSENT, provoke_marker_absent),
    ROW(23, CRTX_E_LOST, provoke_lost),
    ROW(40, CRTX_E_IO, provoke_io),
    ROW(41, CRTX_E_NO_PARENT_DIRECTORY, provoke_no_parent_directory),
    ROW(42, CRTX_E_NOT_REGULAR_FILE, provoke_not_regular_file),
    ROW(43, CRTX_E_INSECURE_PERMISSIONS, provoke_insecure_permissions),
    ROW(44, CRTX_E_UNSUPPORTED_FILESYSTEM, NULL),
    ROW(45, CRTX_E_NAME_TOO_LONG, provoke_name_too_long),
    ROW(46, CRTX_E_TOO_LARGE, provoke_too_large),
    ROW(47, CRTX_E_MARKER_MALFORMED, provoke_marker_malformed),
    ROW(60, CRTX_E_UNTRUSTED_KEY, provoke_untrusted_key),
    ROW(61, CRTX_E_SIGNATURE_LENGTH, provoke_signature_length),
    ROW(62, CRTX_E_BAD_SIGNATURE, provoke_bad_signature),
    ROW(63, CRTX_E_PAYLOAD_MALFORMED, provoke_payload_malformed),
    ROW(64, CRTX_E_KIND_MISMATCH, provoke_kind_mismatch),
    ROW(65, CRTX_E_SCHEMA_MISMATCH, provoke_schema_mismatch),
    ROW(66, CRTX_E_PRINCIPAL_MISMATCH, provoke_principal_mismatch),
    ROW(67, CRTX_E_DEPLOYMENT_MISMATCH, provoke_deployment_mismatch),
    ROW(68, CRTX_E_NOT_YET_VALID, provoke_not_yet_valid),
    ROW(69, CRTX_E_EXPIRED, provoke_expired),
    ROW(70, CRTX_E_WINDOW_INVALID, provoke_window_invalid),
    ROW(71, CRTX_E_STALE_PID_MISMATCH, provoke_stale_pid_mismatch),
    ROW(72, CRTX_E_STALE_TIME_MISMATCH, provoke_stale_time_mismatch),
    ROW(73, CRTX_E_STALE_DIGEST_MISMATCH, provoke_stale_digest_mismatch),
    ROW(74, CRTX_E_JUSTIFICATION_INVALID, provoke_justification_invalid),
    ROW(75, CRTX_E_PATH_MISMATCH, provoke_path_mismatch),
    ROW(76, CRTX_E_DIGEST_MISMATCH, provoke_digest_mismatch),
    ROW(77, CRTX_E_EVIDENCE_INVALID, provoke_evidence_invalid),
    ROW(120, CRTX_E_INTERNAL, NULL),
};

enum { ROWS = sizeof table / sizeof table[0] };

static void clear_case_directory(void)
{
  unlink(at("store.lock"));
  rmdir(at("store.lock"));
  unlink(at("store.lock.flock"));
}

static void every_status_can_be_provoked(void)
{
  size_t i;
  for (i = 0; i < ROWS; i++) {
    if (table[i].provoke != NULL && !WANT(table[i].number, table[i].provoke())) {
      printf("  when %s was provoked\n", table[i].name);
    }
    clear_case_directory();
  }
}

static void every_number_has_its_name_and_a_message_of_its_own(void)
{
  size_t i, j;
  for (i = 0; i < ROWS; i++) {
    CHECK_INT(table[i].constant, table[i].number);
    CHECK_TEXT(crtx_status_name(table[i].number), table[i].name);
    CHECK(strlen(crtx_status_message(table[i].number)) > 10);
    for (j = 0; j < i; j++) {
      CHECK(strcmp(crtx_status_message(table[i].number), crtx_status_message(table[j].number)) != 0);
    }
  }
}

static void no_other_number_has_a_name(void)
{
  crtx_status number;
  size_t known = 0;
  for (number = -1000; number <= 1000; number++) {
    known += strcmp(crtx_status_name(number), "CRTX_E_UNKNOWN") != 0;
  }
  CHECK_INT(known, ROWS);
  CHECK_TEXT(crtx_status_name(INT32_MIN), "CRTX_E_UNKNOWN");
  CHECK_TEXT(crtx_status_name(INT32_MAX), "CRTX_E_UNKNOWN");
  CHECK(strlen(crtx_status_message(5)) > 0);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(every_status_can_be_provoked),
      CASE(every_number_has_its_name_and_a_message_of_its_own),
      CASE(no_other_number_has_a_name),
  };
  return RUN(cases, argc, argv);
}
