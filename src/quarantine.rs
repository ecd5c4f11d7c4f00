// SPDX-License-Identifier: MIT OR Apache-2.0
//! Stale markers: quarantine and takeover, each on an operator's signed attestation only.

use std::path::{Path, PathBuf};

use crate::attestation::{SignedDocument, TakeoverAttestation};
use crate::claim::{Companion, Try, lock_exclusively};
use crate::error::{Error, Result, Status, describe_os_error, quote_path};
use crate::evidence::Evidence;
use crate::inspect::{
    Holder, Inspection, contended, inspect_site, kept_changing, marker_absent, marker_too_large,
    read_snapshot, state_of, with_state,
};
use crate::lock::{Lock, process_that_may_lock};
use crate::marker::MarkerSnapshot;
use crate::marker_path::MarkerPath;
use crate::options::{LockOptions, MarkerDraft};
use crate::publish::{FreshMarker, PublishedMarker};
use crate::site::{ATTEMPTS, Allow, Site};
use crate::state::MarkerState;
use crate::sys::{self, Access, FileFacts, LockFile, fork::Process};

/// A takeover that failed, and what it left on disk.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct TakeoverError {
    /// Why.
    pub error: Error,
    /// Where the old marker stands, if it was moved and could not be put back.
    pub stale_path: Option<PathBuf>,
}

impl From<Error> for TakeoverError {
    fn from(error: Error) -> Self {
        TakeoverError { error, stale_path: None }
    }
}

/// Moves a stale marker aside, with the attestation as evidence beside it, and returns its path.
///
/// Always synced. Nothing is ever overwritten.
///
/// # Errors
///
/// What the document lacks (statuses 60 to 74); [`Status::Contended`] if somebody holds the lock:
/// no signature overrides a live holder; [`Status::MarkerAbsent`] if there is nothing to move.
pub fn quarantine(
    marker_path: &Path,
    document: &SignedDocument<'_>,
    allow: Allow,
) -> Result<PathBuf> {
    let path = MarkerPath::parse(marker_path)?;
    let attestation = TakeoverAttestation::verify(document)?;
    let process = process_that_may_lock()?;
    let site = Site::open(process, path)?;
    site.check_policy(allow)?;
    quarantine_at(&site, &attestation, document, allow).map_err(|error| with_state(&site, error))
}

fn quarantine_at(
    site: &Site,
    attestation: &TakeoverAttestation,
    document: &SignedDocument<'_>,
    allow: Allow,
) -> Result<PathBuf> {
    let stale = StaleMarker::claim(site, allow)?;
    stale.check(site, attestation, document)?;
    let evidence = Evidence::write(site, document)?;
    let stale_path = stale.move_aside(site, evidence).map_err(|failure| failure.error)?;
    // A companion that stays behind is harmless: the next acquire takes it up.
    let _ = stale.companion.remove(site);
    Ok(stale_path)
}

/// What [`quarantine`] would say now. Changes nothing on disk.
pub fn verify_takeover(
    marker_path: &Path,
    document: &SignedDocument<'_>,
    allow: Allow,
) -> Result<()> {
    const OPERATION: &str = "takeover check";
    let path = MarkerPath::parse(marker_path)?;
    let attestation = TakeoverAttestation::verify(document)?;
    let site = Site::open(Process::current(), path)?;
    site.check_policy(allow)?;
    let inspection = inspect_site(&site)?;
    match inspection.state {
        MarkerState::Absent => return Err(marker_absent(site.path(), OPERATION)),
        MarkerState::Held | MarkerState::HeldByThisProcess => {
            return Err(contended(site.path(), OPERATION, &inspection));
        }
        MarkerState::Stale | MarkerState::Malformed => {}
    }
    let snapshot = inspection.snapshot.ok_or_else(|| marker_too_large(&site, OPERATION))?;
    attestation.check_names(&snapshot).map_err(|error| error.about(site.path().given()))?;
    attestation.check_still_valid(document.now_unix_ns)
}

