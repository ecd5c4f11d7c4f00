// SPDX-License-Identifier: MIT OR Apache-2.0
//! A marker on disk: what it says, and its raw text.

use std::ffi::c_char;

use super::guard::guarded;
use super::input;
use super::output::{MarkerOutput, TextOutput};
use super::types::{crtx_error, crtx_marker, crtx_status};

/// Tells how the marker at marker_path stands, and what it says. Changes nothing on disk and does
/// not wait. Absent and malformed are states, not errors. The answer is true at one instant only:
/// never delete a marker on the strength of it.
///
/// Statuses: NOT_REGULAR_FILE, INSECURE_PERMISSIONS, NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED
/// (the files kept changing; on Windows also: one is being deleted, or a program does not share it),
/// IO. Works in any forked child.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_marker_inspect(
    marker_path: *const c_char,
    out_marker: *mut crtx_marker,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (out_marker, path) =
            unsafe { (MarkerOutput::new(out_marker)?, input::path("marker_path", marker_path)?) };
        let found = crate::inspect(path)?;
        let snapshot = found.snapshot.as_ref();
        let marker = snapshot.and_then(|snapshot| snapshot.parsed.as_ref().ok());
        out_marker.write(found.state, marker, snapshot.map(|snapshot| snapshot.digest));
        Ok(())
    })
}

/// Gives the marker's bytes as they are, held or not, well-formed or not, with a NUL after them. A
/// malformed marker may contain NULs of its own: its length is *out_needed - 1.
///
/// Statuses: MARKER_ABSENT, BUFFER_TOO_SMALL, TOO_LARGE (over 1 MiB), NOT_REGULAR_FILE,
/// INSECURE_PERMISSIONS, NO_PARENT_DIRECTORY, NAME_TOO_LONG, CONTENDED (it kept changing; on Windows
/// also: it is being deleted, or a program does not share it), IO. The marker may change between two
/// calls: 4,097 bytes hold every well-formed one.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_marker_read(
    marker_path: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    guarded(error, || {
        // SAFETY: the caller's pointers are as the header demands.
        let (path, buffer) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                TextOutput::new("buffer", buffer, capacity, out_needed)?,
            )
        };
        buffer.write_text(&crate::read_marker(path)?)
    })
}
