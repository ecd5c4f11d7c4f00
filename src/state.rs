// SPDX-License-Identifier: MIT OR Apache-2.0
//! The states of a marker.

/// How a marker stands. The numbers are part of the C ABI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u32)]
pub enum MarkerState {
    /// No marker: the store is free.
    Absent = 1,
    /// Another process holds an OS lock: nobody may take over.
    Held = 2,
    /// A handle of this process owns the marker.
    HeldByThisProcess = 3,
    /// A marker without a holder: a restore died, or kept its marker on purpose.
    Stale = 4,
    /// Both OS locks are free and the text cannot be parsed.
    Malformed = 5,
}
