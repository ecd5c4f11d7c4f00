/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Callers' mistakes: each is answered, and none touches memory or disk. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WRONG(call) WANT(CRTX_E_INVALID_ARGUMENT, (call))

static struct signed_text document;

static void null_pointers_to_the_lock_functions_are_refused(void)
{
  const char *path = at("store.lock");
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  size_t needed = 0;
  WRONG(crtx_lock_acquire(NULL, &options, &lock, &last_error));
  WRONG(crtx_lock_acquire(path, NULL, &lock, &last_error));
  WRONG(crtx_lock_acquire(path, &options, NULL, &last_error));
  options.deployment_id = NULL;
  WRONG(crtx_lock_acquire(path, &options, &lock, &last_error));
  options = usual_options();
  options.operator_principal_id = NULL;
  WRONG(crtx_lock_acquire(path, &options, &lock, &last_error));
  options = usual_options();
  options.restore_intent_blake3 = NULL;
  WRONG(crtx_lock_acquire(path, &options, &lock, &last_error));
  CHECK_INT(entries_in(at("")), 0);
  lock = hold(path);
  WRONG(crtx_lock_marker(lock, NULL, &last_error));
  WRONG(crtx_lock_marker_path(lock, NULL, 100, &needed, &last_error));
  WRONG(crtx_lock_companion_path(lock, NULL, 100, &needed, &last_error));
  let_go(lock);
}

static void null_pointers_to_the_marker_functions_are_refused(void)
{
  char buffer[4096];
  crtx_marker marker;
  const char *path = at("store.lock");
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  put_marker(path, 4711, LONG_AGO);
  WRONG(crtx_marker_inspect(NULL, &marker, &last_error));
  WRONG(crtx_marker_inspect(path, NULL, &last_error));
  WRONG(crtx_marker_read(NULL, buffer, sizeof buffer, NULL, &last_error));
  WRONG(crtx_marker_read(path, NULL, sizeof buffer, NULL, &last_error));
  WRONG(crtx_evidence_list(NULL, buffer, sizeof buffer, NULL, &last_error));
  WRONG(crtx_evidence_list(path, NULL, sizeof buffer, NULL, &last_error));
}

static void null_pointers_to_quarantine_and_takeover_are_refused(void)
{
  char stale[1024];
  const char *path = at("store.lock");
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  crtx_signed_document *good = &document.document;
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, 0);
  WRONG(crtx_quarantine(NULL, good, stale, sizeof stale, NULL, &last_error));
  WRONG(crtx_quarantine(path, NULL, stale, sizeof stale, NULL, &last_error));
  WRONG(crtx_quarantine(path, good, NULL, sizeof stale, NULL, &last_error));
  WRONG(crtx_takeover_verify(NULL, good, &last_error));
  WRONG(crtx_takeover_verify(path, NULL, &last_error));
  WRONG(crtx_takeover(NULL, good, &options, &lock, stale, sizeof stale, NULL, &last_error));
  WRONG(crtx_takeover(path, NULL, &options, &lock, stale, sizeof stale, NULL, &last_error));
  WRONG(crtx_takeover(path, good, NULL, &lock, stale, sizeof stale, NULL, &last_error));
  WRONG(crtx_takeover(path, good, &options, NULL, stale, sizeof stale, NULL, &last_error));
  WRONG(crtx_takeover(path, good, &options, &lock, NULL, sizeof stale, NULL, &last_error));
  WRONG(crtx_evidence_verify(NULL, document.key, 32, &last_error));
  WRONG(crtx_evidence_verify(path, NULL, 32, &last_error));
  CHECK_INT(entries_in(at("")), 1);
}

static void null_pointers_in_a_signed_document_are_refused(void)
{
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, 0);
  document.document.payload = NULL;
  WRONG(crtx_takeover_verify(path, &document.document, &last_error));
  attest(&document, path, 0);
  document.document.signature = NULL;
  WRONG(crtx_takeover_verify(path, &document.document, &last_error));
  attest(&document, path, 0);
  document.document.public_key = NULL;
  WRONG(crtx_takeover_verify(path, &document.document, &last_error));
  attest(&document, path, 0);
  document.document.deployment_id = NULL;
  WRONG(crtx_takeover_verify(path, &document.document, &last_error));
}

