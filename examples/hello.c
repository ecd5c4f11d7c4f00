/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include <stdio.h>
#include "crtx.h"

int main(void) {
  crtx_error error = CRTX_ERROR_INIT;
  crtx_lock_options options = CRTX_LOCK_OPTIONS_INIT;
  crtx_lock lock;
  options.deployment_id = "ledger-production";
  options.operator_principal_id = "operator:alice"; /* crtx_operator_principal() of her key */
  options.restore_intent_blake3 = /* crtx_intent_verify() of what she signed */
      "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
  if (crtx_lock_acquire("ledger.db.restore", &options, &lock, &error) == CRTX_OK) {
    /* Restore here; before each step that writes, make sure that the lock is still ours: */
    if (crtx_lock_check(lock, &error) == CRTX_OK) puts("restored");
    if (crtx_lock_release(lock, &error) == CRTX_OK) return 0;
  } else if (error.status == CRTX_E_MARKER_EXISTS) {
    puts("another restore is at work, or died:"); /* error.marker_state tells which */
  }
  puts(error.message);
  return 1;
}
