/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Keys, principals, digests, and the two kinds of signed documents. */
#include "documents.h"
#include "files.h"
#include "harness.h"
#include "peer.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MANIFEST "blake3:2099db2be71ebffb4bf25ef191113b89d1010b54219bda4d5fee9e0b91337fa3"
#define MARKER_TIME "2026-11-23T00:40:55.469509729+00:00"

static struct signed_text document;

static void keys_signatures_and_principals_are_those_of_the_reference_implementation(void)
{
  char expected[8192], principal[80];
  uint8_t key[32], signature[64];
  size_t length, needed = 0;
  NEED(CRTX_OK, crtx_public_key(operator_seed, 32, key, sizeof key, &last_error));
  CHECK(get_fixture("operator.pub", expected, sizeof expected) == 32 && memcmp(key, expected, 32) == 0);
  WANT(CRTX_OK, crtx_operator_principal(key, 32, principal, sizeof principal, &needed, &last_error));
  CHECK_TEXT(principal, PRINCIPAL);
  CHECK_INT(needed, strlen(PRINCIPAL) + 1);
  length = get_fixture("TAKEOVER.json", document.text, sizeof document.text);
  NEED(CRTX_OK, crtx_sign(operator_seed, 32, (const uint8_t *)document.text, length, signature, 64, &last_error));
  CHECK(get_fixture("TAKEOVER.sig", expected, sizeof expected) == 64 && memcmp(signature, expected, 64) == 0);
}

static void the_digest_of_a_file_is_blake3_and_needs_72_bytes(void)
{
  char digest[80];
  size_t needed = 0;
  put_text(at("empty"), "");
  WANT(CRTX_OK, crtx_blake3_file(at("empty"), digest, sizeof digest, &needed, &last_error));
  CHECK_TEXT(digest, INTENT_DIGEST); /* the published digest of empty input */
  CHECK_INT(needed, 72);
  WANT(CRTX_E_BUFFER_TOO_SMALL, crtx_blake3_file(at("empty"), digest, 71, &needed, &last_error));
  CHECK_INT(needed, 72);
  WANT(CRTX_OK, crtx_blake3_file(at("empty"), digest, 72, NULL, &last_error));
  WANT(CRTX_E_IO, crtx_blake3_file(at("missing"), digest, sizeof digest, NULL, &last_error));
  CHECK_INT(last_error.os_error, 2);
  WANT(CRTX_E_NOT_REGULAR_FILE, crtx_blake3_file(at(""), digest, sizeof digest, NULL, &last_error));
}

static void an_attestation_is_minified_json_with_sorted_keys(void)
{
  char expected[2048], digest[80];
  const char *path = at("active-store.lock");
  copy_fixture("active-store.lock", path);
  NEED(CRTX_OK, crtx_blake3_file(path, digest, sizeof digest, NULL, &last_error));
  attest(&document, path, FIXTURE_NOW);
  snprintf(expected, sizeof expected,
           "{\"deployment_id\":\"deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556\","
           "\"justification\":\"the test left it behind\",\"kind\":\"cortex_restore_lock_takeover\","
           "\"not_after\":\"2026-11-23T02:00:00+00:00\",\"not_before\":\"2026-11-23T00:55:00+00:00\","
           "\"operator_principal_id\":\"" PRINCIPAL "\",\"schema_version\":1,\"stale_acquired_at\":\"" MARKER_TIME "\","
           "\"stale_marker_blake3\":\"%s\",\"stale_pid\":5641}",
           digest);
  CHECK_TEXT(document.text, expected);
}

static void an_intent_is_minified_json_with_sorted_keys(void)
{
  authorize(&document, FIXTURE_NOW);
  CHECK_TEXT(document.text,
             "{\"active_db_path\":\"/srv/engine/store.db\",\"active_event_log_path\":\"/srv/engine/events.jsonl\","
             "\"backup_manifest_blake3\":\"" MANIFEST "\",\"deployment_id\":\"" DEPLOYMENT "\","
             "\"kind\":\"cortex_restore_intent\",\"not_after\":\"2026-11-23T02:00:00+00:00\","
             "\"not_before\":\"2026-11-23T00:55:00+00:00\",\"operator_principal_id\":\"" PRINCIPAL "\","
             "\"p_n_schema_version\":1,\"schema_version\":1,\"staged_jsonl_blake3\":"
             "\"blake3:410d3ad470123e4024ac3f3b5edef093a220cb7b8705f5241e432f218c0080e8\","
             "\"staged_sqlite_blake3\":\"" INTENT_DIGEST "\"}");
}