static void null_pointers_to_the_document_functions_are_refused(void)
{
  char text[4096];
  uint8_t bytes[64];
  crtx_intent_expectation expectation = usual_expectation();
  const char *path = at("store.lock");
  const uint8_t *key = document.key;
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, 0);
  WRONG(crtx_takeover_build(NULL, NULL, key, 32, "x", 60, 0, text, sizeof text, NULL, &last_error));
  WRONG(crtx_takeover_build(path, NULL, NULL, 32, "x", 60, 0, text, sizeof text, NULL, &last_error));
  WRONG(crtx_takeover_build(path, NULL, key, 32, NULL, 60, 0, text, sizeof text, NULL, &last_error));
  WRONG(crtx_takeover_build(path, NULL, key, 32, "x", 60, 0, NULL, sizeof text, NULL, &last_error));
  WRONG(crtx_intent_build(NULL, &expectation, key, 32, 60, 0, text, sizeof text, NULL, &last_error));
  WRONG(crtx_intent_build(DEPLOYMENT, NULL, key, 32, 60, 0, text, sizeof text, NULL, &last_error));
  WRONG(crtx_intent_build(DEPLOYMENT, &expectation, NULL, 32, 60, 0, text, sizeof text, NULL, &last_error));
  WRONG(crtx_intent_build(DEPLOYMENT, &expectation, key, 32, 60, 0, NULL, sizeof text, NULL, &last_error));
  WRONG(crtx_intent_verify(NULL, &expectation, text, sizeof text, NULL, &last_error));
  WRONG(crtx_intent_verify(&document.document, NULL, text, sizeof text, NULL, &last_error));
  WRONG(crtx_sign(NULL, 32, key, 32, bytes, 64, &last_error));
  WRONG(crtx_sign(operator_seed, 32, NULL, 32, bytes, 64, &last_error));
  WRONG(crtx_sign(operator_seed, 32, key, 32, NULL, 64, &last_error));
  WRONG(crtx_public_key(NULL, 32, bytes, 32, &last_error));
  WRONG(crtx_public_key(operator_seed, 32, NULL, 32, &last_error));
  WRONG(crtx_operator_principal(NULL, 32, text, sizeof text, NULL, &last_error));
  WRONG(crtx_operator_principal(key, 32, NULL, sizeof text, NULL, &last_error));
  WRONG(crtx_blake3_file(NULL, text, sizeof text, NULL, &last_error));
  WRONG(crtx_blake3_file(path, NULL, sizeof text, NULL, &last_error));
}

static void lengths_of_seeds_and_capacities_for_bytes_are_checked(void)
{
  uint8_t bytes[64];
  WRONG(crtx_sign(operator_seed, 31, operator_seed, 32, bytes, 64, &last_error));
  WRONG(crtx_public_key(operator_seed, 33, bytes, 32, &last_error));
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_sign(operator_seed, 32, operator_seed, 32, bytes, 63, &last_error));
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_public_key(operator_seed, 32, bytes, 31, &last_error));
}

static void a_call_without_an_error_struct_answers_the_same(void)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  CHECK_INT(crtx_lock_acquire(NULL, &options, &lock, NULL), CRTX_E_INVALID_ARGUMENT);
  CHECK_INT(crtx_lock_acquire(at("store.lock"), &options, &lock, NULL), CRTX_OK);
  CHECK_INT(crtx_lock_check(lock, NULL), CRTX_OK);
  CHECK_INT(crtx_lock_release(lock, NULL), CRTX_OK);
  CHECK_INT(crtx_lock_release(lock, NULL), CRTX_E_BAD_HANDLE);
}

static bool refused(const char *path, const crtx_lock_options *options)
{
  crtx_lock lock = {77};
  bool holds = WANT(CRTX_E_INVALID_ARGUMENT, crtx_lock_acquire(path, options, &lock, &last_error));
  CHECK_INT(lock.opaque, 0);
  return holds;
}

static void unusable_paths_are_refused(void)
{
  static const char *const names[] = {"store.flock", "store.lock.new", ".flock", ".new"};
  crtx_lock_options options = usual_options();
  crtx_lock lock = {0};
  size_t i;
  refused("", &options);
  for (i = 0; i < sizeof names / sizeof names[0]; i++) {
    if (!refused(at(names[i]), &options)) {
      printf("  with the name %s\n", names[i]);
    }
  }
  /* A directory, whatever it is called, is no marker. */
  CHECK(crtx_lock_acquire(at("."), &options, &lock, &last_error) != CRTX_OK);
  CHECK(crtx_lock_acquire(at(".."), &options, &lock, &last_error) != CRTX_OK);
  CHECK(crtx_lock_acquire("/", &options, &lock, &last_error) != CRTX_OK);
  CHECK_INT(entries_in(at("")), 0);
}

