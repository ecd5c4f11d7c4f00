// SPDX-License-Identifier: MIT OR Apache-2.0
#include <iostream>
#include "crtx.hpp"

int main() try {
  crtx::lock_options options;
  options.deployment_id = "ledger-production";
  options.operator_principal_id = "operator:alice";  // crtx::operator_principal() of her key
  options.restore_intent_blake3 =                    // crtx::verify_intent() of what she signed
      "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
  crtx::lock lock("ledger.db.restore", options);
  // Restore here; before each step that writes, make sure that the lock is still ours:
  lock.check();
  std::cout << "restored\n";
  lock.release();
} catch (const crtx::error &failure) {
  if (failure.status() == CRTX_E_MARKER_EXISTS)  // failure.marker_state() tells which
    std::cout << "another restore is at work, or died:\n";
  std::cout << failure.what() << '\n';
  return 1;
}
