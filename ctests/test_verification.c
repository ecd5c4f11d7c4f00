/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What a signed document must be like to be believed. Each case starts from a good one. */
#include "documents.h"
#include "files.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

#define FIXTURE_OPENING "2026-11-23T00:55:00+00:00" /* FIXTURE_NOW minus 300 s */
#define FIXTURE_CLOSING "2026-11-23T02:00:00+00:00" /* FIXTURE_NOW plus 3,600 s */

static struct signed_text document;

static const char *fresh_attestation(void)
{
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, FIXTURE_NOW);
  return path;
}

static bool want_verified(crtx_status expected, const char *path)
{
  return WANT(expected, crtx_takeover_verify(path, &document.document, &last_error));
}

static bool want_intent(crtx_status expected, const crtx_intent_expectation *expectation)
{
  char digest[80];
  return WANT(expected, crtx_intent_verify(&document.document, expectation, digest, sizeof digest, NULL, &last_error));
}

struct edited {
  crtx_status expected;
  const char *from, *to;
};

static void every_field_of_an_attestation_is_checked(void)
{
  static const struct edited edits[] = {
      {CRTX_E_KIND_MISMATCH, "\"cortex_restore_lock_takeover\"", "\"cortex_restore_intent\""},
      {CRTX_E_KIND_MISMATCH, "\"cortex_restore_lock_takeover\"", "\"\""},
      {CRTX_E_PAYLOAD_MALFORMED, "\"cortex_restore_lock_takeover\"", "7"},
      {CRTX_E_SCHEMA_MISMATCH, "\"schema_version\":1", "\"schema_version\":2"},
      {CRTX_E_SCHEMA_MISMATCH, "\"schema_version\":1", "\"schema_version\":0"},
      {CRTX_E_PAYLOAD_MALFORMED, "\"schema_version\":1", "\"schema_version\":1.0"},
      {CRTX_E_PAYLOAD_MALFORMED, "\"schema_version\":1", "\"schema_version\":\"1\""},
      {CRTX_E_PRINCIPAL_MISMATCH, "operator:4718", "operator:4719"},
      {CRTX_E_DEPLOYMENT_MISMATCH, "deployment:ctests", "deployment:ctest"},
      {CRTX_E_STALE_PID_MISMATCH, "4711", "4712"},
      {CRTX_E_PAYLOAD_MALFORMED, "4711", "-4711"},
      {CRTX_E_PAYLOAD_MALFORMED, "4711", "4711.0"},
      {CRTX_E_PAYLOAD_MALFORMED, "4711", "4294967296"},
      {CRTX_E_PAYLOAD_MALFORMED, "4711", "\"4711\""},
      {CRTX_E_STALE_TIME_MISMATCH, "12:34:56.789", "12:34:56.788"},
      /* The same moment in other words: times are bound as text. */
      {CRTX_E_STALE_TIME_MISMATCH, "12:34:56.789+00:00", "12:34:56.789Z"},
      {CRTX_E_PAYLOAD_MALFORMED, "\"stale_marker_blake3\":\"blake3:", "\"stale_marker_blake3\":\"sha256:"},
      {CRTX_E_PAYLOAD_MALFORMED, ",\"stale_pid\":4711", ""},
      {CRTX_E_PAYLOAD_MALFORMED, FIXTURE_OPENING, "yesterday"},
  };
  size_t i;
  for (i = 0; i < sizeof edits / sizeof edits[0]; i++) {
    const char *path = fresh_attestation();
    edit(&document, edits[i].from, edits[i].to);
    if (!want_verified(edits[i].expected, path)) {
      printf("  with %s for %s\n", edits[i].to, edits[i].from);
    }
  }
}

static void the_digest_in_an_attestation_must_be_that_of_the_marker(void)
{
  const char *path = fresh_attestation();
  edit_value(&document, "stale_marker_blake3", INTENT_DIGEST); /* a good digest of something else */
  want_verified(CRTX_E_STALE_DIGEST_MISMATCH, path);
}

static void an_attestation_of_the_reference_implementation_need_not_name_the_digest(void)
{
  char rest[128];
  const char *found, *path = fresh_attestation();
  found = strstr(document.text, "\"stale_marker_blake3\"");
  NEED_TRUE(found != NULL);
  snprintf(rest, sizeof rest, "%.*s", (int)(strstr(found, "\"stale_pid\"") - found), found);
  edit(&document, rest, "");
  want_verified(CRTX_OK, path);
}

