// SPDX-License-Identifier: MIT OR Apache-2.0
//! The four behaviours that the reference implementation's own tests pin, asked of this crate.

mod store;

use std::fs;

use crtx::{Lock, MarkerState, Status};
use store::{Store, options};

#[test]
fn acquire_creates_the_marker_and_dropping_the_lock_removes_it() {
    let store = Store::new();
    let lock = Lock::acquire(&store.marker, &options()).unwrap();
    let text = fs::read_to_string(&store.marker).unwrap();
    assert!(text.starts_with("cortex-restore-active-store-lock-v1\n"));
    assert!(text.contains("\nscope=production\n"));
    assert!(text.contains("\ndeployment_id=deployment:test\n"));
    drop(lock);
    assert!(!store.marker.exists());
    assert_eq!(store.entries(), 0, "the companion is gone too");
}

#[test]
fn a_second_acquire_is_refused_while_the_first_is_held() {
    let store = Store::new();
    let _first = Lock::acquire(&store.marker, &options()).unwrap();
    let error = Lock::acquire(&store.marker, &options()).unwrap_err();
    assert_eq!(error.status(), Status::MarkerExists);
    assert_eq!(error.marker_state(), Some(MarkerState::HeldByThisProcess));
}

#[test]
fn a_quarantine_renames_the_stale_marker_and_keeps_its_bytes() {
    let store = Store::new();
    fs::write(&store.marker, "stale-body").unwrap();
    let stale = store.quarantine().unwrap();
    assert!(!store.marker.exists());
    assert_eq!(fs::read_to_string(&stale).unwrap(), "stale-body");
    assert!(stale.to_str().unwrap().contains("store.lock.stale-"));
}

#[test]
fn a_leaked_lock_keeps_its_marker_after_it_is_dropped() {
    let store = Store::new();
    let mut lock = Lock::acquire(&store.marker, &options()).unwrap();
    lock.leak().unwrap();
    drop(lock);
    assert_eq!(store.state(), MarkerState::Stale);
}

#[test]
fn a_panic_while_the_lock_is_held_counts_as_a_crash() {
    let store = Store::new();
    let marker = store.marker.clone();
    let restore = move || {
        let _lock = Lock::acquire(&marker, &options()).unwrap();
        // Not panic!, which would print: this is the same unwinding.
        std::panic::resume_unwind(Box::new("the restore failed"));
    };
    std::thread::spawn(restore).join().unwrap_err();
    assert_eq!(store.state(), MarkerState::Stale);
}
