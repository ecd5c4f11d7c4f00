// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory as C programs pass it: of just the size that was promised, so that AddressSanitizer sees
//! one byte more, and not always aligned.

use std::ffi::c_char;

use crate::input::Input;

/// What output memory holds beforehand.
pub(crate) const UNTOUCHED: u8 = 0xA5;

/// A block on the heap that ends where the promise ends.
pub(crate) struct Block {
    memory: Box<[u8]>,
    start: usize,
}

impl Block {
    fn of(offset: usize, bytes: &[u8]) -> Block {
        let mut memory = vec![0; offset];
        memory.extend_from_slice(bytes);
        Block { memory: memory.into_boxed_slice(), start: offset }
    }

    pub(crate) fn filled(size: usize) -> Block {
        Block::of(0, &vec![UNTOUCHED; size])
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.memory[self.start..]
    }

    pub(crate) fn pointer<T>(&mut self) -> *mut T {
        self.memory[self.start..].as_mut_ptr().cast()
    }
}

/// A struct that begins with its size, written field by field.
pub(crate) struct Struct(Vec<u8>);

impl Struct {
    pub(crate) fn new() -> Struct {
        Struct(vec![0; 4])
    }

    pub(crate) fn u32(mut self, value: u32) -> Struct {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(crate) fn u64(mut self, value: u64) -> Struct {
        self.0.extend_from_slice(&value.to_ne_bytes());
        self
    }

    pub(crate) fn pointer<T>(self, pointer: *const T) -> Struct {
        self.u64(pointer as u64)
    }

    /// With a size of the fuzzer's choice. A size that must be refused unseen has four bytes behind
    /// it, not more.
    pub(crate) fn build(self, input: &mut Input<'_>) -> Block {
        let Struct(mut bytes) = self;
        let known = bytes.len();
        let size = match input.below(8) {
            0..=3 => known,
            4 => known + input.below(64),
            5 => known.saturating_sub(input.below(256)),
            6 => 4000 + input.below(200),
            _ => input.number() as u32 as usize,
        };
        bytes.resize(if (known..=4096).contains(&size) { size } else { 4 }, 0);
        if input.one_in(8) && bytes.len() > known {
            *bytes.last_mut().expect("it is not empty") = 1;
        }
        bytes[..4].copy_from_slice(&(size as u32).to_ne_bytes());
        Block::of(input.below(4), &bytes)
    }
}

/// A text, with its NUL at the very end; or NULL.
pub(crate) struct Text(Option<Block>);

impl Text {
    pub(crate) fn of(text: &[u8]) -> Text {
        let mut bytes: Vec<u8> = text.iter().copied().filter(|byte| *byte != 0).collect();
        bytes.push(0);
        Text(Some(Block::of(0, &bytes)))
    }

    /// Mostly the text that is right, else one of the fuzzer's, or NULL.
    pub(crate) fn choose(input: &mut Input<'_>, right: &[u8]) -> Text {
        match input.below(8) {
            6 => Text::of(input.bytes()),
            7 => Text(None),
            _ => Text::of(right),
        }
    }

    pub(crate) fn pointer(&mut self) -> *const c_char {
        self.0.as_mut().map_or(std::ptr::null(), |block| block.pointer::<c_char>().cast_const())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |block| block.bytes().len() - 1)
    }
}

/// Bytes with a length.
pub(crate) struct Bytes(Option<Block>, usize);

impl Bytes {
    pub(crate) fn of(bytes: &[u8]) -> Bytes {
        Bytes(Some(Block::of(0, bytes)), bytes.len())
    }

    pub(crate) fn choose(input: &mut Input<'_>, right: &[u8]) -> Bytes {
        match input.below(16) {
            12 => Bytes::of(input.bytes()),
            13 => Bytes(None, input.below(80)),
            14 => Bytes(Some(Block::of(0, &[])), usize::MAX - input.below(4)),
            15 => {
                let mut bytes = right.to_vec();
                bytes.truncate(input.below(right.len() + 1));
                Bytes::of(&bytes)
            }
            _ => Bytes::of(right),
        }
    }

    pub(crate) fn pointer(&mut self) -> *const u8 {
        self.0.as_mut().map_or(std::ptr::null(), |block| block.pointer::<u8>().cast_const())
    }

    pub(crate) fn len(&self) -> usize {
        self.1
    }
}

/// A buffer for a result.
pub(crate) struct Buffer {
    block: Option<Block>,
    pub(crate) capacity: usize,
    needed: Box<usize>,
    wants_needed: bool,
}

/// What `*out_needed` holds beforehand.
const NO_SIZE: usize = usize::MAX / 3;

impl Buffer {
    pub(crate) fn choose(input: &mut Input<'_>) -> Buffer {
        let capacity = match input.below(8) {
            0..=3 => 4200,
            4 => input.below(256),
            5 => input.below(16),
            6 => 0,
            _ => usize::MAX - input.below(4),
        };
        let impossible = isize::try_from(capacity).is_err();
        let is_null = input.one_in(16);
        let size = if impossible { 0 } else { capacity };
        Buffer {
            block: (!is_null).then(|| Block::filled(size)),
            capacity,
            needed: Box::new(NO_SIZE),
            wants_needed: !input.one_in(8),
        }
    }

    pub(crate) fn pointer<T>(&mut self) -> *mut T {
        self.block.as_mut().map_or(std::ptr::null_mut(), Block::pointer)
    }

    pub(crate) fn needed(&mut self) -> *mut usize {
        if self.wants_needed { &raw mut *self.needed } else { std::ptr::null_mut() }
    }

    /// What the header promises of every text result. `whole` if it has no NUL of its own.
    pub(crate) fn check(&self, status: i32, whole: bool) {
        let bytes = self.block.as_ref().map_or(&[][..], Block::bytes);
        let told = (*self.needed != NO_SIZE).then_some(*self.needed);
        assert_eq!(told.is_some(), self.wants_needed && (status == 0 || status == 4));
        if status != 0 {
            assert!(bytes.iter().all(|byte| *byte == UNTOUCHED), "a failed call wrote its output");
            assert!(told.is_none_or(|needed| needed > self.capacity));
            return;
        }
        let end = bytes.iter().position(|byte| *byte == 0).expect("a result ends with a NUL");
        assert!(told.is_none_or(|needed| needed <= self.capacity && bytes[needed - 1] == 0));
        if whole {
            assert!(told.is_none_or(|needed| needed == end + 1));
        }
    }

    /// The same for results of a fixed number of bytes.
    pub(crate) fn check_raw(&self, status: i32, size: usize) {
        let bytes = self.block.as_ref().map_or(&[][..], Block::bytes);
        let rest = if status == 0 { &bytes[size..] } else { bytes };
        assert!(rest.iter().all(|byte| *byte == UNTOUCHED), "more was written than promised");
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.block.as_ref().map_or(&[][..], Block::bytes)
    }
}
