// SPDX-License-Identifier: MIT OR Apache-2.0
//! What Windows says, and no other system: a file's deletion is pending, a program does not share a
//! file. (Wine knows no pending deletion, so here it is the hook that says so.)

use std::time::Duration;

use super::support::{Place, assert_status, options};
use crate::sys::numbers::{BEING_DELETED, IN_USE};
use crate::sys::probe::with_hook;
use crate::{Lock, LockOptions, MarkerState, Status};

/// The calls of an acquire that open or rename one of its files.
const CALLS: [&str; 5] = ["open", "open or create", "create", "open to look", "rename"];

/// Fails the first `times` calls of that name.
fn failing_first(
    call: &'static str,
    number: i32,
    times: u32,
) -> impl FnMut(&'static str) -> Option<i32> {
    let mut left = times;
    move |name| {
        if name != call || left == 0 {
            return None;
        }
        left -= 1;
        Some(number)
    }
}

#[test]
fn a_pending_deletion_and_a_file_that_is_not_shared_are_contention() {
    let place = Place::new();
    for call in CALLS {
        for number in [BEING_DELETED, IN_USE] {
            match with_hook(failing_first(call, number, 1), || place.acquire()) {
                Ok(mut lock) => {
                    // What was looked for is not there any more: look again.
                    assert_eq!((call, number), ("open to look", BEING_DELETED));
                    lock.release().unwrap();
                }
                Err(error) => {
                    assert_status(&error, Status::Contended);
                    assert_eq!(error.os_error(), number, "{error}");
                }
            }
            assert!(!place.marker.exists(), "{call}");
            place.assert_not_a_dead_end();
        }
    }
}

#[test]
fn an_acquire_waits_for_a_deletion_to_end() {
    let place = Place::new();
    let waiting = LockOptions { timeout: Duration::from_secs(60), ..options() };
    for call in CALLS {
        let hook = failing_first(call, BEING_DELETED, 3);
        let mut lock = with_hook(hook, || Lock::acquire(&place.marker, &waiting)).unwrap();
        lock.release().unwrap();
    }
}

#[test]
fn a_holder_whose_marker_is_being_deleted_has_lost_it() {
    let place = Place::new();
    let lock = place.acquire().unwrap();
    let hook = failing_first("open to look", BEING_DELETED, 1);
    let error = with_hook(hook, || lock.check()).unwrap_err();
    assert_status(&error, Status::Lost);
}

#[test]
fn a_marker_that_cannot_be_moved_for_a_second_stays_where_it_is() {
    let place = Place::new();
    let text = place.leave_stale_marker();
    let attestation = place.attestation();
    let hook = failing_first("open to move", IN_USE, 50);
    with_hook(hook, || place.quarantine(&attestation)).unwrap();
    std::fs::write(&place.marker, &text).unwrap();
    let hook = failing_first("open to move", IN_USE, u32::MAX);
    let error = with_hook(hook, || place.quarantine(&attestation)).unwrap_err();
    assert_status(&error, Status::Contended);
    assert_eq!(error.os_error(), IN_USE);
    assert_eq!(place.state(), MarkerState::Stale);
    assert_eq!(std::fs::read(&place.marker).unwrap(), text);
}
