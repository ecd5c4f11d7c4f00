// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tests that stand between the protocol and the system: a file swapped at the worst moment, a
//! system call that fails, the order in which things reach the disk.

mod errors;
mod order;
mod support;
mod swaps;
#[cfg(windows)]
mod windows;
