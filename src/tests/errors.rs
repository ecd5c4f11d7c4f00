// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls that fail, one after the other.

use super::support::{
    Attestation, Place, assert_nothing_is_open_in, assert_status, failing, options, trace,
};
use crate::sys::calls::{LOCK, REMOVE, RENAME, SYNC_DIRECTORY};
use crate::sys::numbers::{DENIED, INPUT_OUTPUT, INVALID_ARGUMENT, INVALID_HANDLE, NO_RESOURCES};
#[cfg(unix)]
use crate::sys::numbers::{DISK_FULL, TOO_MANY_FILES};
use crate::{Lock, MarkerState, Status};

#[cfg(unix)]
const ERRORS: [i32; 5] = [INPUT_OUTPUT, DISK_FULL, DENIED, TOO_MANY_FILES, NO_RESOURCES];
/// Fewer: under Wine each call takes its time.
#[cfg(windows)]
const ERRORS: [i32; 2] = [INPUT_OUTPUT, DENIED];

#[test]
fn an_error_other_than_would_block_is_not_taken_for_contention() {
    let place = Place::new();
    let (_, calls) = trace(|| place.acquire().unwrap().release());
    for (number, call) in calls.iter().enumerate().filter(|(_, call)| **call == LOCK) {
        for errno in [INPUT_OUTPUT, NO_RESOURCES, INVALID_HANDLE, INVALID_ARGUMENT] {
            let (acquired, reached) = failing(number, errno, || place.acquire());
            let error = acquired.expect_err(call);
            assert!(reached);
            assert_status(&error, Status::Io);
            assert_eq!(error.os_error(), errno, "{error}");
        }
    }
}

#[cfg(unix)]
#[test]
fn an_interrupted_system_call_is_never_noticed() {
    let place = Place::new();
    for number in 0.. {
        let cycle = || {
            let mut lock = place.acquire()?;
            lock.check()?;
            lock.leak()?;
            lock.release()?;
            let attestation = place.attestation();
            let (mut lock, _) = place.takeover(&attestation).map_err(|failed| failed.error)?;
            lock.release()
        };
        let (done, reached) = failing(number, libc::EINTR, cycle);
        done.unwrap();
        if !reached {
            assert!(number > 50, "only {number} calls were interrupted");
            break;
        }
    }
}

#[test]
fn a_failed_acquire_leaves_nothing_and_says_why() {
    let place = Place::new();
    for errno in ERRORS {
        for number in 0.. {
            let (acquired, reached) = failing(number, errno, || place.acquire());
            if !reached {
                break;
            }
            match acquired {
                // An unlock that fails is made good by closing the file.
                Ok(mut lock) => lock.release().unwrap(),
                Err(error) => assert_eq!(error.os_error(), errno, "call {number}: {error}"),
            }
            assert_nothing_is_open_in(&place, &format!("call {number}"));
            assert!(!place.marker.exists(), "call {number}");
            place.assert_not_a_dead_end();
        }
    }
}

#[test]
fn a_failed_release_may_be_tried_again_or_has_ended() {
    for errno in ERRORS {
        for number in 0.. {
            let place = Place::new();
            let mut lock = place.acquire().unwrap();
            let (released, reached) = failing(number, errno, || lock.release());
            if !reached {
                break;
            }
            if let Err(error) = &released {
                assert_status(error, Status::Io);
                assert_eq!(error.os_error(), errno, "call {number}: {error}");
            }
            if !lock.is_released() {
                assert!(released.is_err());
                assert_eq!(place.state(), MarkerState::HeldByThisProcess);
                lock.release().unwrap();
            }
            assert_eq!(lock.release().unwrap_err().status(), Status::BadHandle);
            assert_nothing_is_open_in(&place, &format!("call {number}"));
            place.assert_not_a_dead_end();
        }
    }
}

#[test]
fn a_failed_quarantine_keeps_the_marker_or_says_where_it_stands() {
    each_failure(|place, attestation| place.quarantine(attestation).map(drop));
}

#[test]
fn a_failed_takeover_keeps_the_marker_or_says_where_it_stands() {
    each_failure(|place, attestation| {
        let taken = place.takeover(attestation).map_err(|failed| {
            assert_eq!(failed.stale_path, None, "one failure alone can be made good: {failed}");
            failed.error
        });
        taken.and_then(|(mut lock, _)| lock.release())
    });
}

fn each_failure(act: impl Fn(&Place, &Attestation) -> crate::Result<()>) {
    for errno in ERRORS {
        for number in 0.. {
            let place = Place::new();
            let text = place.leave_stale_marker();
            let attestation = place.attestation();
            let (done, reached) = failing(number, errno, || act(&place, &attestation));
            if !reached {
                break;
            }
            assert_nothing_is_open_in(&place, &format!("call {number}"));
            if let Err(error) = done {
                assert_eq!(error.os_error(), errno, "call {number}: {error}");
                let stale = crate::list_evidence(&place.marker).unwrap();
                if stale.is_empty() {
                    assert_eq!(
                        std::fs::read(&place.marker).unwrap(),
                        text,
                        "call {number}: {error}"
                    );
                } else {
                    // The takeover was complete, and its release failed.
                    assert_eq!(std::fs::read(&stale[0]).unwrap(), text);
                }
            }
            place.assert_not_a_dead_end();
        }
    }
}

