// SPDX-License-Identifier: MIT OR Apache-2.0
//! What C gets back: texts into buffers, markers and errors by the caller's size.

use std::mem::offset_of;
use std::os::raw::c_char;

use super::input::null;
use super::types::{crtx_error, crtx_marker};
use crate::digest::Digest;
use crate::error::{Error, Result, Status};
use crate::marker::{Marker, MarkerState, SCOPE};

/// Where a text output goes.
pub(super) struct TextOutput {
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
}

impl TextOutput {
    /// # Safety
    ///
    /// `buffer` is NULL or has `capacity` writable bytes; `out_needed` is NULL or writable. Both
    /// outlive the value.
    pub(super) unsafe fn new(
        buffer: *mut c_char,
        capacity: usize,
        out_needed: *mut usize,
    ) -> Result<TextOutput> {
        if buffer.is_null() && capacity != 0 {
            return Err(null("buffer"));
        }
        Ok(TextOutput { buffer, capacity, out_needed })
    }

    /// Refuses before anything is touched unless `needed` bytes, the NUL included, would fit.
    pub(super) fn require(&self, needed: usize) -> Result<()> {
        if self.capacity >= needed {
            return Ok(());
        }
        self.tell(needed);
        let message = format!("the buffer has {} bytes and {needed} are needed", self.capacity);
        Err(Error::new(Status::BufferTooSmall, "buffer check", message))
    }

    /// Writes the text and its NUL, or nothing.
    pub(super) fn write(&self, text: &[u8]) -> Result<()> {
        self.require(text.len() + 1)?;
        // SAFETY: `new`'s caller vouches for `capacity` bytes, and the text with its NUL fits.
        unsafe {
            std::ptr::copy_nonoverlapping(text.as_ptr().cast(), self.buffer, text.len());
            *self.buffer.add(text.len()) = 0;
        }
        self.tell(text.len() + 1);
        Ok(())
    }

    fn tell(&self, needed: usize) {
        if !self.out_needed.is_null() {
            // SAFETY: `new`'s caller vouches for it.
            unsafe { self.out_needed.write(needed) };
        }
    }
}

/// A byte array of a fixed size.
///
/// # Safety
///
/// `buffer` is NULL or has `capacity` writable bytes.
pub(super) unsafe fn write_bytes<const N: usize>(
    name: &str,
    buffer: *mut u8,
    capacity: usize,
    bytes: &[u8; N],
) -> Result<()> {
    if capacity < N {
        let message = format!("{name} has {capacity} bytes and {N} are needed");
        return Err(Error::new(Status::BufferTooSmall, "buffer check", message));
    }
    if buffer.is_null() {
        return Err(null(name));
    }
    // SAFETY: the caller vouches for `capacity` bytes, which are at least N.
    unsafe { std::ptr::copy_nonoverlapping(bytes.as_ptr(), buffer, N) };
    Ok(())
}

/// The caller's `crtx_marker`, its size checked.
pub(super) struct MarkerOutput {
    pointer: *mut crtx_marker,
    size: usize,
}

impl MarkerOutput {
    /// The least that tells anything: struct_size and state.
    const MIN_SIZE: usize = 8;
    const MAX_SIZE: usize = 4096;

    /// # Safety
    ///
    /// `pointer` is NULL or points to a `struct_size` that is true, and that many writable bytes,
    /// which outlive the value.
    pub(super) unsafe fn new(pointer: *mut crtx_marker) -> Result<MarkerOutput> {
        if pointer.is_null() {
            return Err(null("out_marker"));
        }
        // SAFETY: the struct begins with its size.
        let size = unsafe { pointer.cast::<u32>().read_unaligned() } as usize;
        if !(Self::MIN_SIZE..=Self::MAX_SIZE).contains(&size) {
            let (min, max) = (Self::MIN_SIZE, Self::MAX_SIZE);
            return Err(Error::argument(format!(
                "crtx_marker.struct_size is {size} instead of {min} to {max}"
            )));
        }
        Ok(MarkerOutput { pointer, size })
    }

