// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the standard library does not offer.
#![allow(unsafe_code)]

use std::ffi::CString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// For a case; a runner that is killed then has no closing line.
const MOST_SECONDS: u32 = 60;

/// Modes are to be what the table says.
pub(crate) fn set_umask() {
    // SAFETY: touches no memory.
    unsafe { libc::umask(0o022) };
}

/// Nothing may wait for ever.
pub(crate) fn set_watchdog() {
    // SAFETY: touches no memory; there is no handler, the signal ends the process.
    unsafe { libc::alarm(MOST_SECONDS) };
}

pub(crate) fn make_fifo(path: &Path) -> io::Result<()> {
    let path = CString::new(path.as_os_str().as_bytes())?;
    // SAFETY: the path is terminated.
    match unsafe { libc::mkfifo(path.as_ptr(), 0o644) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Runs it in a forked child, whose exit code is its answer.
pub(crate) fn in_forked_child(answer: impl FnOnce() -> i32) -> io::Result<i32> {
    // SAFETY: this process has one thread, so that its child may do whatever it could do.
    let child = unsafe { libc::fork() };
    if child < 0 {
        return Err(io::Error::last_os_error());
    }
    if child == 0 {
        let code = answer();
        // SAFETY: ends this process; no destructor is to run here.
        unsafe { libc::_exit(code) };
    }
    let mut status = 0;
    // SAFETY: `status` outlives the call.
    if unsafe { libc::waitpid(child, &raw mut status, 0) } != child || !libc::WIFEXITED(status) {
        return Err(io::Error::other("the forked child did not answer"));
    }
    Ok(libc::WEXITSTATUS(status))
}
