// SPDX-License-Identifier: MIT OR Apache-2.0
//! Takeover attestations, each signed anew, against serde_json.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crtx_fuzz::documents::run_attestation(data));
