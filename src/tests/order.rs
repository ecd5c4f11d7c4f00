// SPDX-License-Identifier: MIT OR Apache-2.0
//! The order in which things reach the disk; docs/protocol.md says why each matters.

use super::support::{Place, options, trace};
use crate::sys::calls::{LINK, LOCK, REMOVE, RENAME, SYNC, SYNC_DIRECTORY, UNLOCK, WRITE};
use crate::{Durability, Lock, MarkerState, Status};

/// Only the calls that change what is on disk, or make it durable.
fn durable_steps(calls: &[&'static str]) -> Vec<&'static str> {
    let wanted = [WRITE, SYNC, SYNC_DIRECTORY, RENAME, LINK, REMOVE];
    calls.iter().copied().filter(|call| wanted.contains(call)).collect()
}

#[test]
fn a_marker_is_whole_before_it_is_visible_and_durable_before_acquire_returns() {
    let place = Place::new();
    let (lock, calls) = trace(|| place.acquire().unwrap());
    assert_eq!(durable_steps(&calls), [WRITE, SYNC, RENAME, SYNC_DIRECTORY]);
    drop(lock);
}

#[test]
fn a_release_syncs_the_removal_before_the_companion_goes() {
    let place = Place::new();
    let mut lock = place.acquire().unwrap();
    let (released, calls) = trace(|| lock.release());
    released.unwrap();
    assert_eq!(durable_steps(&calls), [REMOVE, SYNC_DIRECTORY, REMOVE]);
    assert_eq!(calls.last(), Some(&UNLOCK), "{calls:?}");
}

#[test]
fn crash_only_durability_syncs_nothing() {
    let place = Place::new();
    let options = crate::LockOptions { durability: Durability::ProcessCrash, ..options() };
    let (released, calls) = trace(|| Lock::acquire(&place.marker, &options)?.release());
    released.unwrap();
    assert!(!calls.iter().any(|call| call.starts_with(SYNC)), "{calls:?}");
}

#[test]
fn a_quarantine_syncs_the_evidence_before_the_marker_moves_and_the_move_before_it_returns() {
    let place = Place::new();
    place.leave_stale_marker();
    let attestation = place.attestation();
    let (moved, calls) = trace(|| place.quarantine(&attestation));
    moved.unwrap();
    let evidence = [WRITE, SYNC, WRITE, SYNC, SYNC_DIRECTORY];
    let rename = [RENAME, SYNC_DIRECTORY, REMOVE];
    assert_eq!(durable_steps(&calls), [&evidence[..], &rename[..]].concat());
}

#[test]
fn a_takeover_has_the_new_marker_on_disk_before_the_old_one_moves() {
    let place = Place::new();
    place.leave_stale_marker();
    let attestation = place.attestation();
    let (taken, calls) = trace(|| place.takeover(&attestation));
    let fresh = [WRITE, SYNC];
    let evidence = [WRITE, SYNC, WRITE, SYNC, SYNC_DIRECTORY];
    let renames = [RENAME, SYNC_DIRECTORY, RENAME, SYNC_DIRECTORY];
    assert_eq!(durable_steps(&calls), [&fresh[..], &evidence[..], &renames[..]].concat());
    drop(taken);
}

fn tries(calls: &[&'static str]) -> usize {
    calls.iter().filter(|call| **call == LOCK).count()
}

/// The marker's own lock shows a holder, which no inspector can do: one try for each file.
#[cfg(unix)]
#[test]
fn an_acquire_against_a_holder_tries_once() {
    let place = Place::new();
    let lock = place.acquire().unwrap();
    let (refused, calls) = trace(|| place.acquire());
    let refused = refused.unwrap_err();
    assert_eq!(refused.status(), Status::MarkerExists);
    assert_eq!(refused.marker_state(), Some(MarkerState::HeldByThisProcess));
    assert_eq!(tries(&calls), 2, "{calls:?}");
    drop(lock);
}

/// A quarantine has both locks for a moment, and what it looks at is no holder's marker.
#[cfg(unix)]
#[test]
fn an_acquire_against_the_locks_around_a_dead_processs_marker_tries_for_a_while() {
    use fs2::FileExt;
    let place = Place::new();
    let text = String::from_utf8(place.leave_stale_marker()).unwrap();
    let mut child = std::process::Command::new("true").spawn().unwrap();
    child.wait().unwrap();
    let (ours, dead) = (format!("pid={}\n", std::process::id()), format!("pid={}\n", child.id()));
    assert!(text.contains(&ours), "{text}");
    std::fs::write(&place.marker, text.replace(&ours, &dead)).unwrap();
    let files = [place.marker.clone(), place.path("store.lock.flock")].map(|path| {
        let file = std::fs::File::open(path).unwrap();
        FileExt::try_lock_exclusive(&file).unwrap();
        file
    });
    let (refused, calls) = trace(|| place.acquire());
    assert_eq!(refused.unwrap_err().marker_state(), Some(MarkerState::Held));
    assert!(tries(&calls) > 10, "{calls:?}");
    drop(files);
    assert_eq!(place.acquire().unwrap_err().marker_state(), Some(MarkerState::Stale));
}

/// Whatever else keeps the companion may be gone in an instant.
#[test]
fn an_acquire_against_a_companion_alone_tries_for_a_while() {
    let place = Place::new();
    let lock = place.acquire().unwrap();
    super::support::remove(&place.marker);
    let (refused, calls) = trace(|| place.acquire());
    assert_eq!(refused.unwrap_err().status(), Status::Contended);
    assert!(tries(&calls) > 10, "{calls:?}");
    drop(lock);
}

#[cfg(unix)]
#[test]
fn a_check_makes_four_system_calls() {
    let place = Place::new();
    let lock = place.acquire().unwrap();
    let (checked, calls) = trace(|| lock.check());
    checked.unwrap();
    // And getpid, which touches no file and is not traced.
    assert_eq!(calls, ["fstat", "fstatat", "fstatat"]);
}

#[cfg(target_os = "linux")]
#[test]
fn a_waiter_is_woken_when_the_marker_goes_away() {
    let place = Place::new();
    let mut lock = place.acquire().unwrap();
    let directory = crate::sys::Directory::open(
        crate::sys::fork::Process::current(),
        place.marker.parent().unwrap(),
    )
    .unwrap();
    let waiter = std::thread::spawn(move || {
        let name = crate::sys::FileName::new("store.lock".as_ref()).unwrap();
        let most = std::time::Duration::from_secs(60);
        crate::sys::Watcher::default().wait_until_removed(&directory, &name, most)
    });
    // Released too early, the waiter would find nothing to watch.
    std::thread::sleep(std::time::Duration::from_millis(500));
    lock.release().unwrap();
    assert!(waiter.join().unwrap(), "it waited to the end");
}
