// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the shared library would export, and must not.
//!
//! On aarch64, where BLAKE3's code is C, that code calls one function of the crate `blake3` by name.
//! rustc exports every such name from a shared library, and there is no option against it; but of all
//! that is said of a symbol's visibility in ELF the narrowest holds (System V ABI, "Symbol Table").
//!
//! (A program in Rust that asks for `blake3` without that C code, by its feature `pure` or `no_neon`,
//! has no such function, and GNU ld then says so. On macOS, where nothing like this holds, the name is
//! exported; no program finds it there unless it looks in this very library.)

#[cfg(all(target_arch = "aarch64", target_os = "linux"))]
core::arch::global_asm!(".hidden blake3_compress_in_place_portable");
