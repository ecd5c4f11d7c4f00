// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times, against a second parser.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crtx_fuzz::times::run(data));
