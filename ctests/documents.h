/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Signed documents made with the library itself, and edited by hand where they must be wrong. */
#ifndef CRTX_CTESTS_DOCUMENTS_H
#define CRTX_CTESTS_DOCUMENTS_H

#include <crtx.h>
#include <stddef.h>
#include <stdint.h>

/* 2026-11-23T01:00:00Z, inside the windows of the fixtures. */
#define FIXTURE_NOW INT64_C(1795395600000000000)
#define SECOND INT64_C(1000000000)

struct signed_text {
  char text[70000];
  size_t length;
  uint8_t signature[64];
  uint8_t key[32];
  crtx_signed_document document; /* points into this struct: do not copy it */
};

extern const uint8_t operator_seed[32]; /* the fixtures' key */
extern const uint8_t stranger_seed[32];

/* Signs text[0..length] and fills `document`, with the clock at `now` (0: the system's). */
void sign_text(struct signed_text *signed_text, const uint8_t *seed, int64_t now);
void sign_json(struct signed_text *signed_text, const char *json, int64_t now);
/* A good attestation for the marker at the path. */
void attest(struct signed_text *signed_text, const char *marker_path, int64_t now);
/* The same for a marker that cannot be parsed. */
void attest_malformed(struct signed_text *signed_text, const char *marker_path, int64_t now);
/* A good restore intent for `usual_expectation`. */
void authorize(struct signed_text *signed_text, int64_t now);
crtx_intent_expectation usual_expectation(void);
/* Replaces the first `from` in the text by `to` and signs it again. The case ends without `from`. */
void edit(struct signed_text *signed_text, const char *from, const char *to);
/* Replaces the string value of a key and signs again. */
void edit_value(struct signed_text *signed_text, const char *key, const char *value);
void load_signed_fixture(struct signed_text *signed_text, const char *json_name, const char *signature_name);
void bytes_from_hex(uint8_t *bytes, size_t length, const char *hex);

#endif
