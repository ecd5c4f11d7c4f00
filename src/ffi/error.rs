// SPDX-License-Identifier: MIT OR Apache-2.0
//! The caller's error, in a struct of its own size.

use std::mem::offset_of;
use std::ptr;

use super::output::{fill, whole_fields};
use super::types::crtx_error;
use crate::Error;

/// Fills a caller's error with the four numbers, the operation and the message, as far as its size
/// holds them whole.
///
/// # Safety
///
/// `place` is NULL or points to as many bytes as the `u32` at its beginning says, at least four.
pub(super) unsafe fn write_error(place: *mut crtx_error, error: Option<&Error>) {
    const FIELD_ENDS: [usize; 3] = [
        offset_of!(crtx_error, operation),
        offset_of!(crtx_error, message),
        size_of::<crtx_error>(),
    ];
    const START: usize = offset_of!(crtx_error, status);
    if place.is_null() {
        return;
    }
    // SAFETY: not NULL; the caller promises at least the four bytes of the size.
    let size = unsafe { place.cast::<u32>().read_unaligned() } as usize;
    let fits = whole_fields(&FIELD_ENDS, size);
    if fits == 0 {
        return;
    }
    // SAFETY: `fits` is at most the size of either. struct_size stays the caller's.
    unsafe {
        let to = place.cast::<u8>().add(START);
        match error {
            None => ptr::write_bytes(to, 0, fits - START),
            Some(error) => {
                let filled = error_struct(error);
                let from = (&raw const filled).cast::<u8>();
                ptr::copy_nonoverlapping(from.add(START), to, fits - START);
            }
        }
    }
}

fn error_struct(error: &Error) -> crtx_error {
    let mut filled = empty_error();
    filled.status = error.status().number();
    filled.os_error = error.os_error();
    filled.marker_state = error.marker_state().map_or(0, |state| state as u32);
    fill(&mut filled.operation, error.operation());
    fill(&mut filled.message, error.message());
    filled
}

/// An error that says nothing.
pub(super) const fn empty_error() -> crtx_error {
    crtx_error {
        struct_size: size_of::<crtx_error>() as u32,
        status: 0,
        os_error: 0,
        marker_state: 0,
        operation: [0; 64],
        message: [0; 1024],
    }
}

#[cfg(test)]
impl crtx_error {
    /// The message as Rust has it.
    pub(super) fn message_text(&self) -> String {
        let end = self.message.iter().position(|byte| *byte == 0).expect("it is terminated");
        let bytes = self.message[..end].iter().map(|byte| *byte as u8).collect();
        String::from_utf8(bytes).expect("it is UTF-8")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MarkerState, Status};

    fn error() -> Error {
        let os_error = std::io::Error::from_raw_os_error(28);
        Error::new(Status::Contended, "companion lock", "é".repeat(600))
            .with_os_error(&os_error)
            .with_marker_state(MarkerState::Held)
    }

    /// What a caller with an error of this size sees, in memory that was all 0xAA.
    fn error_bytes(size: u32) -> Vec<u8> {
        let mut memory = vec![0xAA; 1200];
        memory[..4].copy_from_slice(&size.to_ne_bytes());
        // SAFETY: the memory is larger than anything that may be written.
        unsafe { write_error(memory.as_mut_ptr().cast(), Some(&error())) };
        memory.split_off(4)
    }

    #[test]
    fn an_error_smaller_than_16_bytes_is_left_alone() {
        for size in [0, 4, 15] {
            assert!(error_bytes(size).iter().all(|byte| *byte == 0xAA), "{size}");
        }
    }

    #[test]
    fn of_an_error_whole_fields_that_fit_are_written_and_nothing_else() {
        for (size, written) in [(16, 16), (79, 16), (80, 80), (1103, 80), (1104, 1104)] {
            let bytes = error_bytes(size);
            assert_eq!(bytes[..4], Status::Contended.number().to_ne_bytes(), "{size}");
            assert_eq!(bytes[4..8], 28_i32.to_ne_bytes());
            assert_eq!(bytes[8..12], 2_u32.to_ne_bytes());
            let ends = written - 4;
            assert!(bytes[ends..].iter().all(|byte| *byte == 0xAA), "{size} writes too much");
            if written > 16 {
                assert!(bytes[12..].starts_with(b"companion lock\0"));
                assert!(
                    bytes[12..ends].iter().all(|byte| *byte != 0xAA),
                    "{size} writes too little"
                );
            }
        }
        assert!(error_bytes(u32::MAX)[1100..].iter().all(|byte| *byte == 0xAA));
    }

    #[test]
    fn a_message_is_cut_between_characters_and_terminated() {
        let filled = error_struct(&error());
        assert_eq!(filled.message_text(), "é".repeat(511));
        assert_eq!(filled.message[1023], 0);
    }

    #[test]
    fn success_clears_an_error() {
        let mut used = error_struct(&error());
        used.struct_size = size_of::<crtx_error>() as u32;
        // SAFETY: the struct is what its size says.
        unsafe { write_error(&raw mut used, None) };
        assert_eq!((used.status, used.os_error, used.marker_state), (0, 0, 0));
        assert_eq!((used.operation[0], used.message_text().as_str()), (0, ""));
        assert_eq!(used.struct_size, 1104);
    }
}