static void duplicate_unknown_and_nested_json_is_refused(void)
{
  static const struct edited edits[] = {
      {0, "{", "{\"stale_pid\":4711,"},          /* twice, with the same value */
      {0, "{", "{\"stale_\\u0070id\":4711,"},    /* twice, one of them escaped */
      {0, "{", "{\"comment\":\"x\","},           /* unknown */
      {0, "{", "{\"Kind\":\"x\","},              /* unknown: keys are not folded */
      {0, "{", "{\"active_db_path\":\"/x\","},   /* known to the other kind only */
      {0, "4711", "[4711]"},
      {0, "4711", "{\"x\":4711}"},
      {0, "4711", "null"},
      {0, "4711", "true"},
      {0, "4711}", "4711}}"},
      {0, "4711}", "4711}{}"},
      {0, "4711}", "4711} x"},
      {0, "4711}", "4711,}"},
      {0, "4711}", "4711"},
      {0, "{", "\xef\xbb\xbf{"},
      {0, "{", "[{"},
      {0, "the test", "the \xff test"},
      {0, "the test", "the \\ud800 test"},       /* half a surrogate pair */
      {0, "the test", "the \n test"},            /* JSON wants it escaped */
  };
  size_t i;
  for (i = 0; i < sizeof edits / sizeof edits[0]; i++) {
    const char *path = fresh_attestation();
    edit(&document, edits[i].from, edits[i].to);
    if (!want_verified(CRTX_E_PAYLOAD_MALFORMED, path)) {
      printf("  with %s for %s\n", edits[i].to, edits[i].from);
    }
  }
}

static void what_is_no_json_object_is_refused(void)
{
  static const char *const texts[] = {"[]", "null", "\"x\"", "7", "{", "{}", " ", "{\"kind\":}"};
  const char *path = fresh_attestation();
  size_t i;
  for (i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    sign_json(&document, texts[i], FIXTURE_NOW);
    if (!want_verified(CRTX_E_PAYLOAD_MALFORMED, path)) {
      printf("  with the payload %s\n", texts[i]);
    }
  }
}

static void deep_nesting_is_refused_without_a_crash(void)
{
  const char *path = fresh_attestation();
  memset(document.text, '[', 60000);
  document.length = 60000;
  sign_text(&document, operator_seed, FIXTURE_NOW);
  want_verified(CRTX_E_PAYLOAD_MALFORMED, path);
}

static void a_window_includes_both_its_ends(void)
{
  const char *path = fresh_attestation();
  document.document.now_unix_ns = FIXTURE_NOW - 300 * SECOND;
  want_verified(CRTX_OK, path);
  document.document.now_unix_ns--;
  want_verified(CRTX_E_NOT_YET_VALID, path);
  document.document.now_unix_ns = FIXTURE_NOW + 3600 * SECOND;
  want_verified(CRTX_OK, path);
  document.document.now_unix_ns++;
  want_verified(CRTX_E_EXPIRED, path);
}

static void a_window_of_86700_seconds_is_the_longest(void)
{
  const char *path = fresh_attestation();
  edit(&document, FIXTURE_CLOSING, "2026-11-24T01:00:00+00:00");
  want_verified(CRTX_OK, path);
  edit(&document, "2026-11-24T01:00:00+00:00", "2026-11-24T01:00:00.000000001+00:00");
  want_verified(CRTX_E_WINDOW_INVALID, path);
}

static void a_window_of_a_thousand_years_is_invalid(void)
{
  const char *path = fresh_attestation();
  edit(&document, FIXTURE_CLOSING, "3026-11-23T02:00:00+00:00");
  want_verified(CRTX_E_WINDOW_INVALID, path);
  path = fresh_attestation();
  edit(&document, FIXTURE_OPENING, "1026-11-23T02:00:00+00:00");
  want_verified(CRTX_E_WINDOW_INVALID, path);
  path = fresh_attestation();
  edit(&document, FIXTURE_OPENING, "0001-01-01T00:00:00+00:00");
  edit(&document, FIXTURE_CLOSING, "9999-12-31T23:59:59+00:00");
  want_verified(CRTX_E_WINDOW_INVALID, path);
}

static void a_window_that_ends_before_it_begins_is_invalid(void)
{
  const char *path = fresh_attestation();
  edit(&document, FIXTURE_CLOSING, "2026-11-23T00:54:59+00:00");
  want_verified(CRTX_E_WINDOW_INVALID, path);
}

static void times_with_other_offsets_name_the_same_moments(void)
{
  const char *path = fresh_attestation();
  edit(&document, FIXTURE_CLOSING, "2026-11-23T04:00:00+02:00");
  edit(&document, FIXTURE_OPENING, "2026-11-23T00:55:00Z");
  document.document.now_unix_ns = FIXTURE_NOW + 3600 * SECOND;
  want_verified(CRTX_OK, path);
  document.document.now_unix_ns++;
  want_verified(CRTX_E_EXPIRED, path);
}

static void the_signature_is_checked_before_anything_is_believed(void)
{
  const char *path = fresh_attestation();
  document.signature[10] ^= 1;
  want_verified(CRTX_E_BAD_SIGNATURE, path);
  sign_json(&document, "not even JSON \x1b[2J", FIXTURE_NOW);
  document.signature[10] ^= 1;
  want_verified(CRTX_E_BAD_SIGNATURE, path);
  CHECK(strstr(last_error.message, "not even JSON") == NULL);
  path = fresh_attestation();
  sign_text(&document, stranger_seed, FIXTURE_NOW); /* a good signature of the wrong key */
  want_verified(CRTX_E_PRINCIPAL_MISMATCH, path);
  NEED(CRTX_OK, crtx_public_key(operator_seed, 32, document.key, 32, &last_error));
  want_verified(CRTX_E_BAD_SIGNATURE, path);
}

