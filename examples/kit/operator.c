/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "kit.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

enum { VALID_FOR_SECONDS = 3600 };

void make_operator(struct operator_key *key) {
  crtx_error error = CRTX_ERROR_INIT;
  if (getrandom(key->seed, sizeof key->seed, 0) != (ssize_t)sizeof key->seed)
    give_up("no random bytes: %s", strerror(errno));
  expect_status(crtx_public_key(key->seed, sizeof key->seed, key->public_key,
                                sizeof key->public_key, &error),
                CRTX_OK, &error, "public key");
  expect_status(crtx_operator_principal(key->public_key, sizeof key->public_key, key->principal,
                                        sizeof key->principal, NULL, &error),
                CRTX_OK, &error, "operator principal");
}

void forget_operator(struct operator_key *key) { explicit_bzero(key->seed, sizeof key->seed); }

/* payload_len comes with the terminating NUL, which is no part of what is signed. */
static void sign_document(struct document *document, const struct operator_key *signer) {
  crtx_error error = CRTX_ERROR_INIT;
  document->payload_len -= 1;
  expect_status(crtx_sign(signer->seed, sizeof signer->seed, (const uint8_t *)document->payload,
                          document->payload_len, document->signature, sizeof document->signature,
                          &error),
                CRTX_OK, &error, "sign");
}

void attest_takeover(struct document *document, const struct operator_key *signer,
                     const char *marker, int64_t now_unix_ns) {
  crtx_error error = CRTX_ERROR_INIT;
  expect_status(crtx_takeover_build(marker, NULL, signer->public_key, sizeof signer->public_key,
                                    "the restore process was killed; nobody else is at work",
                                    VALID_FOR_SECONDS, now_unix_ns, document->payload,
                                    sizeof document->payload, &document->payload_len, &error),
                CRTX_OK, &error, "build the attestation");
  sign_document(document, signer);
}

void sign_intent(struct document *document, const struct operator_key *signer,
                 const crtx_intent_expectation *intent) {
  crtx_error error = CRTX_ERROR_INIT;
  expect_status(crtx_intent_build(DEPLOYMENT, intent, signer->public_key,
                                  sizeof signer->public_key, VALID_FOR_SECONDS, 0,
                                  document->payload, sizeof document->payload,
                                  &document->payload_len, &error),
                CRTX_OK, &error, "build the restore intent");
  sign_document(document, signer);
}

crtx_signed_document as_signed(const struct document *document,
                               const struct operator_key *trusted) {
  crtx_signed_document signed_document = CRTX_SIGNED_DOCUMENT_INIT;
  signed_document.payload = (const uint8_t *)document->payload;
  signed_document.payload_len = document->payload_len;
  signed_document.signature = document->signature;
  signed_document.signature_len = sizeof document->signature;
  signed_document.public_key = trusted->public_key;
  signed_document.public_key_len = sizeof trusted->public_key;
  signed_document.deployment_id = DEPLOYMENT;
  return signed_document;
}

int64_t now_ns(void) {
  struct timespec now;
  if (clock_gettime(CLOCK_REALTIME, &now) != 0) give_up("no clock: %s", strerror(errno));
  return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