static void the_reference_implementations_intent_verifies_to_the_digest_in_its_marker(void)
{
  char digest[80];
  size_t needed = 0;
  crtx_intent_expectation expected = usual_expectation();
  expected.active_db_path = "/srv/cortex-fixture/cortex.db";
  expected.active_event_log_path = "/srv/cortex-fixture/events.jsonl";
  expected.staged_jsonl_blake3 = INTENT_DIGEST;
  load_signed_fixture(&document, "RESTORE_INTENT.json", "RESTORE_INTENT.sig");
  document.document.deployment_id = "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556";
  WANT(CRTX_OK, crtx_intent_verify(&document.document, &expected, digest, sizeof digest, &needed, &last_error));
  CHECK_TEXT(digest, "blake3:410d3ad470123e4024ac3f3b5edef093a220cb7b8705f5241e432f218c0080e8");
  CHECK_INT(needed, 72);
}

static crtx_status build_for(const char *path, const char *deployment, const char *justification, uint32_t seconds)
{
  char buffer[4096];
  return crtx_takeover_build(path, deployment, document.key, 32, justification, seconds, FIXTURE_NOW, buffer,
                             sizeof buffer, NULL, &last_error);
}

static void no_document_is_written_for_more_than_a_day(void)
{
  char buffer[4096];
  crtx_intent_expectation expectation = usual_expectation();
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, FIXTURE_NOW);
  WANT(CRTX_OK, build_for(path, NULL, "x", 86400));
  WANT(CRTX_E_INVALID_ARGUMENT, build_for(path, NULL, "x", 86401));
  WANT(CRTX_E_INVALID_ARGUMENT, build_for(path, NULL, "x", 0));
  WANT(CRTX_E_INVALID_ARGUMENT, crtx_intent_build(DEPLOYMENT, &expectation, document.key, 32, 86401, FIXTURE_NOW,
                                                  buffer, sizeof buffer, NULL, &last_error));
}

static void an_attestation_is_built_only_for_the_markers_own_deployment(void)
{
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, FIXTURE_NOW);
  WANT(CRTX_OK, build_for(path, DEPLOYMENT, "x", 60));
  WANT(CRTX_E_DEPLOYMENT_MISMATCH, build_for(path, "deployment:other", "x", 60));
  WANT(CRTX_E_MARKER_ABSENT, build_for(at("none.lock"), DEPLOYMENT, "x", 60));
  put_text(path, "torn");
  WANT(CRTX_E_INVALID_ARGUMENT, build_for(path, NULL, "x", 60));
  WANT(CRTX_OK, build_for(path, DEPLOYMENT, "x", 60));
}

static void a_justification_is_one_plain_sentence(void)
{
  char longest[1026];
  const char *path = at("store.lock");
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, FIXTURE_NOW);
  memset(longest, 'j', sizeof longest);
  longest[1025] = '\0';
  WANT(CRTX_E_JUSTIFICATION_INVALID, build_for(path, NULL, longest, 60));
  longest[1024] = '\0';
  WANT(CRTX_OK, build_for(path, NULL, longest, 60));
  WANT(CRTX_E_JUSTIFICATION_INVALID, build_for(path, NULL, " \xc2\xa0 ", 60));
  edit_value(&document, "justification", " \\t ");
  WANT(CRTX_E_JUSTIFICATION_INVALID, crtx_takeover_verify(path, &document.document, &last_error));
  edit_value(&document, "justification", longest);
  WANT(CRTX_OK, crtx_takeover_verify(path, &document.document, &last_error));
  edit_value(&document, "justification", "");
  WANT(CRTX_E_JUSTIFICATION_INVALID, crtx_takeover_verify(path, &document.document, &last_error));
}

