// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files swapped at the worst moment, by somebody who does not keep to the protocol.

use std::fs;

use super::support::{Place, assert_status, just_before, remove};
use crate::sys::calls::{LOCK, RENAME};
use crate::sys::numbers::NOT_FOUND;
use crate::sys::{Access, Directory, FileName};
use crate::{MarkerState, Status};

#[test]
fn a_marker_swapped_between_check_and_rename_is_put_back_and_nothing_is_quarantined() {
    let place = Place::new();
    place.leave_stale_marker();
    let attestation = place.attestation();
    let marker = place.marker.clone();
    let swap = move || {
        fs::rename(&marker, marker.with_extension("aside")).unwrap();
        fs::write(&marker, "a stranger's file").unwrap();
    };
    let error = just_before(RENAME, swap, || place.quarantine(&attestation)).unwrap_err();
    assert_status(&error, Status::Lost);
    assert_eq!(fs::read_to_string(&place.marker).unwrap(), "a stranger's file");
    assert!(error.message().contains("that file is where it was"), "{error}");
    assert!(crate::list_evidence(&place.marker).unwrap().is_empty());
}

#[test]
fn a_takeover_whose_marker_was_swapped_publishes_nothing() {
    let place = Place::new();
    place.leave_stale_marker();
    let attestation = place.attestation();
    let marker = place.marker.clone();
    let swap = move || fs::rename(&marker, marker.with_extension("aside")).unwrap();
    let error = just_before(RENAME, swap, || place.takeover(&attestation)).unwrap_err();
    assert_eq!(error.error.os_error(), NOT_FOUND, "{error}");
    assert_eq!(error.stale_path, None);
    assert!(!place.marker.exists() && !place.path("store.lock.new").exists());
}

#[test]
fn nobody_gets_in_between_the_two_renames_of_a_takeover() {
    let place = Place::new();
    place.leave_stale_marker();
    let attestation = place.attestation();
    let marker = place.marker.clone();
    let mut renames = 0;
    let intruder = std::rc::Rc::new(std::cell::RefCell::new(None));
    let answer = std::rc::Rc::clone(&intruder);
    let hook = move |call| {
        renames += i32::from(call == RENAME);
        if renames == 2 && call == RENAME {
            // The old marker has moved, the new one is not there yet.
            assert!(!marker.exists());
            let marker = marker.clone();
            let intruding = move || crate::Lock::acquire(&marker, &super::support::options());
            let refused = std::thread::spawn(intruding).join().unwrap().map(drop);
            *answer.borrow_mut() = Some(refused);
        }
        None
    };
    let (lock, _) = crate::sys::probe::with_hook(hook, || place.takeover(&attestation)).unwrap();
    let refused = intruder.borrow_mut().take().unwrap().unwrap_err();
    assert_status(&refused, Status::Contended);
    lock.check().unwrap();
}

#[test]
fn a_file_put_at_the_marker_between_the_renames_is_not_overwritten() {
    let place = Place::new();
    let stale_text = place.leave_stale_marker();
    let attestation = place.attestation();
    let marker = place.marker.clone();
    let mut renames = 0;
    let hook = move |call| {
        renames += i32::from(call == RENAME);
        if renames == 2 && call == RENAME {
            fs::write(&marker, "a stranger's file").unwrap();
        }
        None
    };
    let error = crate::sys::probe::with_hook(hook, || place.takeover(&attestation)).unwrap_err();
    assert_status(&error.error, Status::Lost);
    let stale_path = error.stale_path.expect("the old marker could not go back");
    assert_eq!(fs::read(&stale_path).unwrap(), stale_text);
    assert_eq!(fs::read_to_string(&place.marker).unwrap(), "a stranger's file");
    crate::verify_evidence(&stale_path, attestation.public_key()).unwrap();
}

#[test]
fn a_companion_removed_while_it_was_being_locked_is_not_believed() {
    let place = Place::new();
    let companion = place.path("store.lock.flock");
    let remove = move || remove(&companion);
    // The first flock of an acquire is that of the companion.
    let lock = just_before(LOCK, remove, || place.acquire()).unwrap();
    lock.check().unwrap();
    assert_eq!(place.names(), ["store.lock", "store.lock.flock"]);
}

#[test]
fn a_leftover_of_a_crashed_publisher_is_removed_whatever_it_is() {
    let place = Place::new();
    let (fresh, victim) = (place.path("store.lock.new"), place.path("victim"));
    fs::write(&victim, "untouched").unwrap();
    let leftovers: &[&dyn Fn()] = &[
        &|| fs::write(&fresh, "half a mar").unwrap(),
        &|| fs::hard_link(&victim, &fresh).unwrap(),
        #[cfg(unix)]
        &|| std::os::unix::fs::symlink(&victim, &fresh).unwrap(),
    ];
    for leave in leftovers {
        leave();
        place.acquire().unwrap().release().unwrap();
        assert_eq!(place.names(), ["victim"]);
        assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    }
    fs::create_dir(&fresh).unwrap();
    assert_status(&place.acquire().unwrap_err(), Status::NotRegularFile);
}

#[test]
fn a_publisher_that_died_between_link_and_unlink_is_no_dead_end() {
    let place = Place::new();
    place.leave_stale_marker();
    fs::hard_link(&place.marker, place.path("store.lock.new")).unwrap();
    assert_eq!(place.state(), MarkerState::Stale);
    assert_status(&place.acquire().unwrap_err(), Status::MarkerExists);
    place.assert_not_a_dead_end();
}

