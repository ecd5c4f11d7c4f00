// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library about itself.

use std::os::raw::c_char;

use crate::abi::CRTX_ABI_VERSION;

/// The library's version, such as "0.1.0". Never NULL; the text lives as long as the program. Any
/// thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// The library's CRTX_ABI_VERSION, to be compared with the header's. Any thread may call this.
#[unsafe(no_mangle)]
pub extern "C" fn crtx_abi_version() -> u32 {
    CRTX_ABI_VERSION
}
