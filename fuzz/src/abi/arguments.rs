// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a careless C program passes.

use std::ffi::CStr;
use std::fs;

use crtx::ffi::*;

use super::{DEPLOYMENT, DIGEST, Run, directory};
use crate::input::Input;
use crate::memory::{Block, Bytes, Struct, Text, UNTOUCHED};
use crate::public_key;

/// A caller's error, of whatever size.
pub(super) struct ErrorBlock(Option<Block>, usize);

impl ErrorBlock {
    pub(super) fn choose(input: &mut Input<'_>) -> ErrorBlock {
        let full = size_of::<crtx_error>();
        let size = match input.below(8) {
            0..=3 => full,
            4 => full + input.below(64),
            5 => input.below(100),
            6 => return ErrorBlock(None, 0),
            _ => input.number() as u32 as usize,
        };
        let mut block = Block::filled(size.clamp(4, full + 64));
        // SAFETY: the block has four bytes at least.
        unsafe { block.pointer::<u32>().write_unaligned(size as u32) };
        ErrorBlock(Some(block), size)
    }

    pub(super) fn pointer(&mut self) -> *mut crtx_error {
        self.0.as_mut().map_or(std::ptr::null_mut(), Block::pointer)
    }

    pub(super) fn check(&self, status: i32) {
        let name = unsafe { CStr::from_ptr(crtx_status_name(status)) };
        assert_ne!(name, c"CRTX_E_UNKNOWN", "{status}");
        let Some(block) = &self.0 else {
            assert_ne!(status, CRTX_E_INTERNAL, "a panic was caught");
            return;
        };
        let bytes = block.bytes();
        let end = [1104, 80, 16].into_iter().find(|end| self.1 >= *end).unwrap_or(4);
        assert!(bytes[end..].iter().all(|byte| *byte == UNTOUCHED));
        let text = |range: std::ops::Range<usize>| {
            bytes.get(range).filter(|_| end == 1104).map(|text| {
                let end = text.iter().position(|byte| *byte == 0).expect("a NUL");
                String::from_utf8(text[..end].to_vec()).expect("UTF-8")
            })
        };
        let message = text(80..1104);
        assert_ne!(status, CRTX_E_INTERNAL, "a panic was caught: {message:?}");
        if end >= 16 {
            assert_eq!(bytes[4..8], status.to_ne_bytes());
        }
        if let Some(message) = message {
            assert_eq!(message.is_empty(), status == 0);
            assert!(!message.chars().any(char::is_control), "{message:?}");
        }
    }
}

impl Run<'_> {
    /// Nothing outside of the directory: the fuzzer's own paths have no slash.
    pub(super) fn path(&mut self) -> Text {
        match self.input.below(8) {
            5 => Text::of(b"m"),
            6 => {
                let bytes = self.input.bytes().iter();
                Text::of(
                    &bytes.map(|byte| if *byte == b'/' { b'_' } else { *byte }).collect::<Vec<_>>(),
                )
            }
            7 => Text::of([&b"m.flock"[..], b"m.new", b".", b"..", b"no/m"][self.input.below(5)]),
            _ => Text::of(&self.marker),
        }
    }

    pub(super) fn lock(&mut self) -> crtx_lock {
        match self.locks.get(self.input.below(4)) {
            Some(lock) if !self.input.one_in(8) => *lock,
            _ => crtx_lock { opaque: self.input.number() },
        }
    }

    pub(super) fn options(&mut self) -> (Block, Vec<Text>) {
        let input = &mut self.input;
        let mut texts: Vec<Text> = [DEPLOYMENT, b"operator:fuzz", DIGEST, b"host"]
            .into_iter()
            .map(|right| Text::choose(input, right))
            .collect();
        let durability = if input.one_in(4) { u32::from(input.byte()) } else { 1 };
        let flags = if input.one_in(4) { input.number() & input.number() } else { 0 };
        let reserved = if input.one_in(16) { 1 } else { 0 };
        let fields =
            Struct::new().u32(durability).u64(flags).u32(input.below(2) as u32).u32(reserved);
        let options = texts.iter_mut().fold(fields, |fields, text| fields.pointer(text.pointer()));
        (options.build(input), texts)
    }

    pub(super) fn document(&mut self) -> (Block, [Bytes; 3], Text) {
        let input = &mut self.input;
        let payload = Bytes::choose(input, &self.payload);
        let signature = Bytes::choose(input, &self.signature);
        let mut parts = [payload, signature, Bytes::choose(input, &public_key())];
        let mut deployment = Text::choose(input, DEPLOYMENT);
        let flags = if input.one_in(8) { u32::from(input.byte()) } else { 0 };
        let now = if input.one_in(8) { input.number() } else { 0 };
        let fields = Struct::new().u32(flags);
        let fields = parts
            .iter_mut()
            .fold(fields, |fields, part| fields.pointer(part.pointer()).u64(part.len() as u64));
        let fields = fields.pointer(deployment.pointer()).u64(now);
        (fields.build(input), parts, deployment)
    }

    pub(super) fn expectation(&mut self) -> (Block, Vec<Text>) {
        let input = &mut self.input;
        let mut texts: Vec<Text> = [&b"/srv/db"[..], b"/srv/log", DIGEST, DIGEST, DIGEST]
            .into_iter()
            .map(|right| Text::choose(input, right))
            .collect();
        let fields = Struct::new().u32(if input.one_in(16) { 1 } else { 0 });
        let fields = texts.iter_mut().fold(fields, |fields, text| fields.pointer(text.pointer()));
        (fields.build(input), texts)
    }

    /// Writes a file of the fuzzer's where a marker, its companion or its evidence may be.
    pub(super) fn disturb(&mut self) {
        let name = ["m", "m.flock", "m.new", "m.stale-20261123T004055Z"][self.input.below(4)];
        let path = directory().join(name);
        let _ = fs::remove_file(&path);
        match self.input.below(4) {
            0 => {}
            1 => fs::create_dir(&path).unwrap_or(()),
            2 => fs::write(&path, crate::marker::EXAMPLE).unwrap_or(()),
            _ => fs::write(&path, self.input.bytes()).unwrap_or(()),
        }
    }
}
