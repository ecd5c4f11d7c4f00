// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests of how C's arguments are read.

use super::*;
use crate::Status;

const KNOWN: usize = size_of::<crtx_intent_expectation>();

fn names(result: Result<impl std::fmt::Debug>, argument: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.status(), Status::InvalidArgument);
    assert!(error.message().contains(argument), "{}", error.message());
}

/// A caller's memory of more than one version, at an odd address, which must not matter.
fn expectation_of_size(size: u32, tail: &[u8]) -> Vec<u8> {
    let mut memory = vec![0; 1 + KNOWN];
    memory[1..5].copy_from_slice(&size.to_ne_bytes());
    for field in 0..5 {
        let text = c"text".as_ptr() as usize;
        let at = 1 + 8 + field * size_of::<usize>();
        memory[at..at + size_of::<usize>()].copy_from_slice(&text.to_ne_bytes());
    }
    memory.extend_from_slice(tail);
    memory
}

fn read_expectation(memory: &[u8]) -> Result<IntentExpectation<'static>> {
    // SAFETY: the memory is as large as its struct_size says, or the size is refused.
    unsafe { intent_expectation("intent", memory[1..].as_ptr().cast()) }
}

#[test]
fn version_1_is_read_whole() {
    let read = read_expectation(&expectation_of_size(KNOWN as u32, &[])).unwrap();
    assert_eq!(read.staged_jsonl_blake3, "text");
}

#[test]
fn a_struct_smaller_than_version_1_is_refused() {
    for size in [0, 4, 8, KNOWN as u32 - 1] {
        names(read_expectation(&expectation_of_size(size, &[])), "intent.struct_size");
    }
}

#[test]
fn a_larger_struct_is_accepted_up_to_4096_if_its_unknown_tail_is_zero() {
    for size in [KNOWN + 1, MAX_STRUCT_SIZE] {
        let mut tail = vec![0; size - KNOWN];
        assert!(read_expectation(&expectation_of_size(size as u32, &tail)).is_ok());
        *tail.last_mut().unwrap() = 1;
        names(read_expectation(&expectation_of_size(size as u32, &tail)), "does not know");
    }
    let tail = vec![0; MAX_STRUCT_SIZE + 1 - KNOWN];
    names(read_expectation(&expectation_of_size(4097, &tail)), "intent.struct_size");
    names(read_expectation(&expectation_of_size(u32::MAX, &[])), "intent.struct_size");
}

#[test]
fn a_reserved_field_must_be_zero() {
    let mut memory = expectation_of_size(KNOWN as u32, &[]);
    memory[5] = 1;
    names(read_expectation(&memory), "intent.reserved");
}

#[test]
fn a_null_is_refused_by_name() {
    let mut memory = expectation_of_size(KNOWN as u32, &[]);
    memory[9 + size_of::<usize>()..9 + 2 * size_of::<usize>()].fill(0);
    names(read_expectation(&memory), "intent.active_event_log_path");
    // SAFETY: NULL is what these check for.
    unsafe {
        names(lock_options(ptr::null()), "options");
        names(signed_document("attestation", ptr::null()), "attestation");
        names(text("host", ptr::null()), "host");
        names(path("marker_path", ptr::null()), "marker_path");
        names(bytes("seed", ptr::null(), 32), "seed");
        names(bytes("seed", ptr::null(), 0), "seed");
        names(bytes_or_none("payload", ptr::null(), 1), "payload");
        assert_eq!(bytes_or_none("payload", ptr::null(), 0).unwrap(), b"");
        assert_eq!(optional_text("host", ptr::null()).unwrap(), None);
    }
}

#[test]
fn texts_must_be_utf_8_and_paths_not_empty() {
    // SAFETY: all are terminated texts.
    unsafe {
        names(text("host", c"\xff".as_ptr()), "host is not UTF-8");
        names(optional_text("host", c"\xff".as_ptr()), "host is not UTF-8");
        names(path("marker_path", c"".as_ptr()), "marker_path is empty");
        #[cfg(unix)]
        assert_eq!(path("p", c"/\xff".as_ptr()).unwrap().as_os_str().len(), 2);
    }
}

#[test]
fn a_length_that_no_object_can_have_is_refused_before_a_slice_is_made() {
    let byte = 0_u8;
    // SAFETY: the pointer is never read.
    unsafe { names(bytes("payload", &raw const byte, usize::MAX), "payload") };
}

#[test]
fn unknown_flags_and_durabilities_are_refused() {
    names(allow("options", 4), "options.flags");
    names(allow("options", 1 << 63), "options.flags");
    names(durability(2), "options.durability");
    let both = allow("options", 3).unwrap();
    assert!(both.network_filesystem && both.shared_directory);
    let network = allow("options", 1).unwrap();
    assert!(network.network_filesystem && !network.shared_directory);
}

#[test]
fn no_input_struct_has_padding_at_its_end() {
    fn ends<T, F>(offset: usize) {
        assert_eq!(offset + size_of::<F>(), size_of::<T>());
    }
    use std::mem::offset_of;
    ends::<crtx_lock_options, *const c_char>(offset_of!(crtx_lock_options, host));
    ends::<crtx_signed_document, i64>(offset_of!(crtx_signed_document, now_unix_ns));
    ends::<crtx_intent_expectation, *const c_char>(offset_of!(
        crtx_intent_expectation,
        staged_jsonl_blake3
    ));
}
