// SPDX-License-Identifier: MIT OR Apache-2.0
//! An exclusive lock on a storage engine's active store, held across a destructive restore, that
//! leaves evidence when a restore dies and lets nobody take over silently.
//!
//! The lock is two files beside the store: a readable *marker*, which says who is at work and
//! outlives a crash, and a *companion* (`MARKER.flock`), which carries the kernel's exclusive lock
//! and the marker's own descriptor another. When the holder dies, the kernel frees both and the
//! marker stays as evidence:
//!
//! | marker | either OS lock | state | who may go on |
//! | --- | --- | --- | --- |
//! | absent | | free | anybody |
//! | present | held | [held](MarkerState::Held) | nobody else, signature or not |
//! | present | free | [stale](MarkerState::Stale) | an operator with a signed [takeover attestation](attestation) |
//!
//! ```no_run
//! use std::path::Path;
//! use crtx::{Allow, Digest, Durability, Lock, LockOptions};
//!
//! # fn restore() {}
//! # fn main() -> crtx::Result<()> {
//! let mut lock = Lock::acquire(
//!     Path::new("/var/lib/engine/active-store.lock"),
//!     &LockOptions {
//!         durability: Durability::Full,
//!         allow: Allow::default(),
//!         timeout: std::time::Duration::ZERO,
//!         deployment_id: "deployment:42".into(),
//!         operator_principal_id: "operator:alice".into(),
//!         restore_intent_blake3: Digest::of(b"the verified restore intent").to_string(),
//!         host: None,
//!     },
//! )?;
//! restore();
//! lock.check()?; // still ours?
//! lock.release()
//! # }
//! ```
//!
//! A C program uses the same lock through `include/crtx.h`; the protocol and the reasons for it are
//! in `docs/protocol.md`.

#[allow(unreachable_pub)] // build.rs includes the file as it is.
mod abi;
mod acquire;
pub mod attestation;
mod claim;
mod digest;
mod error;
mod evidence;
pub mod ffi;
mod inspect;
mod lock;
mod marker;
mod marker_path;
mod options;
mod principal;
mod publish;
mod quarantine;
mod site;
mod state;
mod sys;
#[cfg(test)]
mod tests;
mod time;

pub use digest::{Digest, blake3_file};
pub use error::{Error, Result, Status};
pub use evidence::{list_evidence, verify_evidence};
pub use inspect::{Inspection, build_takeover, inspect, read_marker};
pub use lock::Lock;
pub use marker::{MalformedMarker, Marker, MarkerSnapshot};
pub use options::LockOptions;
pub use principal::{OperatorKey, public_key, sign};
pub use publish::Durability;
pub use quarantine::{TakeoverError, quarantine, takeover, verify_takeover};
pub use site::Allow;
pub use state::MarkerState;
