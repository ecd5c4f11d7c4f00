// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences of calls, and what an outsider may do to the files meanwhile, against a model: two
//! names that stand for files, the files that live handles have locked, and the evidence.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crtx::attestation::SignedDocument;
use crtx::{Allow, Durability, Error, Lock, LockOptions, MarkerState, Status};
use tempfile::TempDir;

use crate::input::Input;
use crate::{SEED, public_key};

const DEPLOYMENT: &str = "deployment:fuzz";
const DIGEST: &str = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";
const HANDLES: usize = 3;
const MOST_STEPS: usize = 24;

/// A directory for all runs. Nobody removes it: scripts/fuzz.sh does, with TMPDIR.
pub(crate) fn new_directory() -> TempDir {
    TempDir::with_prefix("crtx-fuzz-").expect("the directory can be made")
}

/// Removes everything in the directory of the runs.
pub(crate) fn empty(directory: &Path) {
    for entry in fs::read_dir(directory).expect("the directory is there").flatten() {
        let path = entry.path();
        let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
    }
}

/// A file of the model; equal only to itself.
type File = u32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct MarkerFile {
    file: File,
    well_formed: bool,
    /// Written by this process: has its pid, and a time of its own.
    ours: bool,
}

#[derive(Debug, Clone, Copy)]
struct Holder {
    marker: File,
    companion: File,
    leaked: bool,
}

/// An attestation, and the marker that it was built for.
struct Attestation {
    target: MarkerFile,
    payload: Vec<u8>,
}

#[derive(Default)]
struct Model {
    files: File,
    marker: Option<MarkerFile>,
    companion: Option<File>,
    holders: [Option<Holder>; HANDLES],
    evidence: usize,
}

impl Model {
    fn new_file(&mut self) -> File {
        self.files += 1;
        self.files
    }

    fn is_companion_locked(&self) -> bool {
        self.companion.is_some_and(|companion| {
            self.holders.iter().flatten().any(|holder| holder.companion == companion)
        })
    }

    fn is_marker_locked(&self) -> bool {
        self.marker.is_some_and(|marker| {
            self.holders.iter().flatten().any(|holder| holder.marker == marker.file)
        })
    }

    fn state(&self) -> MarkerState {
        match self.marker {
            None => MarkerState::Absent,
            Some(_) if self.is_marker_locked() => MarkerState::HeldByThisProcess,
            Some(_) if self.is_companion_locked() => MarkerState::Held,
            Some(marker) if marker.well_formed => MarkerState::Stale,
            Some(_) => MarkerState::Malformed,
        }
    }

    fn what_is_left(&self, holder: &Holder) -> (bool, bool) {
        let marker = self.marker.is_some_and(|marker| marker.file == holder.marker);
        (marker, self.companion == Some(holder.companion))
    }

    /// What a quarantine on the strength of the attestation must say.
    fn quarantine_status(&self, attestation: &Attestation) -> Vec<Status> {
        let target = attestation.target;
        match self.marker {
            None => vec![Status::MarkerAbsent],
            Some(_) if self.is_companion_locked() || self.is_marker_locked() => {
                vec![Status::Contended]
            }
            Some(marker) if marker == target => vec![Status::Ok],
            Some(marker) if !marker.well_formed && target.well_formed => {
                vec![Status::MarkerMalformed]
            }
            Some(marker) if !marker.well_formed => vec![Status::StaleDigestMismatch],
            Some(marker) if !target.well_formed || marker.ours != target.ours => {
                vec![Status::StalePidMismatch]
            }
            // Two of one process differ in their time, unless the clock stood still; two that an
            // outsider put there, in their digest.
            Some(_) => vec![Status::StaleTimeMismatch, Status::StaleDigestMismatch],
        }
    }
}

struct Run<'a> {
    input: Input<'a>,
    path: PathBuf,
    model: Model,
    locks: [Option<Lock>; HANDLES],
    attestation: Option<Attestation>,
}

fn options() -> LockOptions {
    LockOptions {
        durability: Durability::ProcessCrash,
        allow: Allow::default(),
        timeout: std::time::Duration::ZERO,
        deployment_id: DEPLOYMENT.into(),
        operator_principal_id: "operator:fuzz".into(),
        restore_intent_blake3: DIGEST.into(),
        host: Some("host".into()),
    }
}

