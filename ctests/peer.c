/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "peer.h"

#include "files.h"
#include "harness.h"

#include <stdio.h>
#include <string.h>

crtx_lock_options usual_options(void)
{
  crtx_lock_options options;
  memset(&options, 0, sizeof options);
  options.struct_size = sizeof options;
  options.deployment_id = DEPLOYMENT;
  options.operator_principal_id = PRINCIPAL;
  options.restore_intent_blake3 = INTENT_DIGEST;
  options.host = "ctests-host";
  return options;
}

crtx_lock hold(const char *marker_path)
{
  crtx_lock lock = {0};
  crtx_lock_options options = usual_options();
  NEED(CRTX_OK, crtx_lock_acquire(marker_path, &options, &lock, &last_error));
  NEED_TRUE(lock.opaque != 0);
  return lock;
}

void let_go(crtx_lock lock)
{
  WANT(CRTX_OK, crtx_lock_release(lock, &last_error));
}

void leave_stale(const char *marker_path)
{
  crtx_lock lock = hold(marker_path);
  WANT(CRTX_OK, crtx_lock_leak(lock, &last_error));
  let_go(lock);
}

uint32_t state_of(const char *marker_path)
{
  crtx_marker marker;
  memset(&marker, 0, sizeof marker);
  marker.struct_size = sizeof marker;
  WANT(CRTX_OK, crtx_marker_inspect(marker_path, &marker, &last_error));
  return marker.state;
}

/* ---- the other process ---- */

/* The last status that was neither of the two refusals, or CRTX_OK. */
static int pester(const char *marker_path)
{
  crtx_lock_options options = usual_options();
  int tries;
  for (tries = 0; tries < 30; tries++) {
    crtx_lock lock = {0};
    crtx_status status = crtx_lock_acquire(marker_path, &options, &lock, NULL);
    if (status != CRTX_E_MARKER_EXISTS && status != CRTX_E_CONTENDED) {
      printf("  an acquire that had to be refused answered %d\n", (int)status);
      return status == CRTX_OK ? -1 : status;
    }
  }
  return CRTX_OK;
}

static int churn(const char *marker_path)
{
  crtx_lock_options options = usual_options();
  for (;;) {
    crtx_lock lock;
    NEED(CRTX_OK, crtx_lock_acquire(marker_path, &options, &lock, &last_error));
    NEED(CRTX_OK, crtx_lock_release(lock, &last_error));
  }
}

int obey(char order, const char *marker_path, crtx_lock *lock)
{
  crtx_lock_options options = usual_options();
  options.timeout_ms = order == ACQUIRE_WAITING ? 30000 : 0;
  switch (order) {
  case ACQUIRE:
  case ACQUIRE_WAITING:
    return crtx_lock_acquire(marker_path, &options, lock, NULL);
  case CHECK_LOCK:
    return crtx_lock_check(*lock, NULL);
  case RELEASE:
    return crtx_lock_release(*lock, NULL);
  case LEAK:
    return crtx_lock_leak(*lock, NULL);
  case INSPECT:
    return (int)state_of(marker_path);
  case PESTER:
    return pester(marker_path);
  case CHURN:
    return churn(marker_path);
  default:
    return -1;
  }
}
