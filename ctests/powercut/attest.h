/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the workload and the check after a cut sign and ask for. */
#ifndef CRTX_POWERCUT_ATTEST_H
#define CRTX_POWERCUT_ATTEST_H

#include <crtx.h>
#include <stdint.h>

struct attestation {
  char payload[2048];
  uint8_t signature[64];
  uint8_t key[32];
  crtx_signed_document document; /* points into this struct: do not copy it */
};

/* Full durability, one attempt. */
crtx_lock_options attested_options(void);
void operator_key(uint8_t key[32]);
/* A good attestation for the marker at the path. */
void attest(struct attestation *attestation, const char *marker_path);

#endif