#[cfg(unix)]
#[test]
fn a_filesystem_without_exclusive_rename_is_served_by_link_and_by_reserved_names() {
    let place = Place::new();
    for errno in [libc::EINVAL, libc::ENOSYS, libc::EOPNOTSUPP] {
        let unsupported = move |call| (call == "renameat2").then_some(errno);
        crate::sys::probe::with_hook(unsupported, || {
            let mut lock = place.acquire().unwrap();
            lock.check().unwrap();
            assert_eq!(place.names().iter().filter(|name| !name.contains(".stale-")).count(), 2);
            assert_status(&place.acquire().unwrap_err(), Status::MarkerExists);
            lock.leak().unwrap();
            lock.release().unwrap();
            place.assert_not_a_dead_end();
        });
    }
    assert_eq!(crate::list_evidence(&place.marker).unwrap().len(), 3);
}

#[test]
fn a_failed_last_sync_removes_the_marker_again() {
    let place = Place::new();
    let failing = |call| (call == SYNC_DIRECTORY).then_some(INPUT_OUTPUT);
    let error = crate::sys::probe::with_hook(failing, || Lock::acquire(&place.marker, &options()));
    let error = error.unwrap_err();
    assert_status(&error, Status::Io);
    assert_eq!(error.operation(), "marker directory sync");
    assert!(place.names().is_empty());
}

#[test]
fn a_marker_that_could_not_be_removed_again_is_told() {
    let place = Place::new();
    // The last sync fails, and so does every removal after it.
    let mut broken = false;
    let failing = move |call| {
        broken |= call == SYNC_DIRECTORY;
        (broken && (call == SYNC_DIRECTORY || call == REMOVE)).then_some(INPUT_OUTPUT)
    };
    let error = crate::sys::probe::with_hook(failing, || place.acquire()).unwrap_err();
    assert_status(&error, Status::Io);
    assert!(error.message().contains("the new marker may stand all the same"), "{error}");
    assert_eq!(place.state(), MarkerState::Stale);
    place.assert_not_a_dead_end();
}

#[test]
fn a_rename_that_was_done_but_answered_with_an_error_loses_no_evidence() {
    let place = Place::new();
    let text = place.leave_stale_marker();
    let attestation = place.attestation();
    let marker = place.marker.clone();
    // As over a network: done by the server, and its answer lost.
    let mut renames = 0;
    let done_and_failed = move |call| {
        if call != RENAME {
            return None;
        }
        renames += 1;
        if renames > 1 {
            return None;
        }
        let evidence = std::fs::read_dir(marker.parent().unwrap()).unwrap();
        let names = evidence.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let json = names.into_iter().find(|name| name.ends_with(".attestation.json")).unwrap();
        let stale = json.trim_end_matches(".attestation.json");
        std::fs::rename(&marker, marker.with_file_name(stale)).unwrap();
        Some(INPUT_OUTPUT)
    };
    let error = crate::sys::probe::with_hook(done_and_failed, || place.quarantine(&attestation))
        .unwrap_err();
    assert_eq!(error.os_error(), INPUT_OUTPUT);
    assert!(error.message().contains("the old marker is back"), "{error}");
    assert_eq!(std::fs::read(&place.marker).unwrap(), text);
    place.assert_not_a_dead_end();
}

#[test]
fn a_message_with_the_longest_paths_is_not_cut() {
    let place = Place::new();
    let deep = place.path(&"d".repeat(200)).join("e".repeat(200)).join("f".repeat(200));
    std::fs::create_dir_all(&deep).unwrap();
    let marker = deep.join("store.lock");
    Lock::acquire(&marker, &options()).unwrap().leak().unwrap();
    let attestation = Attestation::for_marker(&marker);
    let failing = |call| (call == SYNC_DIRECTORY).then_some(INPUT_OUTPUT);
    let document = attestation.document();
    // The evidence's sync fails first; so let that one through.
    let mut syncs = 0;
    let second = move |call| {
        syncs += i32::from(call == SYNC_DIRECTORY);
        if syncs == 2 { failing(call) } else { None }
    };
    let failed = crate::sys::probe::with_hook(second, || {
        crate::quarantine(&marker, &document, crate::Allow::default())
    });
    let error = failed.unwrap_err();
    assert!(error.message().len() < 1024, "{}", error.message().len());
    assert!(error.message().contains("store.lock.stale-"), "{error}");
}
