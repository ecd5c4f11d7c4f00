// SPDX-License-Identifier: MIT OR Apache-2.0
//! The marker's text: parse, render, and a second parser.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crtx_fuzz::marker::run(data));