static void sizes_are_checked_before_the_signature(void)
{
  const char *path = fresh_attestation();
  document.document.signature_len = 63;
  want_verified(CRTX_E_SIGNATURE_LENGTH, path);
  document.document.signature_len = 0;
  want_verified(CRTX_E_SIGNATURE_LENGTH, path);
  document.document.signature_len = 64;
  memset(document.text, ' ', sizeof document.text);
  document.document.payload_len = 64 * 1024 + 1;
  want_verified(CRTX_E_TOO_LARGE, path);
  document.document.payload_len = 64 * 1024;
  want_verified(CRTX_E_BAD_SIGNATURE, path);
  document.document.public_key_len = 33;
  want_verified(CRTX_E_UNTRUSTED_KEY, path);
}

static void signing_is_limited_to_what_verification_accepts(void)
{
  uint8_t signature[64];
  memset(document.text, ' ', sizeof document.text);
  WANT(CRTX_OK, crtx_sign(operator_seed, 32, (const uint8_t *)document.text, 64 * 1024, signature, 64, &last_error));
  WANT(CRTX_E_TOO_LARGE,
       crtx_sign(operator_seed, 32, (const uint8_t *)document.text, 64 * 1024 + 1, signature, 64, &last_error));
}

static void every_binding_of_an_intent_is_checked_with_its_own_error(void)
{
  crtx_intent_expectation expectation = usual_expectation();
  authorize(&document, FIXTURE_NOW);
  want_intent(CRTX_OK, &expectation);
  expectation.active_db_path = "/srv/engine/store.db2";
  want_intent(CRTX_E_PATH_MISMATCH, &expectation);
  expectation = usual_expectation();
  expectation.active_event_log_path = "/srv/engine//events.jsonl"; /* byte for byte */
  want_intent(CRTX_E_PATH_MISMATCH, &expectation);
  expectation = usual_expectation();
  expectation.backup_manifest_blake3 = INTENT_DIGEST;
  want_intent(CRTX_E_DIGEST_MISMATCH, &expectation);
  expectation = usual_expectation();
  expectation.staged_sqlite_blake3 = expectation.backup_manifest_blake3;
  want_intent(CRTX_E_DIGEST_MISMATCH, &expectation);
  expectation = usual_expectation();
  expectation.staged_jsonl_blake3 = INTENT_DIGEST;
  want_intent(CRTX_E_DIGEST_MISMATCH, &expectation);
}

static void the_envelope_of_an_intent_is_checked_like_any_other(void)
{
  crtx_intent_expectation expectation = usual_expectation();
  authorize(&document, FIXTURE_NOW);
  document.document.deployment_id = "deployment:other";
  want_intent(CRTX_E_DEPLOYMENT_MISMATCH, &expectation);
  authorize(&document, FIXTURE_NOW);
  edit(&document, "\"p_n_schema_version\":1", "\"p_n_schema_version\":2");
  want_intent(CRTX_E_SCHEMA_MISMATCH, &expectation);
  authorize(&document, FIXTURE_NOW);
  edit(&document, "{", "{\"justification\":\"x\",");
  want_intent(CRTX_E_PAYLOAD_MALFORMED, &expectation);
  authorize(&document, FIXTURE_NOW);
  document.document.now_unix_ns += 3601 * SECOND;
  want_intent(CRTX_E_EXPIRED, &expectation);
}

static void neither_kind_of_document_serves_as_the_other(void)
{
  crtx_intent_expectation expectation = usual_expectation();
  const char *path = fresh_attestation();
  want_intent(CRTX_E_KIND_MISMATCH, &expectation);
  authorize(&document, FIXTURE_NOW);
  want_verified(CRTX_E_KIND_MISMATCH, path);
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(every_field_of_an_attestation_is_checked),
      CASE(the_digest_in_an_attestation_must_be_that_of_the_marker),
      CASE(an_attestation_of_the_reference_implementation_need_not_name_the_digest),
      CASE(duplicate_unknown_and_nested_json_is_refused),
      CASE(what_is_no_json_object_is_refused),
      CASE(deep_nesting_is_refused_without_a_crash),
      CASE(a_window_includes_both_its_ends),
      CASE(a_window_of_86700_seconds_is_the_longest),
      CASE(a_window_of_a_thousand_years_is_invalid),
      CASE(a_window_that_ends_before_it_begins_is_invalid),
      CASE(times_with_other_offsets_name_the_same_moments),
      CASE(the_signature_is_checked_before_anything_is_believed),
      CASE(sizes_are_checked_before_the_signature),
      CASE(signing_is_limited_to_what_verification_accepts),
      CASE(every_binding_of_an_intent_is_checked_with_its_own_error),
      CASE(the_envelope_of_an_intent_is_checked_like_any_other),
      CASE(neither_kind_of_document_serves_as_the_other),
  };
  return RUN(cases, argc, argv);
}