/* Tries a bad text in each of the fields that go into the marker. */
static void refuse_in_every_field(const char *text, bool in_host)
{
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  bool holds = true;
  options.deployment_id = text;
  holds &= refused(path, &options);
  options = usual_options();
  options.operator_principal_id = text;
  holds &= refused(path, &options);
  options = usual_options();
  options.restore_intent_blake3 = text;
  holds &= refused(path, &options);
  options = usual_options();
  options.host = text;
  if (!(in_host ? refused(path, &options) : true) || !holds) {
    printf("  with the text \"%s\"\n", text);
  }
}

static void a_newline_in_a_field_cannot_forge_another_field(void)
{
  refuse_in_every_field("x\npid=1", true);
  refuse_in_every_field("x\r", true);
  refuse_in_every_field("\t", true);
  refuse_in_every_field("x\x7f", true);
  refuse_in_every_field("x\xc2\x85", true); /* U+0085, next line */
  CHECK_INT(entries_in(at("")), 0);
}

static void fields_that_are_empty_too_long_or_not_utf_8_are_refused(void)
{
  char long_text[257];
  memset(long_text, 'x', 256);
  long_text[256] = '\0';
  refuse_in_every_field("", false); /* an empty host is fine */
  refuse_in_every_field(long_text, true);
  refuse_in_every_field("\xff", true);
  refuse_in_every_field("\xed\xa0\x80", true); /* a surrogate */
  CHECK_INT(entries_in(at("")), 0);
}

static void unknown_flags_durabilities_and_reserved_values_are_refused(void)
{
  crtx_lock_options options = usual_options();
  const char *path = at("store.lock");
  options.flags = 4;
  refused(path, &options);
  options.flags = UINT64_C(1) << 63;
  refused(path, &options);
  options = usual_options();
  options.durability = 2;
  refused(path, &options);
  options = usual_options();
  options.reserved = 1;
  refused(path, &options);
  CHECK_INT(entries_in(at("")), 0);
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, 0);
  document.document.flags = 4;
  WRONG(crtx_takeover_verify(path, &document.document, &last_error));
}

static void malformed_digests_are_refused(void)
{
  static const char *const digests[] = {
      "blake3:", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262", INTENT_DIGEST "0", INTENT_DIGEST " ",
      "blake3:AF1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
      "BLAKE3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
      "blake3:gf1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"};
  crtx_lock_options options = usual_options();
  size_t i;
  for (i = 0; i < sizeof digests / sizeof digests[0]; i++) {
    options.restore_intent_blake3 = digests[i];
    if (!refused(at("store.lock"), &options)) {
      printf("  with the digest %s\n", digests[i]);
    }
  }
}

static void the_expectation_for_an_intent_is_checked_as_an_argument(void)
{
  static const char *const paths[] = {"", "relative/store.db", "/srv/../store.db", "/srv/./store.db", "/srv/store.db/..",
                                      "/srv/a\nb"};
  char text[4096];
  crtx_intent_expectation expectation = usual_expectation();
  size_t i;
  authorize(&document, FIXTURE_NOW);
  for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
    expectation.active_db_path = paths[i];
    if (!WRONG(crtx_intent_verify(&document.document, &expectation, text, sizeof text, NULL, &last_error)) +
        !WRONG(crtx_intent_build(DEPLOYMENT, &expectation, document.key, 32, 60, 0, text, sizeof text, NULL, &last_error)) > 0) {
      printf("  with the path %s\n", paths[i]);
    }
  }
  expectation = usual_expectation();
  expectation.staged_sqlite_blake3 = "blake3:";
  WRONG(crtx_intent_verify(&document.document, &expectation, text, sizeof text, NULL, &last_error));
  expectation.staged_sqlite_blake3 = NULL;
  WRONG(crtx_intent_verify(&document.document, &expectation, text, sizeof text, NULL, &last_error));
  expectation = usual_expectation();
  expectation.reserved = 1;
  WRONG(crtx_intent_verify(&document.document, &expectation, text, sizeof text, NULL, &last_error));
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(null_pointers_to_the_lock_functions_are_refused),
      CASE(null_pointers_to_the_marker_functions_are_refused),
      CASE(null_pointers_to_quarantine_and_takeover_are_refused),
      CASE(null_pointers_in_a_signed_document_are_refused),
      CASE(null_pointers_to_the_document_functions_are_refused),
      CASE(lengths_of_seeds_and_capacities_for_bytes_are_checked),
      CASE(a_call_without_an_error_struct_answers_the_same),
      CASE(unusable_paths_are_refused),
      CASE(a_newline_in_a_field_cannot_forge_another_field),
      CASE(fields_that_are_empty_too_long_or_not_utf_8_are_refused),
      CASE(unknown_flags_durabilities_and_reserved_values_are_refused),
      CASE(malformed_digests_are_refused),
      CASE(the_expectation_for_an_intent_is_checked_as_an_argument),
  };
  return RUN(cases, argc, argv);
}