#[test]
fn a_marker_released_while_an_acquire_looks_at_it_is_not_called_stale() {
    let place = Place::new();
    let holder = place.acquire().unwrap();
    // An outsider deletes the companion, so the acquire comes to look at the marker itself.
    remove(&place.path("store.lock.flock"));
    let mut holder = Some(holder);
    let mut flocks = 0;
    let release_amid = move |call| {
        flocks += i32::from(call == LOCK);
        // The first is the companion's, the second that of the marker.
        if flocks == 2 && call == LOCK {
            if let Some(mut holder) = holder.take() {
                assert_eq!(holder.release().unwrap_err().status(), Status::Lost);
            }
        }
        None
    };
    let lock = crate::sys::probe::with_hook(release_amid, || place.acquire()).unwrap();
    lock.check().unwrap();
}

#[test]
fn an_endless_inspector_of_a_stale_marker_is_not_called_its_holder() {
    let place = Place::new();
    place.leave_stale_marker();
    let attestation = place.attestation();
    let directory =
        Directory::open(crate::sys::fork::Process::current(), place.marker.parent().unwrap())
            .unwrap();
    let name = FileName::new("store.lock".as_ref()).unwrap();
    let inspector = directory.open_file(&name, Access::Read).unwrap().unwrap();
    assert!(inspector.try_lock_shared().unwrap());
    let error = place.quarantine(&attestation).unwrap_err();
    assert_status(&error, Status::Contended);
    assert_eq!(error.marker_state(), Some(MarkerState::Stale));
    assert!(error.message().contains("try again"), "{error}");
    drop(inspector);
    place.quarantine(&attestation).unwrap();
}

/// Found by the model in tests/model.rs. The first publisher is stopped before it locks its
/// `PATH.new`, the second before it locks the one that it created after removing the first's.
#[test]
fn no_empty_marker_is_seen_when_two_publish_after_the_companion_was_deleted() {
    use std::sync::mpsc::channel;
    let place = Place::new();
    let (marker, companion) = (place.marker.clone(), place.path("store.lock.flock"));
    let (stopped, is_stopped) = channel();
    let (go_on, may_go_on) = channel();
    let second = std::rc::Rc::new(std::cell::RefCell::new(None));
    let thread = std::rc::Rc::clone(&second);
    let (mut locks, mut channels) = (0, Some((stopped, may_go_on)));
    let hook = move |call| {
        locks += i32::from(call == LOCK);
        if locks == 2 && call == LOCK {
            let (stopped, may_go_on) = channels.take()?;
            remove(&companion);
            let marker = marker.clone();
            *thread.borrow_mut() = Some(std::thread::spawn(move || {
                let mut locks = 0;
                let hook = move |call| {
                    locks += i32::from(call == LOCK);
                    // The companion, the first's file, and now its own.
                    if locks == 3 && call == LOCK {
                        stopped.send(()).unwrap();
                        may_go_on.recv().unwrap();
                    }
                    None
                };
                let acquire = || crate::Lock::acquire(&marker, &super::support::options());
                crate::sys::probe::with_hook(hook, acquire).map(drop)
            }));
            is_stopped.recv().unwrap();
        }
        None
    };
    let first = crate::sys::probe::with_hook(hook, || place.acquire());
    let seen = fs::read(&place.marker).ok();
    go_on.send(()).unwrap();
    let second = second.borrow_mut().take().unwrap().join().unwrap();
    assert_eq!(seen, None, "a marker of {:?} bytes was visible", seen.as_ref().map(Vec::len));
    assert_status(&first.unwrap_err(), Status::Contended);
    second.unwrap();
}

/// However soon after the last look.
#[test]
fn a_companion_that_is_moved_away_is_missed_by_the_next_check() {
    let place = Place::new();
    let (companion, aside) = (place.path("store.lock.flock"), place.path("aside"));
    for round in 0..100 {
        let mut lock = place.acquire().unwrap();
        if round % 2 == 0 {
            lock.check().unwrap();
        }
        fs::rename(&companion, &aside).unwrap();
        assert_status(&lock.check().unwrap_err(), Status::Lost);
        fs::rename(&aside, &companion).unwrap();
        lock.check().unwrap();
        lock.release().unwrap();
    }
}

/// A program that closes descriptors which are not its own loses the lock, and is told.
#[cfg(unix)]
#[test]
fn a_lock_whose_descriptors_were_closed_is_lost_and_a_successors_companion_stays() {
    let place = Place::new();
    let mut lock = place.acquire().unwrap();
    let companion = place.path("store.lock.flock");
    let numbers: Vec<String> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let target = fs::read_link(entry.path()).ok()?;
            (target == companion.canonicalize().unwrap())
                .then(|| entry.file_name().into_string().unwrap())
        })
        .collect();
    assert_eq!(numbers.len(), 1);
    // Another file takes the number, as a program's own next open would.
    let stranger = fs::File::open("/dev/null").unwrap();
    crate::sys::replace_descriptor(&stranger, numbers[0].parse().unwrap());
    assert_status(&lock.check().unwrap_err(), Status::Lost);
    assert_status(&lock.release().unwrap_err(), Status::Lost);
    assert!(companion.exists(), "it may be another process's by now");
}
