// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is measured, one file a subject matter. benches/rows.txt lists all rows that there must be.

pub mod contention;
pub mod crowd;
pub mod documents;
pub mod handoff;
pub mod load;
pub mod lock;
pub mod peers;
pub mod stale;
