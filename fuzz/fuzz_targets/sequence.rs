// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences of calls against a model of the files and handles.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| crtx_fuzz::sequence::run(data));
