# SPDX-License-Identifier: MIT OR Apache-2.0
import sys

import crtx

lock = crtx.ActiveStoreLock(
    "ledger.db.restore",
    deployment_id="ledger-production",
    operator_principal_id="operator:alice",  # crtx.operator_principal() of her key
    # crtx.verify_intent() of what she signed:
    restore_intent_blake3="blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
)
try:
    with lock:
        # Restore here; before each step that writes, make sure that the lock is still ours:
        lock.check()
        print("restored")
except crtx.MarkerExists as error:
    print("another restore is at work, or died:")  # error.marker_state tells which
    sys.exit(str(error))
