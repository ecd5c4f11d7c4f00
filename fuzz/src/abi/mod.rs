// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every C function, called as a careless C program might call it, within what no callee can check:
//! pointers point to as much as the call says.

mod arguments;

use std::ffi::{CStr, c_char};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::OnceLock;

use crtx::ffi::*;
use tempfile::TempDir;

use crate::input::Input;
use crate::memory::{Block, Buffer, Bytes, Text, UNTOUCHED};

use self::arguments::ErrorBlock;
use crate::{SEED, public_key};

const DEPLOYMENT: &[u8] = b"deployment:fuzz";
const DIGEST: &[u8] = b"blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const MOST_CALLS: usize = 12;

/// The directory of all runs, which is also the working directory.
fn directory() -> &'static Path {
    static DIRECTORY: OnceLock<TempDir> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(|| {
        let directory = crate::sequence::new_directory();
        std::env::set_current_dir(directory.path()).expect("the directory was just made");
        directory
    });
    directory.path()
}

/// What the calls of one run share.
struct Run<'a> {
    input: Input<'a>,
    marker: Vec<u8>,
    locks: Vec<crtx_lock>,
    payload: Vec<u8>,
    signature: Vec<u8>,
    stale: Vec<u8>,
}

impl<'a> Run<'a> {
    fn new(data: &'a [u8]) -> Run<'a> {
        let marker = directory().join("m").as_os_str().as_bytes().to_vec();
        let (payload, signature, stale) = (Vec::new(), vec![0; 64], b"m.stale-x".to_vec());
        Run { input: Input::new(data), marker, locks: Vec::new(), payload, signature, stale }
    }

    /// Signs what was built, so that later calls have something to verify.
    fn sign(&mut self, built: &[u8]) {
        let length = built.iter().position(|byte| *byte == 0).unwrap_or(built.len());
        self.payload = built[..length].to_vec();
        self.signature = crtx::sign(&SEED, &self.payload).map_or(vec![0; 64], |s| s.to_vec());
    }

    fn give_handle(&mut self, call: impl FnOnce(&mut Self, *mut crtx_lock) -> i32) {
        let mut place = Block::filled(8);
        let is_null = self.input.one_in(16);
        let pointer = if is_null { std::ptr::null_mut() } else { place.pointer::<crtx_lock>() };
        let status = call(self, pointer);
        if is_null {
            assert_eq!(status, CRTX_E_INVALID_ARGUMENT);
            return;
        }
        // SAFETY: the block has eight bytes.
        let lock = unsafe { place.pointer::<crtx_lock>().read_unaligned() };
        assert_eq!(lock.opaque != 0, status == 0);
        if status == 0 {
            self.locks.push(lock);
        }
    }

    fn marker_output(&mut self, call: impl FnOnce(&mut Self, *mut crtx_marker) -> i32) {
        let size = match self.input.below(4) {
            0 | 1 => size_of::<crtx_marker>(),
            2 => self.input.below(256),
            _ => self.input.number() as u32 as usize % 8192,
        };
        let accepted = (8..=4096).contains(&size);
        let mut block = Block::filled(if accepted { size } else { 4 });
        // SAFETY: the block has four bytes at least.
        unsafe { block.pointer::<u32>().write_unaligned(size as u32) };
        let status = call(self, block.pointer());
        assert!(accepted || status != 0);
        if status == 0 {
            assert!(block.bytes().iter().skip(size_of::<crtx_marker>()).all(|byte| *byte == 0));
        } else {
            assert!(block.bytes()[4..].iter().all(|byte| *byte == UNTOUCHED));
        }
    }

    /// # Safety
    ///
    /// None is needed: all pointers are to memory of this module.
    unsafe fn call(&mut self) {
        let mut error_block = ErrorBlock::choose(&mut self.input);
        let error = error_block.pointer();
        let mut buffer = Buffer::choose(&mut self.input);
        let which = self.input.below(26);
        let status = unsafe {
            match which {
                0 => self.acquire(error),
                1 => crtx_lock_check(self.lock(), error),
                2 => crtx_lock_leak(self.lock(), error),
                3 => crtx_lock_release(self.lock(), error),
                4 => {
                    let lock = self.lock();
                    let mut status = 0;
                    self.marker_output(|_, marker| {
                        status = crtx_lock_marker(lock, marker, error);
                        status
                    });
                    status
                }
                5 => self.lock_path(crtx_lock_marker_path, &mut buffer, error),
                6 => self.lock_path(crtx_lock_companion_path, &mut buffer, error),
                7 => {
                    let mut path = self.path();
                    let mut status = 0;
                    self.marker_output(|_, marker| {
                        status = crtx_marker_inspect(path.pointer(), marker, error);
                        status
                    });
                    status
                }
                8 => self.path_text(crtx_marker_read, &mut buffer, error, false),
                9 => self.path_text(crtx_evidence_list, &mut buffer, error, false),
                10 => self.path_text(crtx_blake3_file, &mut buffer, error, true),
                _ => self.call_with_documents(which, &mut buffer, error),
            }
        };
        error_block.check(status);
    }

    unsafe fn acquire(&mut self, error: *mut crtx_error) -> i32 {
        let mut path = self.path();
        let (mut options, _texts) = self.options();
        let mut status = 0;
        self.give_handle(|_, lock| {
            status = unsafe { crtx_lock_acquire(path.pointer(), options.pointer(), lock, error) };
            status
        });
        status
    }

    unsafe fn lock_path(
        &mut self,
        function: unsafe extern "C" fn(
            crtx_lock,
            *mut c_char,
            usize,
            *mut usize,
            *mut crtx_error,
        ) -> i32,
        buffer: &mut Buffer,
        error: *mut crtx_error,
    ) -> i32 {
        let (lock, pointer, needed) = (self.lock(), buffer.pointer(), buffer.needed());
        let status = unsafe { function(lock, pointer, buffer.capacity, needed, error) };
        buffer.check(status, true);
        status
    }

    unsafe fn path_text(
        &mut self,
        function: unsafe extern "C" fn(
            *const c_char,
            *mut c_char,
            usize,
            *mut usize,
            *mut crtx_error,
        ) -> i32,
        buffer: &mut Buffer,
        error: *mut crtx_error,
        whole: bool,
    ) -> i32 {
        let mut path = self.path();
        let (pointer, needed) = (buffer.pointer(), buffer.needed());
        let status = unsafe { function(path.pointer(), pointer, buffer.capacity, needed, error) };
        buffer.check(status, whole);
        status
    }

    unsafe fn call_with_documents(
        &mut self,
        which: usize,
        buffer: &mut Buffer,
        error: *mut crtx_error,
    ) -> i32 {
        let (out, capacity, needed) = (buffer.pointer(), buffer.capacity, buffer.needed());
        let mut path = self.path();
        let mut key = Bytes::choose(&mut self.input, &public_key());
        let mut deployment = Text::choose(&mut self.input, DEPLOYMENT);
        let seconds = if self.input.one_in(4) { self.input.number() as u32 } else { 3600 };
        let now = if self.input.one_in(8) { self.input.number() as i64 } else { 0 };
        let status = unsafe {
            match which {
                11 | 12 => {
                    let (mut document, _parts, _deployment) = self.document();
                    crtx_quarantine(
                        path.pointer(),
                        document.pointer(),
                        out,
                        capacity,
                        needed,
                        error,
                    )
                }
                13 | 14 => {
                    let (mut document, _parts, _deployment) = self.document();
                    let (mut options, _texts) = self.options();
                    let mut status = 0;
                    self.give_handle(|_, lock| {
                        let (path, options) = (path.pointer(), options.pointer());
                        let document = document.pointer();
                        status = crtx_takeover(
                            path, document, options, lock, out, capacity, needed, error,
                        );
                        status
                    });
                    status
                }
                15 => {
                    let (mut document, _parts, _deployment) = self.document();
                    return crtx_takeover_verify(path.pointer(), document.pointer(), error);
                }
                16 => {
                    let mut stale = Text::choose(&mut self.input, &self.stale);
                    let stale = if stale.len() > 0 { stale.pointer() } else { path.pointer() };
                    return crtx_evidence_verify(stale, key.pointer(), key.len(), error);
                }
                17..=19 => {
                    let mut why = Text::choose(&mut self.input, b"fuzzed");
                    let (deployment, why) = (deployment.pointer(), why.pointer());
                    let (key, length) = (key.pointer(), key.len());
                    crtx_takeover_build(
                        path.pointer(),
                        deployment,
                        key,
                        length,
                        why,
                        seconds,
                        now,
                        out,
                        capacity,
                        needed,
                        error,
                    )
                }
                20 => {
                    let (mut intent, _texts) = self.expectation();
                    let (key, length) = (key.pointer(), key.len());
                    let (deployment, intent) = (deployment.pointer(), intent.pointer());
                    crtx_intent_build(
                        deployment, intent, key, length, seconds, now, out, capacity, needed, error,
                    )
                }
                21 => {
                    let (mut document, _parts, _deployment) = self.document();
                    let (mut expected, _texts) = self.expectation();
                    let (document, expected) = (document.pointer(), expected.pointer());
                    crtx_intent_verify(document, expected, out, capacity, needed, error)
                }
                22 => {
                    let mut seed = Bytes::choose(&mut self.input, &SEED);
                    let mut payload = Bytes::choose(&mut self.input, b"payload");
                    let (seed, seed_len) = (seed.pointer(), seed.len());
                    let (payload, len) = (payload.pointer(), payload.len());
                    let status =
                        crtx_sign(seed, seed_len, payload, len, out.cast(), capacity, error);
                    buffer.check_raw(status, 64);
                    return status;
                }
                23 => {
                    let mut seed = Bytes::choose(&mut self.input, &SEED);
                    let (seed, length) = (seed.pointer(), seed.len());
                    let status = crtx_public_key(seed, length, out.cast(), capacity, error);
                    buffer.check_raw(status, 32);
                    return status;
                }
                24 => {
                    crtx_operator_principal(key.pointer(), key.len(), out, capacity, needed, error)
                }
                _ => return self.ask_about_the_library(error),
            }
        };
        buffer.check(status, true);
        if status == 0 && (17..=20).contains(&which) {
            self.sign(buffer.bytes());
        }
        if status == 0 && (11..=14).contains(&which) {
            self.stale = buffer.bytes().split(|byte| *byte == 0).next().unwrap_or(b"").to_vec();
        }
        status
    }

    /// Cannot fail, whatever is asked.
    fn ask_about_the_library(&mut self, error: *mut crtx_error) -> i32 {
        let status = self.input.number() as i32;
        // SAFETY: both give constant texts, and no handle is zero.
        unsafe {
            assert!(!CStr::from_ptr(crtx_status_message(status)).is_empty());
            assert!(!CStr::from_ptr(crtx_status_name(status)).is_empty());
            crtx_lock_check(crtx_lock { opaque: 0 }, error)
        }
    }

    fn end(self) {
        for lock in self.locks {
            // SAFETY: NULL is allowed.
            unsafe { crtx_lock_release(lock, std::ptr::null_mut()) };
        }
        crate::sequence::empty(directory());
    }
}

/// Target `abi`.
pub fn run(data: &[u8]) {
    let mut run = Run::new(data);
    for _ in 0..MOST_CALLS {
        if run.input.is_empty() {
            break;
        }
        if run.input.one_in(8) {
            run.disturb();
        }
        // SAFETY: see there.
        unsafe { run.call() };
    }
    run.end();
}
