// SPDX-License-Identifier: MIT OR Apache-2.0
//! A marker on disk, looked at.

use std::os::raw::c_char;

use super::guard::guard;
use super::input;
use super::output::{MarkerOutput, TextOutput};
use super::types::{crtx_error, crtx_marker, crtx_status};

/// Tells how a marker stands. Changes nothing on disk and waits for nobody.
///
/// Absent and malformed are states, not errors: out_marker->state tells. The OS locks are tried
/// shared, for an instant; an acquire that meets such a try repeats its own. A marker over 1 MiB
/// has no marker_blake3. Neither the filesystem nor the directory's mode is checked.
///
/// CRTX_OK, CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE, CRTX_E_INSECURE_PERMISSIONS (the
/// files belong to another user), CRTX_E_CONTENDED (the files were replaced at every look),
/// CRTX_E_NAME_TOO_LONG, CRTX_E_IO, CRTX_E_INVALID_ARGUMENT. Any thread may call this, in a forked
/// child too: there the parent's lock is CRTX_MARKER_HELD.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_marker_inspect(
    marker_path: *const c_char,
    out_marker: *mut crtx_marker,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, output) =
            unsafe { (input::path("marker_path", marker_path)?, MarkerOutput::new(out_marker)?) };
        let inspection = crate::inspect(path)?;
        let digest = inspection.snapshot.as_ref().map(|snapshot| snapshot.digest);
        output.write(inspection.state, inspection.marker(), digest);
        Ok(())
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}

/// The marker's raw text, up to 1 MiB, whoever owns it; takes no lock. A torn marker may hold any
/// bytes: *out_needed - 1 is their number. capacity and *out_needed (which may be NULL) count
/// bytes with the terminating NUL.
///
/// CRTX_OK, CRTX_E_MARKER_ABSENT, CRTX_E_BUFFER_TOO_SMALL, CRTX_E_TOO_LARGE,
/// CRTX_E_NO_PARENT_DIRECTORY, CRTX_E_NOT_REGULAR_FILE, CRTX_E_NAME_TOO_LONG, CRTX_E_IO,
/// CRTX_E_INVALID_ARGUMENT. Any thread may call this.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_marker_read(
    marker_path: *const c_char,
    buffer: *mut c_char,
    capacity: usize,
    out_needed: *mut usize,
    error: *mut crtx_error,
) -> crtx_status {
    let body = || {
        // SAFETY: the caller vouches for the pointers.
        let (path, output) = unsafe {
            (
                input::path("marker_path", marker_path)?,
                TextOutput::new(buffer, capacity, out_needed)?,
            )
        };
        output.write(&crate::read_marker(path)?)
    };
    // SAFETY: the caller vouches for the error.
    unsafe { guard(error, body) }
}
