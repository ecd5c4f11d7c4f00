// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `libc` crate, but with the calls and structs that are wide enough everywhere.
//!
//! On 32-bit systems with glibc the plain ones have 32 bits for a size and for a file's number, and
//! answer EOVERFLOW where those do not suffice (stat(2)): on a filesystem with large numbers no lock
//! would ever be had. Elsewhere both are one. (What is named here hides what `*` brings.)

pub(super) use ::libc::*;

#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub(super) use ::libc::{
    fstat64 as fstat, fstatat64 as fstatat, fstatfs64 as fstatfs, open64 as open,
    openat64 as openat, stat64 as stat, statfs64 as statfs,
};