fn status<T>(result: &Result<T, Error>) -> Status {
    result.as_ref().map_or_else(Error::status, |_| Status::Ok)
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

impl Run<'_> {
    fn companion_path(&self) -> PathBuf {
        self.path.with_extension("lock.flock")
    }

    fn acquire(&mut self, slot: usize) {
        let expected = match self.model.marker {
            Some(_) => Status::MarkerExists,
            None if self.model.is_companion_locked() => Status::Contended,
            None => Status::Ok,
        };
        let state = self.model.state();
        let acquired = Lock::acquire(&self.path, &options());
        assert_eq!(status(&acquired), expected);
        match acquired {
            Ok(lock) => {
                self.locks[slot] = Some(lock);
                self.hold(slot);
            }
            Err(error) => {
                assert_eq!(error.marker_state(), Some(state), "{error}");
                self.look_for_a_companion();
            }
        }
    }

    /// The model after an acquire or a takeover.
    fn hold(&mut self, slot: usize) {
        let marker = MarkerFile { file: self.model.new_file(), well_formed: true, ours: true };
        let companion = match self.model.companion {
            Some(companion) => companion,
            None => self.model.new_file(),
        };
        self.model.marker = Some(marker);
        self.model.companion = Some(companion);
        self.model.holders[slot] = Some(Holder { marker: marker.file, companion, leaked: false });
    }

    /// A refused call may leave a companion that it created, or remove one that nobody holds.
    fn look_for_a_companion(&mut self) {
        let there = exists(&self.companion_path());
        assert!(there || !self.model.is_companion_locked(), "a holder's companion was removed");
        if there != self.model.companion.is_some() {
            self.model.companion = there.then(|| self.model.new_file());
        }
    }

    fn check(&mut self, slot: usize) {
        let (Some(lock), Some(holder)) = (&self.locks[slot], &self.model.holders[slot]) else {
            return;
        };
        let whole = self.model.what_is_left(holder) == (true, true);
        let expected = if whole { Status::Ok } else { Status::Lost };
        assert_eq!(status(&lock.check()), expected);
    }

    fn leak(&mut self, slot: usize) {
        if let (Some(lock), Some(holder)) = (&mut self.locks[slot], &mut self.model.holders[slot]) {
            assert_eq!(status(&lock.leak()), Status::Ok);
            holder.leaked = true;
        }
    }

    fn release(&mut self, slot: usize, by_drop: bool) {
        let (Some(mut lock), Some(holder)) =
            (self.locks[slot].take(), self.model.holders[slot].take())
        else {
            return;
        };
        let (marker, companion) = self.model.what_is_left(&holder);
        if by_drop {
            drop(lock);
        } else {
            let expected = if marker && companion { Status::Ok } else { Status::Lost };
            assert_eq!(status(&lock.release()), expected);
            assert!(lock.is_released());
            assert_eq!(status(&lock.release()), Status::BadHandle);
        }
        if !holder.leaked {
            self.model.marker.take_if(|_| marker);
            self.model.companion.take_if(|_| companion);
        }
    }

    fn build(&mut self) {
        let built =
            crtx::build_takeover(&self.path, Some(DEPLOYMENT), &public_key(), "fuzzed", 3600, 0);
        let Some(target) = self.model.marker else {
            assert_eq!(status(&built), Status::MarkerAbsent);
            return;
        };
        let payload = built.expect("there is a marker");
        self.attestation = Some(Attestation { target, payload });
    }

    /// Verifies, then quarantines or takes over.
    fn move_aside(&mut self, slot: Option<usize>) {
        let Some(attestation) = &self.attestation else { return };
        let mut signature = crtx::sign(&SEED, &attestation.payload).expect("it is short");
        let mut deployment_id = DEPLOYMENT;
        let mut expected = self.model.quarantine_status(attestation);
        match self.input.below(8) {
            6 => {
                signature[0] ^= 1;
                expected = vec![Status::BadSignature];
            }
            7 => {
                deployment_id = "deployment:other";
                expected = vec![Status::DeploymentMismatch];
            }
            _ => {}
        }
        let key = public_key();
        let (payload, now_unix_ns) = (attestation.payload.as_slice(), 0);
        let document = SignedDocument {
            payload,
            signature: &signature,
            public_key: &key,
            deployment_id,
            now_unix_ns,
        };
        let allow = Allow::default();
        let verified = crtx::verify_takeover(&self.path, &document, allow);
        assert!(expected.contains(&status(&verified)), "{verified:?}, not {expected:?}");
        let moved = match slot {
            None => crtx::quarantine(&self.path, &document, allow).map(|path| (None, path)),
            Some(_) => crtx::takeover(&self.path, &document, allow, &options())
                .map(|(lock, path)| (Some(lock), path))
                .map_err(|failed| failed.error),
        };
        let answer = moved.as_ref().map_or_else(Error::status, |_| Status::Ok);
        assert!(expected.contains(&answer), "{moved:?}, not {expected:?}");
        self.look_for_a_companion();
        let Ok((lock, stale_path)) = moved else { return };
        crtx::verify_evidence(&stale_path, &key).expect("the evidence is valid");
        self.model.evidence += 1;
        self.model.marker = None;
        if let (Some(slot), Some(lock)) = (slot, lock) {
            self.locks[slot] = Some(lock);
            self.hold(slot);
        }
    }

    fn outsider(&mut self) {
        let (marker, companion) = (self.path.clone(), self.companion_path());
        match self.input.below(4) {
            0 if exists(&marker) => {
                fs::remove_file(&marker).expect("the marker can be removed");
                self.model.marker = None;
            }
            1 if exists(&companion) => {
                fs::remove_file(&companion).expect("the companion can be removed");
                self.model.companion = None;
            }
            which @ 2..=3 => {
                let file = self.model.new_file();
                let text = if which == 2 {
                    let time = format!("1970-01-01T00:00:00.{file:09}Z");
                    crate::marker::EXAMPLE.replace(crate::marker::EXAMPLE_TIME, &time).replace(
                        "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556",
                        DEPLOYMENT,
                    )
                } else {
                    format!("torn {file}")
                };
                // Another file under its name, not another text in the same file.
                let other = self.path.with_extension("other");
                fs::write(&other, text).expect("it can be written");
                fs::rename(&other, &marker).expect("it can be renamed");
                self.model.marker = Some(MarkerFile { file, well_formed: which == 2, ours: false });
            }
            _ => {}
        }
    }

    fn step(&mut self) {
        let slot = self.input.below(HANDLES);
        match self.input.below(12) {
            0 | 1 if self.locks[slot].is_none() => self.acquire(slot),
            2 => self.check(slot),
            3 => self.leak(slot),
            4 => self.release(slot, false),
            5 => self.release(slot, true),
            6 | 7 => self.build(),
            8 => self.move_aside(None),
            9 | 10 if self.locks[slot].is_none() => self.move_aside(Some(slot)),
            11 => self.outsider(),
            _ => {}
        }
        self.compare();
    }

    /// What is on disk is what the model says.
    fn compare(&self) {
        let inspection = crtx::inspect(&self.path).expect("it can be inspected");
        assert_eq!(inspection.state, self.model.state());
        assert_eq!(exists(&self.path), self.model.marker.is_some());
        assert_eq!(exists(&self.companion_path()), self.model.companion.is_some());
        let evidence = crtx::list_evidence(&self.path).expect("it can be listed");
        assert_eq!(evidence.len(), self.model.evidence);
        let names = [self.model.marker.is_some(), self.model.companion.is_some()];
        let expected = names.iter().filter(|there| **there).count() + 3 * evidence.len();
        let directory = self.path.parent().expect("it has a directory");
        assert_eq!(fs::read_dir(directory).expect("it can be read").count(), expected);
    }
}

/// Target `sequence`.
pub fn run(data: &[u8]) {
    static DIRECTORY: OnceLock<TempDir> = OnceLock::new();
    let directory = DIRECTORY.get_or_init(new_directory).path();
    let mut run = Run {
        input: Input::new(data),
        path: directory.join("store.lock"),
        model: Model::default(),
        locks: [None, None, None],
        attestation: None,
    };
    for _ in 0..MOST_STEPS {
        if run.input.is_empty() {
            break;
        }
        run.step();
    }
    for slot in 0..HANDLES {
        run.release(slot, false);
    }
    run.compare();
    empty(directory);
}
