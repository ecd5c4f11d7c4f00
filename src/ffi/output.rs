// SPDX-License-Identifier: MIT OR Apache-2.0
//! Results from Rust into C: written whole, or not at all.

use std::ffi::c_char;
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::ptr::{self, NonNull};

use super::input::{MAX_STRUCT_SIZE, plausible_size, required};
use super::types::{crtx_lock, crtx_marker};
use crate::{Digest, Error, Marker, MarkerState, Result, Status};

/// A caller's text buffer.
#[derive(Debug)]
pub(super) struct TextOutput<'a> {
    name: &'a str,
    buffer: *mut c_char,
    capacity: usize,
    needed: Option<NonNull<usize>>,
}

impl<'a> TextOutput<'a> {
    /// # Safety
    ///
    /// `buffer` is NULL or points to `capacity` writable bytes, `needed` is NULL or writable, and
    /// both are so for as long as this lives.
    pub(super) unsafe fn new(
        name: &'a str,
        buffer: *mut c_char,
        capacity: usize,
        needed: *mut usize,
    ) -> Result<TextOutput<'a>> {
        let capacity = plausible_size(name, capacity)?;
        if capacity > 0 {
            required(name, buffer)?;
        }
        Ok(TextOutput { name, buffer, capacity, needed: NonNull::new(needed) })
    }

    /// Refuses a buffer of less than `needed` bytes: before a side effect whose result must fit.
    pub(super) fn require(&self, needed: usize) -> Result<()> {
        if needed <= self.capacity {
            return Ok(());
        }
        self.tell_needed(needed);
        let message = format!("{} has {} bytes, but {needed} are needed", self.name, self.capacity);
        Err(Error::new(Status::BufferTooSmall, "result output", message))
    }

    /// Writes bytes and a terminating NUL.
    pub(super) fn write_text(&self, text: &[u8]) -> Result<()> {
        let needed = text.len() + 1;
        self.require(needed)?;
        // SAFETY: `require` saw room for the text and its NUL, and the caller of `new` promised
        // the memory.
        unsafe {
            ptr::copy_nonoverlapping(text.as_ptr().cast(), self.buffer, text.len());
            self.buffer.add(text.len()).write(0);
        }
        self.tell_needed(needed);
        Ok(())
    }

    pub(super) fn write_path(&self, path: &Path) -> Result<()> {
        self.write_text(path_bytes(path)?)
    }

    /// Writes each path with a NUL after it, and one more NUL at the end.
    pub(super) fn write_path_list(&self, paths: &[PathBuf]) -> Result<()> {
        let mut list = Vec::new();
        for path in paths {
            list.extend_from_slice(path_bytes(path)?);
            list.push(0);
        }
        self.write_text(&list)
    }

    fn tell_needed(&self, needed: usize) {
        if let Some(place) = self.needed {
            // SAFETY: the caller of `new` promised that it is writable.
            unsafe { place.write_unaligned(needed) };
        }
    }
}

/// A path as C has it.
fn path_bytes(path: &Path) -> Result<&[u8]> {
    crate::sys::path_to_c(path).ok_or_else(|| {
        let message = format!("{} is not UTF-8", crate::error::quote_path(path));
        Error::new(Status::Io, "result output", message)
    })
}

/// A caller's buffer for `N` raw bytes.
#[derive(Debug)]
pub(super) struct BytesOutput<const N: usize>(NonNull<u8>);

impl<const N: usize> BytesOutput<N> {
    /// # Safety
    ///
    /// `buffer` is NULL or points to `capacity` bytes that are writable for as long as this lives.
    pub(super) unsafe fn new(name: &str, buffer: *mut u8, capacity: usize) -> Result<Self> {
        if plausible_size(name, capacity)? < N {
            let message = format!("{name} has {capacity} bytes, but {N} are needed");
            return Err(Error::new(Status::BufferTooSmall, "result output", message));
        }
        required(name, buffer).map(BytesOutput)
    }

    pub(super) fn write(&self, bytes: &[u8; N]) {
        // SAFETY: `new` saw room for N bytes, and its caller promised the memory.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), self.0.as_ptr(), N) };
    }
}

/// Where a caller wants its handle.
#[derive(Debug)]
pub(super) struct HandleOutput(NonNull<crtx_lock>);

impl HandleOutput {
    /// Zeroes the handle before anything else is looked at, so that whatever goes wrong the caller
    /// has one that is not valid.
    ///
    /// # Safety
    ///
    /// `place` is NULL or writable for as long as this lives.
    pub(super) unsafe fn zeroed(place: *mut crtx_lock) -> Result<HandleOutput> {
        let output = HandleOutput(required("out_lock", place)?);
        output.write(crtx_lock { opaque: 0 });
        Ok(output)
    }

