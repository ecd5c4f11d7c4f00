// SPDX-License-Identifier: MIT OR Apache-2.0
//! The C boundary and nothing else: arguments into Rust, one call, its result back into C.
//!
//! `include/crtx.h` is made from this module (`make header`), its comments included. Rust programs
//! use the rest of the crate instead. What an exported function demands of its pointers: each is NULL
//! or points to what its C type says, with the size that goes with it.

// The header would repeat the same safety section at every function.
#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod about;
mod documents;
mod guard;
mod handles;
mod input;
mod lock;
mod marker;
mod output;
mod stale;
mod status;
mod types;

pub use about::*;
pub use documents::*;
#[cfg(feature = "test-panic")]
pub use guard::crtx_test_panic;
pub use lock::*;
pub use marker::*;
pub use stale::*;
pub use status::*;
pub use types::*;