/// Quarantines a stale marker and acquires the lock in one step, so that nobody can get in
/// between. Never waits: `options.timeout` does not count here.
///
/// If the new marker cannot be published, the old one is put back. If that fails too, the error
/// says where it stands. A death in between is a completed quarantine.
///
/// # Errors
///
/// As for [`quarantine`], and [`Status::DeploymentMismatch`] if the options name another deployment.
pub fn takeover(
    marker_path: &Path,
    document: &SignedDocument<'_>,
    allow: Allow,
    options: &LockOptions,
) -> std::result::Result<(Lock, PathBuf), TakeoverError> {
    let path = MarkerPath::parse(marker_path)?;
    let draft = options.draft()?;
    let attestation = TakeoverAttestation::verify(document)?;
    if options.deployment_id != document.deployment_id {
        let message = "the lock options name another deployment than the attestation";
        return Err(Error::new(Status::DeploymentMismatch, "takeover check", message).into());
    }
    let process = process_that_may_lock()?;
    let absolute_path = path.absolute()?;
    let allow = allow.or(options.allow);
    let site = Site::open(process, path)?;
    site.check_policy(allow)?;
    let taken = StaleMarker::claim(&site, allow).map_err(TakeoverError::from).and_then(|stale| {
        stale.check(&site, &attestation, document)?;
        let (published, stale_path) = stale.replace(&site, document, &draft)?;
        Ok((stale.companion, published, stale_path))
    });
    match taken {
        Ok((companion, published, stale_path)) => {
            let durability = options.durability;
            let lock = Lock::new(site, absolute_path, companion, published, durability);
            Ok((lock, stale_path))
        }
        Err(TakeoverError { error, stale_path }) => {
            Err(TakeoverError { error: with_state(&site, error), stale_path })
        }
    }
}

/// A marker without a holder, while this process holds both of its OS locks.
#[derive(Debug)]
struct StaleMarker {
    companion: Companion,
    /// Open, so that its inode number stays its own, and locked.
    _file: LockFile,
    facts: FileFacts,
    snapshot: MarkerSnapshot,
}

impl StaleMarker {
    /// Takes both OS locks, sees that both files are at their paths, and reads the marker.
    fn claim(site: &Site, allow: Allow) -> Result<StaleMarker> {
        const OPERATION: &str = "stale marker lock";
        // Looked at first, so that a call with nothing to do leaves no companion behind.
        let there = site.directory().facts_at(site.marker());
        if there.map_err(|error| site.io_error(OPERATION, site.marker(), &error))?.is_none() {
            return Err(marker_absent(site.path(), OPERATION));
        }
        let Some(companion) = Companion::claim(site)? else {
            return Err(contended(site.path(), OPERATION, &inspect_site(site)?));
        };
        match lock_and_read_marker(site, allow) {
            Ok((file, facts, snapshot)) => {
                Ok(StaleMarker { companion, _file: file, facts, snapshot })
            }
            Err(error) => {
                companion.remove_unless_it_guards_a_marker(site);
                Err(error)
            }
        }
    }

    /// The document must name this very marker, and still be valid.
    fn check(
        &self,
        site: &Site,
        attestation: &TakeoverAttestation,
        document: &SignedDocument<'_>,
    ) -> Result<()> {
        attestation
            .check_names(&self.snapshot)
            .map_err(|error| error.about(site.path().given()))?;
        attestation.check_still_valid(document.now_unix_ns)?;
        self.remove_second_name(site)
    }

    /// Tidies up after a publisher that died between link and unlink (see `publish`).
    fn remove_second_name(&self, site: &Site) -> Result<()> {
        if self.facts.links == 2 && site.second_name_is_fresh(&self.facts)? {
            let removed = site.remove_if_same_file(site.fresh(), self.facts.id);
            removed.map_err(|error| site.io_error("new marker cleanup", site.fresh(), &error))?;
        }
        Ok(())
    }

    /// Renames the marker to its stale name and makes that durable. On failure the marker is
    /// back, or the error says where it stands.
    fn move_aside(
        &self,
        site: &Site,
        evidence: Evidence,
    ) -> std::result::Result<PathBuf, TakeoverError> {
        const OPERATION: &str = "marker quarantine";
        let stale = evidence.names.marker.clone();
        let stale_path = evidence.names.stale_path(site);
        if let Err(error) = site.directory().move_without_overwrite(site.marker(), &stale) {
            let error = site.io_error(OPERATION, site.marker(), &error);
            // Over a network a rename may be done and still be answered with an error. Only a
            // marker that is known not to stand there needs no evidence.
            return Err(match site.is_at(&stale, &self.facts) {
                Ok(false) => {
                    evidence.discard(site);
                    error.into()
                }
                Ok(true) => put_back(site, &stale, stale_path, error),
                Err(_) => {
                    let moved = quote_path(&stale_path);
                    let note = format!("whether the old marker was moved to {moved} is not known");
                    error.and_note(&note).into()
                }
            });
        }
        match site.is_at(&stale, &self.facts) {
            Ok(true) => {}
            Ok(false) => return Err(give_back_a_strangers_file(site, &stale, stale_path)),
            Err(error) => return Err(put_back(site, &stale, stale_path, error)),
        }
        match site.sync_directory("quarantine directory sync") {
            Ok(()) => Ok(stale_path),
            Err(error) => Err(put_back(site, &stale, stale_path, error)),
        }
    }

