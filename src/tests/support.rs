// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory, an operator, and the calls of the library with everything filled in.

use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use crate::attestation::SignedDocument;
use crate::sys::probe::with_hook;
use crate::{Allow, Digest, Durability, Error, Lock, LockOptions, MarkerState};

pub(super) const DEPLOYMENT: &str = "deployment:test";
const SEED: [u8; 32] = [7; 32];

/// A fresh directory with a marker path in it, removed at the end.
pub(super) struct Place {
    directory: tempfile::TempDir,
    pub(super) marker: PathBuf,
}

impl Place {
    pub(super) fn new() -> Place {
        let directory = tempfile::tempdir().unwrap();
        let marker = directory.path().join("store.lock");
        Place { directory, marker }
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(super) fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    pub(super) fn acquire(&self) -> crate::Result<Lock> {
        Lock::acquire(&self.marker, &options())
    }

    /// Leaves a marker behind, as a holder that died would.
    pub(super) fn leave_stale_marker(&self) -> Vec<u8> {
        let mut lock = self.acquire().unwrap();
        lock.leak().unwrap();
        lock.release().unwrap();
        std::fs::read(&self.marker).unwrap()
    }

    pub(super) fn state(&self) -> MarkerState {
        crate::inspect(&self.marker).unwrap().state
    }

    pub(super) fn attestation(&self) -> Attestation {
        Attestation::for_marker(&self.marker)
    }

    pub(super) fn quarantine(&self, attestation: &Attestation) -> crate::Result<PathBuf> {
        crate::quarantine(&self.marker, &attestation.document(), Allow::default())
    }

    pub(super) fn takeover(
        &self,
        attestation: &Attestation,
    ) -> Result<(Lock, PathBuf), crate::TakeoverError> {
        crate::takeover(&self.marker, &attestation.document(), Allow::default(), &options())
    }

    /// After any failure: a takeover, or an acquire, works, and nothing but evidence is left over.
    pub(super) fn assert_not_a_dead_end(&self) {
        if self.state() == MarkerState::Absent {
            self.acquire().unwrap().release().unwrap();
        } else {
            let (mut lock, stale) = self.takeover(&self.attestation()).unwrap();
            lock.release().unwrap();
            crate::verify_evidence(&stale, &crate::public_key(&SEED).unwrap()).unwrap();
        }
        for name in self.names() {
            assert!(name.contains(".stale-"), "{name} is left over");
        }
    }
}

pub(super) struct Attestation {
    payload: Vec<u8>,
    signature: [u8; 64],
    key: [u8; 32],
}

impl Attestation {
    pub(super) fn for_marker(marker: &Path) -> Attestation {
        let key = crate::public_key(&SEED).unwrap();
        let why = "the test says so";
        let payload = crate::build_takeover(marker, Some(DEPLOYMENT), &key, why, 600, 0).unwrap();
        let signature = crate::sign(&SEED, &payload).unwrap();
        Attestation { payload, signature, key }
    }

    pub(super) fn document(&self) -> SignedDocument<'_> {
        SignedDocument {
            payload: &self.payload,
            signature: &self.signature,
            public_key: &self.key,
            deployment_id: DEPLOYMENT,
            now_unix_ns: 0,
        }
    }

    pub(super) fn public_key(&self) -> &[u8] {
        &self.key
    }
}

pub(super) fn options() -> LockOptions {
    LockOptions {
        durability: Durability::Full,
        allow: Allow::default(),
        timeout: Duration::ZERO,
        deployment_id: DEPLOYMENT.to_owned(),
        operator_principal_id: "operator:test".to_owned(),
        restore_intent_blake3: Digest::of(b"intent").to_string(),
        host: Some("test-host".to_owned()),
    }
}

/// The system calls that `body` makes, in their order.
pub(super) fn trace<T>(body: impl FnOnce() -> T) -> (T, Vec<&'static str>) {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let writer = Rc::clone(&seen);
    let hook = move |name| {
        writer.borrow_mut().push(name);
        None
    };
    let result = with_hook(hook, body);
    let seen = seen.borrow().clone();
    (result, seen)
}

/// Runs `body` with the `number`th system call (counted from 0) failing with `errno`, once. Tells
/// whether that call was reached.
pub(super) fn failing<T>(number: usize, errno: i32, body: impl FnOnce() -> T) -> (T, bool) {
    let reached = Rc::new(RefCell::new(false));
    let writer = Rc::clone(&reached);
    let mut count = 0;
    let hook = move |_| {
        count += 1;
        let now = count == number + 1;
        if now {
            *writer.borrow_mut() = true;
        }
        now.then_some(errno)
    };
    let result = with_hook(hook, body);
    let reached = *reached.borrow();
    (result, reached)
}

/// Runs `body`, and `action` once, just before its first system call of that name.
pub(super) fn just_before<T>(
    name: &'static str,
    action: impl FnOnce() + 'static,
    body: impl FnOnce() -> T,
) -> T {
    let mut action = Some(action);
    let hook = move |call| {
        if call == name {
            if let Some(action) = action.take() {
                action();
            }
        }
        None
    };
    with_hook(hook, body)
}

/// That this process has none of this directory's files open.
#[cfg(unix)]
pub(super) fn assert_nothing_is_open_in(place: &Place, what: &str) {
    let directory = place.directory.path().canonicalize().unwrap();
    let open = std::fs::read_dir("/proc/self/fd")
        .unwrap()
        .filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok())
        .filter(|target| target.starts_with(&directory));
    assert_eq!(open.count(), 0, "{what}");
}

/// That this process has none of this directory's files open: then each can be opened exclusively.
#[cfg(windows)]
pub(super) fn assert_nothing_is_open_in(place: &Place, what: &str) {
    use std::os::windows::fs::OpenOptionsExt;
    for name in place.names() {
        let opened = std::fs::OpenOptions::new().read(true).share_mode(0).open(place.path(&name));
        assert!(opened.is_ok(), "{what}: {name}: {opened:?}");
    }
}

/// Removes a file as an outsider would, so that its name is free at once.
pub(super) fn remove(path: &Path) {
    // Where a deleted file keeps its name while it is open (Windows, without POSIX semantics).
    let aside = path.with_extension("removed");
    std::fs::rename(path, &aside).unwrap();
    std::fs::remove_file(&aside).unwrap();
}

pub(super) fn assert_status(error: &Error, status: crate::Status) {
    assert_eq!(error.status(), status, "{error}");
}
