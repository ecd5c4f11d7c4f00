/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "documents.h"

#include "files.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

const uint8_t operator_seed[32] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14, 15, 16,
                                   17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32};
const uint8_t stranger_seed[32] = {0x5a, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7,
                                   7,    7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7};

void sign_text(struct signed_text *signed_text, const uint8_t *seed, int64_t now)
{
  crtx_signed_document *document = &signed_text->document;
  NEED(CRTX_OK, crtx_public_key(seed, 32, signed_text->key, sizeof signed_text->key, &last_error));
  NEED(CRTX_OK, crtx_sign(seed, 32, (const uint8_t *)signed_text->text, signed_text->length, signed_text->signature,
                          sizeof signed_text->signature, &last_error));
  memset(document, 0, sizeof *document);
  document->struct_size = sizeof *document;
  document->payload = (const uint8_t *)signed_text->text;
  document->payload_len = signed_text->length;
  document->signature = signed_text->signature;
  document->signature_len = sizeof signed_text->signature;
  document->public_key = signed_text->key;
  document->public_key_len = sizeof signed_text->key;
  document->deployment_id = DEPLOYMENT;
  document->now_unix_ns = now;
}

void sign_json(struct signed_text *signed_text, const char *json, int64_t now)
{
  signed_text->length = strlen(json);
  NEED_TRUE(signed_text->length < sizeof signed_text->text);
  memcpy(signed_text->text, json, signed_text->length + 1);
  sign_text(signed_text, operator_seed, now);
}

static void attest_for(struct signed_text *signed_text, const char *marker_path, const char *deployment, int64_t now)
{
  size_t needed = 0;
  uint8_t key[32];
  NEED(CRTX_OK, crtx_public_key(operator_seed, 32, key, sizeof key, &last_error));
  NEED(CRTX_OK, crtx_takeover_build(marker_path, deployment, key, sizeof key, "the test left it behind", 3600, now,
                                    signed_text->text, sizeof signed_text->text, &needed, &last_error));
  CHECK_INT(needed, strlen(signed_text->text) + 1);
  signed_text->length = strlen(signed_text->text);
  sign_text(signed_text, operator_seed, now);
}

void attest(struct signed_text *signed_text, const char *marker_path, int64_t now)
{
  attest_for(signed_text, marker_path, NULL, now);
}

void attest_malformed(struct signed_text *signed_text, const char *marker_path, int64_t now)
{
  attest_for(signed_text, marker_path, DEPLOYMENT, now);
}

crtx_intent_expectation usual_expectation(void)
{
  crtx_intent_expectation expectation;
  memset(&expectation, 0, sizeof expectation);
  expectation.struct_size = sizeof expectation;
  expectation.active_db_path = "/srv/engine/store.db";
  expectation.active_event_log_path = "/srv/engine/events.jsonl";
  expectation.backup_manifest_blake3 = "blake3:2099db2be71ebffb4bf25ef191113b89d1010b54219bda4d5fee9e0b91337fa3";
  expectation.staged_sqlite_blake3 = INTENT_DIGEST;
  expectation.staged_jsonl_blake3 = "blake3:410d3ad470123e4024ac3f3b5edef093a220cb7b8705f5241e432f218c0080e8";
  return expectation;
}

void authorize(struct signed_text *signed_text, int64_t now)
{
  crtx_intent_expectation expectation = usual_expectation();
  uint8_t key[32];
  NEED(CRTX_OK, crtx_public_key(operator_seed, 32, key, sizeof key, &last_error));
  NEED(CRTX_OK, crtx_intent_build(DEPLOYMENT, &expectation, key, sizeof key, 3600, now, signed_text->text,
                                  sizeof signed_text->text, NULL, &last_error));
  signed_text->length = strlen(signed_text->text);
  sign_text(signed_text, operator_seed, now);
}

static void replace(struct signed_text *signed_text, size_t start, size_t old_length, const char *to)
{
  size_t new_length = strlen(to);
  NEED_TRUE(signed_text->length - old_length + new_length < sizeof signed_text->text);
  memmove(signed_text->text + start + new_length, signed_text->text + start + old_length,
          signed_text->length - start - old_length + 1);
  memcpy(signed_text->text + start, to, new_length);
  signed_text->length = signed_text->length - old_length + new_length;
  sign_text(signed_text, operator_seed, signed_text->document.now_unix_ns);
}

static size_t place_of(const struct signed_text *signed_text, const char *what)
{
  const char *found = strstr(signed_text->text, what);
  if (!CHECK(found != NULL)) {
    printf("  no %s in %s\n", what, signed_text->text);
    abandon_case();
  }
  return (size_t)(found - signed_text->text);
}

void edit(struct signed_text *signed_text, const char *from, const char *to)
{
  replace(signed_text, place_of(signed_text, from), strlen(from), to);
}

void edit_value(struct signed_text *signed_text, const char *key, const char *value)
{
  char start[128];
  size_t place;
  snprintf(start, sizeof start, "\"%s\":\"", key);
  place = place_of(signed_text, start) + strlen(start);
  replace(signed_text, place, strcspn(signed_text->text + place, "\""), value);
}

void load_signed_fixture(struct signed_text *signed_text, const char *json_name, const char *signature_name)
{
  char signature[80];
  signed_text->length = get_fixture(json_name, signed_text->text, sizeof signed_text->text);
  sign_text(signed_text, operator_seed, FIXTURE_NOW);
  NEED_TRUE(get_fixture(signature_name, signature, sizeof signature) == sizeof signed_text->signature);
  memcpy(signed_text->signature, signature, sizeof signed_text->signature);
}

void bytes_from_hex(uint8_t *bytes, size_t length, const char *hex)
{
  size_t i;
  for (i = 0; i < length; i++) {
    unsigned value = 0;
    NEED_TRUE(sscanf(hex + 2 * i, "%2x", &value) == 1);
    bytes[i] = (uint8_t)value;
  }
}