    /// Moves the old marker aside and publishes the new one, which is on disk before the old moves.
    fn replace(
        &self,
        site: &Site,
        document: &SignedDocument<'_>,
        draft: &MarkerDraft<'_>,
    ) -> std::result::Result<(PublishedMarker, PathBuf), TakeoverError> {
        let durability = draft.options().durability;
        let marker = draft.marker(site.process())?;
        let fresh = FreshMarker::write(site, &marker.render(), durability)?;
        let moved =
            Evidence::write(site, document).map_err(TakeoverError::from).and_then(|evidence| {
                let stale = evidence.names.marker.clone();
                self.move_aside(site, evidence).map(|stale_path| (stale, stale_path))
            });
        let (stale, stale_path) = match moved {
            Ok(moved) => moved,
            Err(TakeoverError { error, stale_path }) => {
                return Err(TakeoverError { error: fresh.discard(site, error), stale_path });
            }
        };
        match fresh.publish(site, durability) {
            Ok(file) => Ok((PublishedMarker { file, marker }, stale_path)),
            // MarkerExists: an outsider's file, which no acquire of ours was refused by.
            Err(error) if error.status() == Status::MarkerExists => {
                let error = Error::new(Status::Lost, error.operation(), error.message())
                    .with_os_error_of(&error);
                Err(put_back(site, &stale, stale_path, error))
            }
            Err(error) => Err(put_back(site, &stale, stale_path, error)),
        }
    }
}

fn lock_and_read_marker(
    site: &Site,
    allow: Allow,
) -> Result<(LockFile, FileFacts, MarkerSnapshot)> {
    const OPERATION: &str = "stale marker lock";
    let access = if allow.network_filesystem { Access::ReadWrite } else { Access::Read };
    for _ in 0..ATTEMPTS {
        let Some((file, facts)) = site.open_marker(access)? else {
            return Err(marker_absent(site.path(), OPERATION));
        };
        let locked = lock_exclusively(&file);
        if locked.map_err(|error| site.io_error(OPERATION, site.marker(), &error))? == Try::Refused
        {
            return Err(refused_by_the_markers_own_lock(site, &file, &facts)?);
        }
        if site.is_at(site.marker(), &facts)? {
            let snapshot = read_snapshot(site, &file)?;
            let snapshot = snapshot.ok_or_else(|| marker_too_large(site, OPERATION))?;
            return Ok((file, facts, snapshot));
        }
    }
    Err(kept_changing(site.path(), OPERATION))
}

/// Somebody deleted a live holder's companion, and the marker's own lock shows the holder; or
/// somebody shares that lock without an end. An inspection would find our own companion locked.
fn refused_by_the_markers_own_lock(
    site: &Site,
    file: &LockFile,
    facts: &FileFacts,
) -> Result<Error> {
    let holder = Holder::of(site, file, facts)
        .map_err(|error| site.io_error("stale marker lock", site.marker(), &error))?;
    let snapshot = read_snapshot(site, file)?;
    let state = state_of(holder, snapshot.as_ref());
    Ok(contended(site.path(), "stale marker lock", &Inspection { state, snapshot }))
}

/// After a failure: the old marker goes back to its name, overwriting nothing.
fn put_back(
    site: &Site,
    stale: &sys::FileName,
    stale_path: PathBuf,
    error: Error,
) -> TakeoverError {
    let moved = quote_path(&stale_path);
    match site.directory().move_without_overwrite(stale, site.marker()) {
        Ok(()) => {
            // Best effort: before and after, the marker is on disk under one of its two names.
            let _ = site.directory().sync();
            error
                .and_note(&format!("the old marker is back; its evidence stays beside {moved}"))
                .into()
        }
        Err(refused) => {
            let refused = describe_os_error(&refused);
            let note =
                format!("the old marker stands at {moved} and could not be put back: {refused}");
            TakeoverError { error: error.and_note(&note), stale_path: Some(stale_path) }
        }
    }
}

/// What was moved is not what was read: it goes back, and nothing was quarantined.
fn give_back_a_strangers_file(
    site: &Site,
    stale: &sys::FileName,
    stale_path: PathBuf,
) -> TakeoverError {
    let (path, moved) = (quote_path(site.path().given()), quote_path(&stale_path));
    let message = format!("marker {path} was replaced by another file at the last moment");
    let error = Error::new(Status::Lost, "marker quarantine", message);
    match site.directory().move_without_overwrite(stale, site.marker()) {
        Ok(()) => {
            let note =
                format!("that file is where it was; the unused evidence stays beside {moved}");
            error.and_note(&note).into()
        }
        Err(refused) => {
            let refused = describe_os_error(&refused);
            let note = format!("that file stands at {moved} and could not be put back: {refused}");
            TakeoverError { error: error.and_note(&note), stale_path: Some(stale_path) }
        }
    }
}
