// SPDX-License-Identifier: MIT OR Apache-2.0
//! Only with the feature `test-panic`, and not in the header.

use super::guard::guarded;
use super::types::{crtx_error, crtx_status};

/// Panics inside the boundary, so that a C program can see what becomes of it.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_test_panic(error: *mut crtx_error) -> crtx_status {
    guarded(error, || panic!("crtx_test_panic was called"))
}
