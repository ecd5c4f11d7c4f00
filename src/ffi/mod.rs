// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C boundary and nothing else: arguments into Rust, one call of the safe API, results into C.
//!
//! `include/crtx.h` is written from the comments and signatures of this module (`make header`), so
//! they are in the words of C. Rust programs have no use for it.
//!
//! # Safety
//!
//! Every function asks the same of its caller, as the header says: a pointer is NULL where the
//! header allows that, or points to as much as the call says (a terminated text, `len` bytes, a
//! struct of its own `struct_size`), is readable or writable during the call, and no output
//! overlaps anything else.

#![allow(unsafe_code, non_camel_case_types)]
// Said once above: the comments of the functions are the header's, for readers of C.
#![allow(clippy::missing_safety_doc)]

mod about;
mod documents;
mod error;
mod exports;
mod guard;
mod handles;
mod input;
mod lock;
mod marker;
mod output;
mod stale;
mod status;
#[cfg(feature = "test-panic")]
mod test_panic;
mod types;

pub use about::{crtx_abi_version, crtx_status_message, crtx_status_name, crtx_version};
pub use documents::{
    crtx_blake3_file, crtx_intent_build, crtx_intent_verify, crtx_operator_principal,
    crtx_public_key, crtx_sign, crtx_takeover_build,
};
pub use lock::{
    crtx_lock_acquire, crtx_lock_check, crtx_lock_companion_path, crtx_lock_leak, crtx_lock_marker,
    crtx_lock_marker_path, crtx_lock_release,
};
pub use marker::{crtx_marker_inspect, crtx_marker_read};
pub use stale::{
    crtx_evidence_list, crtx_evidence_verify, crtx_quarantine, crtx_takeover, crtx_takeover_verify,
};
pub use status::*;
#[cfg(feature = "test-panic")]
pub use test_panic::crtx_test_panic;
pub use types::*;
