// SPDX-License-Identifier: MIT OR Apache-2.0
//! About the library. These cannot fail, and need no guard: they only look up constants.

use std::ffi::c_char;

use super::types::crtx_status;
use crate::Status;
use crate::abi::CRTX_ABI_VERSION;

/// Gives the name of a status, such as "CRTX_E_CONTENDED"; "CRTX_E_UNKNOWN" for a number that this
/// library does not know. A constant text, never NULL, never to be freed. Cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_status_name(status: crtx_status) -> *const c_char {
    let name = Status::from_number(status).map_or("CRTX_E_UNKNOWN\0", Status::c_name);
    name.as_ptr().cast()
}

/// Gives one sentence on a status: what it means and what to do. A constant text, never NULL, never to
/// be freed. Cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_status_message(status: crtx_status) -> *const c_char {
    const UNKNOWN: &str = "The number is no status of this version of the library.\0";
    Status::from_number(status).map_or(UNKNOWN, Status::c_message).as_ptr().cast()
}

/// Gives the version of the library, such as "0.1.0". A constant text, never NULL, never to be freed.
/// Cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// Gives the CRTX_ABI_VERSION that the library was built with. Cannot fail.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_abi_version() -> u32 {
    CRTX_ABI_VERSION
}