    /// Fills the whole fields that fit, and zeroes the rest.
    pub(super) fn write(self, state: MarkerState, marker: Option<&Marker>, digest: Option<Digest>) {
        let filled = filled_marker(self.size, state, marker, digest);
        let known = fields_that_fit(&MARKER_FIELD_ENDS, self.size);
        let target = self.pointer.cast::<u8>();
        // SAFETY: `new`'s caller vouches for `size` bytes, of which `known` are at most; the source
        // has them too.
        unsafe {
            std::ptr::copy_nonoverlapping((&raw const filled).cast::<u8>(), target, known);
            target.add(known).write_bytes(0, self.size - known);
        }
    }
}

/// Where each field of `crtx_marker` ends.
const MARKER_FIELD_ENDS: [usize; 12] = [
    offset_of!(crtx_marker, state),
    offset_of!(crtx_marker, pid),
    offset_of!(crtx_marker, reserved),
    offset_of!(crtx_marker, acquired_at_unix_ns),
    offset_of!(crtx_marker, acquired_at),
    offset_of!(crtx_marker, host),
    offset_of!(crtx_marker, deployment_id),
    offset_of!(crtx_marker, operator_principal_id),
    offset_of!(crtx_marker, scope),
    offset_of!(crtx_marker, restore_intent_blake3),
    offset_of!(crtx_marker, marker_blake3),
    size_of::<crtx_marker>(),
];

fn fields_that_fit(ends: &[usize], size: usize) -> usize {
    ends.iter().copied().take_while(|end| *end <= size).last().unwrap_or(0)
}

fn filled_marker(
    size: usize,
    state: MarkerState,
    marker: Option<&Marker>,
    digest: Option<Digest>,
) -> crtx_marker {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let field = |of: fn(&Marker) -> &str| text(marker.map(of));
    crtx_marker {
        struct_size: size as u32,
        state: state as u32,
        pid: marker.map_or(0, |marker| marker.pid),
        reserved: 0,
        acquired_at_unix_ns: marker.map_or(0, |marker| marker.acquired_at_unix_ns),
        acquired_at: c_text(&field(|marker| &marker.acquired_at)),
        host: c_text(&field(|marker| &marker.host)),
        deployment_id: c_text(&field(|marker| &marker.deployment_id)),
        operator_principal_id: c_text(&field(|marker| &marker.operator_principal_id)),
        scope: c_text(&field(|_| SCOPE)),
        restore_intent_blake3: c_text(
            &marker.map(|marker| marker.restore_intent_blake3.to_string()).unwrap_or_default(),
        ),
        marker_blake3: c_text(&digest.map(|digest| digest.to_string()).unwrap_or_default()),
    }
}

/// A text in a fixed array, cut at a character's end where it is too long, the rest zeroed.
fn c_text<const N: usize>(text: &str) -> [c_char; N] {
    let end = (0..N).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0).min(text.len());
    let mut array = [0; N];
    for (target, byte) in array.iter_mut().zip(&text.as_bytes()[..end]) {
        *target = *byte as c_char;
    }
    array
}

/// The least size of an error that is written to: the four numbers.
const MIN_ERROR_SIZE: usize = 16;

