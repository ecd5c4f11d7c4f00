// SPDX-License-Identifier: MIT OR Apache-2.0
//! The operating system, as far as the lock needs it: every call that a lock or its evidence rests
//! on is here. (Elsewhere only the digest of a staged file and the listing of evidence use `std`.)
//!
//! Each function is small, safe, and named for what it guarantees; the protocol that is built from
//! them is not here. `EINTR` never leaves this module.

#![allow(unsafe_code)]

#[cfg(unix)]
mod unix;
#[cfg(unix)]
pub(crate) use unix::*;

#[cfg(not(unix))]
compile_error!("crtx has no `sys` module for this platform yet");