    pub(super) fn write(&self, lock: crtx_lock) {
        // SAFETY: the caller of `zeroed` promised that it is writable.
        unsafe { self.0.write_unaligned(lock) };
    }
}

/// Where a caller wants a marker, in a struct of its own size.
#[derive(Debug)]
pub(super) struct MarkerOutput {
    place: NonNull<u8>,
    size: usize,
}

/// Where the fields of `crtx_marker` end; one that does not fit whole is not written.
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

impl MarkerOutput {
    /// # Safety
    ///
    /// `place` is NULL or points to as many bytes as the `u32` at its beginning says, writable for
    /// as long as this lives.
    pub(super) unsafe fn new(place: *mut crtx_marker) -> Result<MarkerOutput> {
        let place = required("out_marker", place)?;
        // SAFETY: not NULL; the caller promises at least the four bytes of the size.
        let size = unsafe { place.cast::<u32>().read_unaligned() } as usize;
        if !(MARKER_FIELD_ENDS[1]..=MAX_STRUCT_SIZE).contains(&size) {
            return Err(Error::argument(format!(
                "out_marker.struct_size is {size}; it must be 8 to {MAX_STRUCT_SIZE}"
            )));
        }
        Ok(MarkerOutput { place: place.cast(), size })
    }

    /// Fills what the caller's size holds, and zeroes the rest of it.
    pub(super) fn write(
        &self,
        state: MarkerState,
        marker: Option<&Marker>,
        digest: Option<Digest>,
    ) {
        let filled = marker_struct(state, marker, digest);
        let fits = whole_fields(&MARKER_FIELD_ENDS, self.size);
        const START: usize = MARKER_FIELD_ENDS[0];
        // SAFETY: `fits` is at most the size of either, and the caller of `new` promised `size`
        // bytes. struct_size stays the caller's.
        unsafe {
            let from = (&raw const filled).cast::<u8>();
            let to = self.place.as_ptr();
            ptr::copy_nonoverlapping(from.add(START), to.add(START), fits - START);
            ptr::write_bytes(to.add(fits), 0, self.size - fits);
        }
    }
}

/// The end of the last field that fits whole.
pub(super) fn whole_fields(ends: &[usize], size: usize) -> usize {
    ends.iter().copied().filter(|end| *end <= size).max().unwrap_or(0)
}

/// A marker that says nothing.
const fn empty_marker() -> crtx_marker {
    crtx_marker {
        struct_size: size_of::<crtx_marker>() as u32,
        state: 0,
        pid: 0,
        reserved: 0,
        acquired_at_unix_ns: 0,
        acquired_at: [0; 64],
        host: [0; 256],
        deployment_id: [0; 256],
        operator_principal_id: [0; 256],
        scope: [0; 32],
        restore_intent_blake3: [0; 80],
        marker_blake3: [0; 80],
    }
}

fn marker_struct(
    state: MarkerState,
    marker: Option<&Marker>,
    digest: Option<Digest>,
) -> crtx_marker {
    let mut filled = empty_marker();
    filled.state = state as u32;
    if let Some(marker) = marker {
        filled.pid = marker.pid;
        filled.acquired_at_unix_ns = marker.acquired_at_unix_ns;
        fill(&mut filled.acquired_at, &marker.acquired_at);
        fill(&mut filled.host, &marker.host);
        fill(&mut filled.deployment_id, &marker.deployment_id);
        fill(&mut filled.operator_principal_id, &marker.operator_principal_id);
        fill(&mut filled.scope, crate::marker::SCOPE);
        fill(&mut filled.restore_intent_blake3, &marker.restore_intent_blake3.to_string());
    }
    if let Some(digest) = digest {
        fill(&mut filled.marker_blake3, &digest.to_string());
    }
    filled
}