/// Fills the fields of an error that fit, and nothing else: its size never changes a result.
///
/// # Safety
///
/// `target` is NULL or points to a `crtx_error` whose first `struct_size` bytes are writable.
pub(super) unsafe fn fill_error(target: *mut crtx_error, error: Option<&Error>) {
    if target.is_null() {
        return;
    }
    // SAFETY: the struct begins with its size.
    let size = unsafe { target.cast::<u32>().read_unaligned() };
    let ends = [MIN_ERROR_SIZE, offset_of!(crtx_error, message), size_of::<crtx_error>()];
    let known = fields_that_fit(&ends, size as usize);
    if known == 0 {
        return;
    }
    let filled = crtx_error {
        struct_size: size,
        status: error.map_or(Status::Ok, Error::status).number(),
        os_error: error.map_or(0, Error::os_error),
        marker_state: error.and_then(Error::marker_state).map_or(0, |state| state as u32),
        operation: c_text(error.map_or("", Error::operation)),
        message: c_text(error.map_or("", Error::message)),
    };
    // SAFETY: the caller vouches for `size` bytes, of which `known` are at most.
    unsafe {
        std::ptr::copy_nonoverlapping((&raw const filled).cast::<u8>(), target.cast::<u8>(), known);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::ffi) fn new_error() -> crtx_error {
        let size = size_of::<crtx_error>() as u32;
        let (operation, message) = ([1; 64], [1; 1024]);
        crtx_error {
            struct_size: size,
            status: -1,
            os_error: -1,
            marker_state: 99,
            operation,
            message,
        }
    }

    pub(in crate::ffi) fn message_of(error: &crtx_error) -> String {
        text_of(&error.message)
    }

    fn text_of(array: &[c_char]) -> String {
        let bytes = array.iter().map(|c| *c as u8).take_while(|byte| *byte != 0).collect();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_text_too_long_is_cut_at_the_end_of_a_character() {
        let text: [c_char; 6] = c_text("aéééé");
        assert_eq!(text_of(&text), "aéé");
        assert_eq!(text_of(&c_text::<6>("abcdefgh")), "abcde");
        assert_eq!(text_of(&c_text::<6>("")), "");
    }

    #[test]
    fn an_error_gets_the_whole_fields_that_fit_and_nothing_more() {
        let failure = Error::argument("wrong");
        for (size, known) in
            [(0, 0), (4, 0), (15, 0), (16, 16), (79, 16), (80, 80), (1103, 80), (1104, 1104)]
        {
            let before = crtx_error { struct_size: size, ..new_error() };
            let mut after = before;
            // SAFETY: the whole struct is there, more than `size`.
            unsafe { fill_error(&mut after, Some(&failure)) };
            let bytes = |error: &crtx_error| {
                // SAFETY: plain integers without padding.
                unsafe { *(std::ptr::from_ref(error).cast::<[u8; 1104]>()) }
            };
            assert_eq!(bytes(&before)[known..], bytes(&after)[known..], "size {size}");
            assert_eq!(after.status, if known > 0 { 1 } else { -1 });
            assert_eq!(text_of(&after.operation) == "argument check", known >= 80);
        }
    }

    #[test]
    fn an_error_with_a_size_that_was_never_set_is_written_to_its_known_end_only() {
        let mut error = crtx_error { struct_size: u32::MAX, ..new_error() };
        // SAFETY: only the known fields are written, and all of them are there.
        unsafe { fill_error(&mut error, None) };
        assert_eq!((error.status, error.struct_size), (0, u32::MAX));
    }

    #[test]
    fn a_marker_is_filled_by_the_callers_size_and_its_rest_zeroed() {
        let digest = Digest::of(b"x");
        for size in [8usize, 9, 16, 24, 88, 1000, 1128, 1136, 2000, 4096] {
            let mut buffer = [0xffu8; 4100];
            buffer[..4].copy_from_slice(&(size as u32).to_ne_bytes());
            // SAFETY: the buffer is larger than any size here.
            let output = unsafe { MarkerOutput::new(buffer.as_mut_ptr().cast()) }.unwrap();
            output.write(MarkerState::Malformed, None, Some(digest));
            assert_eq!(buffer[4..8], 5u32.to_ne_bytes());
            assert!(buffer[size..].iter().all(|byte| *byte == 0xff), "size {size}");
            let whole = size_of::<crtx_marker>();
            let digest_at = offset_of!(crtx_marker, marker_blake3);
            if size >= whole {
                assert_eq!(&buffer[digest_at..digest_at + 71], digest.to_string().as_bytes());
                assert!(buffer[digest_at + 71..size].iter().all(|byte| *byte == 0));
            } else {
                assert!(buffer[8..size].iter().all(|byte| *byte == 0), "size {size}");
            }
        }
    }
}
