// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the shared library would export, and must not.
//!
//! On aarch64, where BLAKE3's code is C, that code calls one function of the crate `blake3` by name.
//! rustc exports every such name from a shared library, and there is no option against it; but of all
//! that is said of a symbol's visibility in ELF the narrowest holds (System V ABI, "Symbol Table").
//!
//! (On macOS, where nothing like this holds, the name is exported; no program finds it there unless it
//! looks in this very library.)

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
core::arch::global_asm!(
    // Weak, and named once where no program looks: so a program without the function links as well.
    ".weak blake3_compress_in_place_portable",
    ".hidden blake3_compress_in_place_portable",
    ".pushsection .note.crtx.hidden, \"\", %progbits",
    ".8byte blake3_compress_in_place_portable",
    ".popsection",
);
