/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* What the workload writes into the history of the disk, before and after each call. */
#ifndef CRTX_POWERCUT_MARK_H
#define CRTX_POWERCUT_MARK_H

#include <stdint.h>

#define MARKER_NAME "store.lock"
#define DEPLOYMENT "powercut"
#define INTENT_DIGEST "blake3:0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a69788796a5b4c3d2e1f0"

/* A marker that was moved aside, and its evidence, as they must be found. */
struct quarantined {
  char name[128];
  char marker[1024];
  char payload[2048];
  uint8_t signature[64];
};

struct mark {
  uint32_t returned;             /* 0: the call begins; 1: it has returned */
  char call[32];
  char marker[1024];             /* of a call that returned: the marker from now on; empty: none */
  struct quarantined quarantined; /* the same; an empty name: this call moved nothing aside */
};

#endif
