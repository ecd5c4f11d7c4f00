// SPDX-License-Identifier: MIT OR Apache-2.0
//! The operating system, as far as the lock needs it: every call that a lock or its evidence rests
//! on is here. (Elsewhere only the digest of a staged file and the listing of evidence use `std`.)
//!
//! Each function is small, safe, and named for what it guarantees; the protocol that is built from
//! them is not here. Both platforms offer the same names, and what one of them has no use for does
//! nothing there. `EINTR` never leaves this module.

#![allow(unsafe_code)]

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(windows)]
mod windows;
#[cfg(windows)]
pub(crate) use windows::*;

#[cfg(test)]
pub(crate) mod probe;
/// Where the tests stand between this crate and the system; nothing at all in a real build.
#[cfg(not(test))]
mod probe {
    pub(super) fn before(_name: &'static str) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(not(any(unix, windows)))]
compile_error!("crtx has no `sys` module for this platform yet");
