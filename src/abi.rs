// SPDX-License-Identifier: MIT OR Apache-2.0

/// The version of the C ABI that this header describes. It is the number in the SONAME, and it
/// rises only when a program compiled against an older header would no longer work. Compare it
/// with what crtx_abi_version() answers to see which library was loaded.
pub const CRTX_ABI_VERSION: u32 = 1;
