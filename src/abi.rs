// SPDX-License-Identifier: MIT OR Apache-2.0
// Included by build.rs too, which makes the SONAME of it: nothing else belongs here.

/// The version of this binary interface, and the number in the SONAME `libcrtx.so.1`. It changes
/// only when a program compiled against an older header could break. See crtx_abi_version().
pub const CRTX_ABI_VERSION: u32 = 1;
