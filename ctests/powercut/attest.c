/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "attest.h"

#include "fail.h"
#include "mark.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const uint8_t seed[32] = {3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3, 2, 3, 8, 4, 6, 2, 6, 4, 3, 3, 8, 3, 2, 7, 9, 5};

void fail(const char *what)
{
  printf("%s: %s\n", what, strerror(errno));
  exit(2);
}

crtx_lock_options attested_options(void)
{
  crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  options.deployment_id = DEPLOYMENT;
  options.operator_principal_id = "operator:test";
  options.restore_intent_blake3 = INTENT_DIGEST;
  return options;
}

void operator_key(uint8_t key[32])
{
  if (crtx_public_key(seed, sizeof seed, key, 32, NULL) != CRTX_OK) {
    fail("crtx_public_key");
  }
}

void attest(struct attestation *attestation, const char *marker_path)
{
  crtx_signed_document document = CRTX_SIGNED_DOCUMENT_INIT;
  size_t needed = 0;
  memset(attestation, 0, sizeof *attestation);
  operator_key(attestation->key);
  if (crtx_takeover_build(marker_path, NULL, attestation->key, 32, "the power was cut", 3600, 0, attestation->payload,
                          sizeof attestation->payload, &needed, NULL) != CRTX_OK ||
      crtx_sign(seed, sizeof seed, (const uint8_t *)attestation->payload, needed - 1, attestation->signature, 64,
                NULL) != CRTX_OK) {
    fail("cannot attest the takeover");
  }
  document.payload = (const uint8_t *)attestation->payload;
  document.payload_len = needed - 1;
  document.signature = attestation->signature;
  document.signature_len = sizeof attestation->signature;
  document.public_key = attestation->key;
  document.public_key_len = sizeof attestation->key;
  document.deployment_id = DEPLOYMENT;
  attestation->document = document;
}