static void control_characters_in_a_justification_are_refused(void)
{
  static const char *const escaped[] = {"a\\nb", "a\\u0000b", "a\\u001b[2Jb", "a\\u0085b", "a\\u007fb"};
  const char *path = at("store.lock");
  size_t i;
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, FIXTURE_NOW);
  WANT(CRTX_E_JUSTIFICATION_INVALID, build_for(path, NULL, "two\nlines", 60));
  WANT(CRTX_E_JUSTIFICATION_INVALID, build_for(path, NULL, "\x1b[2J", 60));
  for (i = 0; i < sizeof escaped / sizeof escaped[0]; i++) {
    edit_value(&document, "justification", escaped[i]);
    if (!WANT(CRTX_E_JUSTIFICATION_INVALID, crtx_takeover_verify(path, &document.document, &last_error))) {
      printf("  with the justification %s\n", escaped[i]);
    }
  }
}

struct key_example {
  const char *what, *hex;
};

static void small_order_mixed_order_and_non_canonical_keys_are_not_trusted(void)
{
  static const struct key_example keys[] = {
      {"order 1", "0100000000000000000000000000000000000000000000000000000000000000"},
      {"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"order 4", "0000000000000000000000000000000000000000000000000000000000000000"},
      {"order 4", "0000000000000000000000000000000000000000000000000000000000000080"},
      {"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
      {"order 8", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa"},
      {"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
      {"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85"},
      {"y = p", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"y = p + 1", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"y = p + 1, sign", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
      {"y = 1, sign (no such x)", "0100000000000000000000000000000000000000000000000000000000000080"},
      {"y = p + 3", "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
      {"not on the curve", "0200000000000000000000000000000000000000000000000000000000000000"},
      {"mixed order", "287f6bda7a57f4f2873f3bff5e5ea9c260a6a6343bdf37c7abcd346ed5904c11"},
      {"mixed order", "744aa9d17019ab06bf874eed175674586fe07ac5196a41281f1c6ef452fb699b"},
  };
  char buffer[4096];
  const char *path = at("store.lock");
  crtx_intent_expectation expected = usual_expectation();
  size_t i;
  put_marker(path, 4711, LONG_AGO);
  attest(&document, path, FIXTURE_NOW);
  for (i = 0; i < sizeof keys / sizeof keys[0]; i++) {
    bytes_from_hex(document.key, 32, keys[i].hex);
    if (!WANT(CRTX_E_UNTRUSTED_KEY, crtx_operator_principal(document.key, 32, buffer, sizeof buffer, NULL, &last_error)) +
        !WANT(CRTX_E_UNTRUSTED_KEY, build_for(path, NULL, "x", 60)) +
        !WANT(CRTX_E_UNTRUSTED_KEY, crtx_takeover_verify(path, &document.document, &last_error)) +
        !WANT(CRTX_E_UNTRUSTED_KEY, crtx_evidence_verify(path, document.key, 32, &last_error)) +
        !WANT(CRTX_E_UNTRUSTED_KEY,
              crtx_intent_verify(&document.document, &expected, buffer, sizeof buffer, NULL, &last_error)) > 0) {
      printf("  with the key of %s: %s\n", keys[i].what, keys[i].hex);
    }
  }
  WANT(CRTX_E_UNTRUSTED_KEY, crtx_operator_principal(document.key, 31, buffer, sizeof buffer, NULL, &last_error));
}

int main(int argc, char **argv)
{
  static const struct test_case cases[] = {
      CASE(keys_signatures_and_principals_are_those_of_the_reference_implementation),
      CASE(the_digest_of_a_file_is_blake3_and_needs_72_bytes),
      CASE(an_attestation_is_minified_json_with_sorted_keys),
      CASE(an_intent_is_minified_json_with_sorted_keys),
      CASE(the_reference_implementations_intent_verifies_to_the_digest_in_its_marker),
      CASE(no_document_is_written_for_more_than_a_day),
      CASE(an_attestation_is_built_only_for_the_markers_own_deployment),
      CASE(a_justification_is_one_plain_sentence),
      CASE(control_characters_in_a_justification_are_refused),
      CASE(small_order_mixed_order_and_non_canonical_keys_are_not_trusted),
  };
  return RUN(cases, argc, argv);
}
