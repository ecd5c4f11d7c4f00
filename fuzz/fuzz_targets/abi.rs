// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every C function, with struct sizes, buffers and handles of all kinds.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crtx_fuzz::abi::run(data));