/// Puts a text into a zeroed field, cut at a character if it is too long, always terminated.
pub(super) fn fill(field: &mut [c_char], text: &str) {
    let room = field.len() - 1;
    let end = (0..=room.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    for (place, byte) in field.iter_mut().zip(text[..end.unwrap_or(0)].bytes()) {
        *place = byte as c_char;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn marker() -> Marker {
        Marker {
            pid: 7,
            host: "host".into(),
            deployment_id: "deployment".into(),
            operator_principal_id: "operator".into(),
            acquired_at: "1970-01-01T00:00:01+00:00".into(),
            acquired_at_unix_ns: 1_000_000_000,
            restore_intent_blake3: Digest::of(b""),
        }
    }

    fn marker_bytes(size: u32) -> Result<Vec<u8>> {
        let mut memory = vec![0xAA; 4200];
        memory[..4].copy_from_slice(&size.to_ne_bytes());
        // SAFETY: the memory is larger than anything that may be written.
        let output = unsafe { MarkerOutput::new(memory.as_mut_ptr().cast())? };
        output.write(MarkerState::Held, Some(&marker()), Some(Digest::of(b"x")));
        Ok(memory)
    }

    #[test]
    fn a_marker_is_filled_as_far_as_whole_fields_fit_and_zeroed_to_the_callers_size() {
        let full = marker_bytes(1048).unwrap();
        for (size, filled) in [
            (8, 8),
            (11, 8),
            (12, 12),
            (23, 16),
            (24, 24),
            (87, 24),
            (88, 88),
            (1047, 968),
            (1048, 1048),
            (4096, 1048),
        ] {
            let bytes = marker_bytes(size).unwrap();
            assert_eq!(bytes[..4], size.to_ne_bytes());
            assert_eq!(bytes[4..filled], full[4..filled], "{size}");
            assert!(bytes[filled..size as usize].iter().all(|byte| *byte == 0), "{size}");
            assert!(bytes[size as usize..].iter().all(|byte| *byte == 0xAA), "{size}");
        }
    }

    #[test]
    fn a_marker_of_an_impossible_size_is_refused() {
        for size in [0, 7, 4097, u32::MAX] {
            assert_eq!(marker_bytes(size).unwrap_err().status(), Status::InvalidArgument);
        }
    }

    #[test]
    fn a_text_that_does_not_fit_leaves_the_buffer_alone_and_tells_its_size() {
        let mut buffer = [0x55 as c_char; 4];
        let mut needed = 0;
        let place = buffer.as_mut_ptr();
        // SAFETY: the buffer has four bytes.
        let output = unsafe { TextOutput::new("buffer", place, 3, &raw mut needed).unwrap() };
        assert_eq!(output.write_text(b"abc").unwrap_err().status(), Status::BufferTooSmall);
        assert_eq!(needed, 4);
        assert_eq!(buffer, [0x55; 4]);
        // SAFETY: the buffer has four bytes.
        let output = unsafe { TextOutput::new("buffer", place, 4, &raw mut needed).unwrap() };
        output.write_text(b"abc").unwrap();
        assert_eq!(needed, 4);
        assert_eq!(buffer.map(|byte| byte as u8), *b"abc\0");
    }

    #[test]
    fn a_null_buffer_asks_for_the_size_and_only_with_capacity_0() {
        let mut needed = 0;
        // SAFETY: NULL is what these check for.
        unsafe {
            let output = TextOutput::new("buffer", ptr::null_mut(), 0, &raw mut needed).unwrap();
            assert_eq!(output.write_text(b"").unwrap_err().status(), Status::BufferTooSmall);
            assert_eq!(needed, 1);
            let refused = TextOutput::new("buffer", ptr::null_mut(), 1, ptr::null_mut());
            assert_eq!(refused.unwrap_err().status(), Status::InvalidArgument);
            let refused = TextOutput::new("buffer", ptr::null_mut(), usize::MAX, ptr::null_mut());
            assert_eq!(refused.unwrap_err().status(), Status::InvalidArgument);
            let refused = BytesOutput::<64>::new("signature", ptr::null_mut(), 63);
            assert_eq!(refused.unwrap_err().status(), Status::BufferTooSmall);
            let refused = BytesOutput::<64>::new("signature", ptr::null_mut(), 64);
            assert_eq!(refused.unwrap_err().status(), Status::InvalidArgument);
        }
    }

    #[test]
    fn a_list_of_paths_ends_with_a_second_nul_and_an_empty_one_is_a_single_nul() {
        let mut buffer = [1 as c_char; 16];
        let mut needed = 0;
        let place = buffer.as_mut_ptr();
        // SAFETY: the buffer has sixteen bytes.
        let output = unsafe { TextOutput::new("buffer", place, 16, &raw mut needed).unwrap() };
        output.write_path_list(&["/a".into(), "/bc".into()]).unwrap();
        assert_eq!(needed, 8);
        assert_eq!(buffer.map(|byte| byte as u8)[..8], *b"/a\0/bc\0\0");
        output.write_path_list(&[]).unwrap();
        assert_eq!((needed, buffer[0]), (1, 0));
    }

    #[test]
    fn a_handle_is_zeroed_before_anything_else() {
        let mut lock = crtx_lock { opaque: 9 };
        // SAFETY: the handle is writable.
        let _output = unsafe { HandleOutput::zeroed(&raw mut lock).unwrap() };
        assert_eq!(lock.opaque, 0);
    }
}
