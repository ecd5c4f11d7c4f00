// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lock's life: acquire, check, leak, release.

use std::path::{Path, PathBuf};

use crate::acquire::acquire_in_time;
use crate::claim::Companion;
use crate::digest::Digest;
use crate::error::{Error, Result, Status, quote_path};
use crate::inspect;
use crate::marker::Marker;
use crate::marker_path::{COMPANION_SUFFIX, MarkerPath};
use crate::options::LockOptions;
use crate::publish::{Durability, MarkerFile, PublishedMarker};
use crate::site::Site;
use crate::sys::{self, FileId, fork::Process};

/// The exclusive lock. While it lives, no other process and no other handle can have it.
///
/// Dropping it releases it, except while the thread panics: a restore that panicked has died, and
/// its marker stays. A forked child's copy does nothing but answer [`Status::Forked`].
#[derive(Debug)]
pub struct Lock {
    held: Option<Held>,
    marker: Marker,
    marker_path: PathBuf,
    process: Process,
}

/// The open files of a lock that is held.
#[derive(Debug)]
struct Held {
    site: Site,
    marker: MarkerFile,
    companion: Companion,
    durability: Durability,
    leaked: bool,
}

impl Lock {
    /// Takes the lock, or says who has it.
    ///
    /// # Errors
    ///
    /// [`Status::MarkerExists`] if there is a marker, held or stale; [`Status::Contended`] if
    /// another process is at the OS lock and no marker is there.
    pub fn acquire(marker_path: &Path, options: &LockOptions) -> Result<Lock> {
        let path = MarkerPath::parse(marker_path)?;
        let draft = options.draft()?;
        let process = process_that_may_lock()?;
        let marker_path = path.absolute()?;
        let site = Site::open(process, path)?;
        site.check_policy(options.allow)?;
        let (companion, published) = acquire_in_time(&site, &draft)?;
        Ok(Lock::new(site, marker_path, companion, published, options.durability))
    }

    /// Takes over what was published under the companion. Cannot fail: the marker is in place.
    pub(crate) fn new(
        site: Site,
        marker_path: PathBuf,
        companion: Companion,
        published: PublishedMarker,
        durability: Durability,
    ) -> Lock {
        let PublishedMarker { file, marker } = published;
        let process = site.process();
        let held = Held { site, marker: file, companion, durability, leaked: false };
        Lock { held: Some(held), marker, marker_path, process }
    }

    /// Whether marker and companion are still ours: both names, and that the companion is locked
    /// still. (Whether the marker's own descriptor is open, release looks.)
    ///
    /// # Errors
    ///
    /// [`Status::Lost`] if not: stop writing to the store.
    pub fn check(&self) -> Result<()> {
        self.check_in(Process::current())
    }

    /// The same in the process that asks.
    pub(crate) fn check_in(&self, process: Process) -> Result<()> {
        let held = self.ours(process)?;
        let (marker, companion) = held.what_is_ours("lock check", Descriptors::OfCompanion)?;
        if marker && companion { Ok(()) } else { Err(held.lost("lock check", marker, companion)) }
    }

    /// Keeps marker and companion on disk when the lock is released or dropped: for a restore
    /// whose rollback failed. The lock is held until then. Twice is fine.
    pub fn leak(&mut self) -> Result<()> {
        self.leak_in(Process::current())
    }

    /// The same in the process that asks.
    pub(crate) fn leak_in(&mut self, process: Process) -> Result<()> {
        self.ours(process)?;
        if let Some(held) = &mut self.held {
            held.leaked = true;
        }
        Ok(())
    }

    /// Removes marker and companion and gives the lock back; after [`Lock::leak`] only the latter.
    ///
    /// # Errors
    ///
    /// If [`Lock::is_released`] is false afterwards, nothing was changed and the call may be
    /// repeated. Otherwise the lock has ended: with [`Status::Lost`] something was no longer ours
    /// and was left alone, with [`Status::Io`] the removal may not survive a power loss.
    pub fn release(&mut self) -> Result<()> {
        self.release_in(Process::current())
    }

    /// The same in the process that asks.
    pub(crate) fn release_in(&mut self, process: Process) -> Result<()> {
        const OPERATION: &str = "lock release";
        let held = self.ours(process)?;
        let (marker, companion) = held.what_is_ours(OPERATION, Descriptors::Both)?;
        let lost = (!marker || !companion).then(|| held.lost(OPERATION, marker, companion));
        if marker && !held.leaked {
            let removed = held.site.directory().remove(held.site.marker());
            removed.map_err(|error| {
                Error::io("marker remove", &held.site.path_of(held.site.marker()), &error)
            })?;
        }
        // From here on the lock ends, whatever fails.
        let Some(held) = self.held.take() else { return Ok(()) };
        let finished = held.finish_release(marker, companion);
        sys::Watcher::close_parked();
        lost.map_or(finished, Err)
    }

    /// Whether the lock has ended.
    #[must_use]
    pub fn is_released(&self) -> bool {
        self.held.is_none()
    }

    /// Whether this process acquired it; false in a forked child.
    #[must_use]
    pub fn belongs_to_this_process(&self) -> bool {
        self.process.is_current()
    }

    /// What the marker says.
    #[must_use]
    pub fn marker(&self) -> &Marker {
        &self.marker
    }

    /// The digest of the marker's bytes.
    #[must_use]
    pub fn marker_digest(&self) -> Digest {
        Digest::of(self.marker.render().as_bytes())
    }

    /// The process that acquired it.
    pub(crate) fn process(&self) -> Process {
        self.process
    }

    /// The marker's absolute path, as of when the lock was acquired.
    #[must_use]
    pub fn marker_path(&self) -> &Path {
        &self.marker_path
    }

    /// The companion's absolute path, as of when the lock was acquired.
    #[must_use]
    pub fn companion_path(&self) -> PathBuf {
        let mut path = self.marker_path.clone().into_os_string();
        path.push(COMPANION_SUFFIX);
        path.into()
    }

    fn ours(&self, process: Process) -> Result<&Held> {
        if self.process != process {
            let message = format!(
                "the lock on {} belongs to process {}; a forked child has no part in it",
                quote_path(&self.marker_path),
                self.process.pid()
            );
            return Err(Error::new(Status::Forked, "handle check", message));
        }
        self.held.as_ref().ok_or_else(|| {
            let message =
                format!("the lock on {} was released before", quote_path(&self.marker_path));
            Error::new(Status::BadHandle, "handle check", message)
        })
    }
}

/// The descriptors that are looked at, besides both names.
#[derive(Debug, Clone, Copy)]
enum Descriptors {
    /// Before anything is removed.
    Both,
    /// Exclusion hangs on the companion's lock alone: whoever closes the marker's descriptor lets
    /// nobody in.
    OfCompanion,
}

impl Held {
    /// Whether marker and companion are still ours, by device and inode, against the descriptors
    /// that are open: while they are, neither inode number can be in use for another file. (A
    /// program may have closed descriptors that are not its own; then the lock is gone.)
    ///
    /// The descriptors are those of [`Descriptors`].
    fn what_is_ours(
        &self,
        operation: &'static str,
        descriptors: Descriptors,
    ) -> Result<(bool, bool)> {
        let site = &self.site;
        let io_error = |name, error| site.io_error(operation, name, &error);
        let marker_is_open = match descriptors {
            Descriptors::Both => self.marker.is_still_open(),
            Descriptors::OfCompanion => Ok(true),
        };
        let marker_is_open = marker_is_open.map_err(|error| io_error(site.marker(), error))?;
        let companion_is_open = self.companion.is_still_open();
        let companion_is_open =
            companion_is_open.map_err(|error| io_error(site.companion(), error))?;
        let is_there =
            |name, id: FileId| site.stands_at(name, id).map_err(|error| io_error(name, error));
        let marker = marker_is_open && is_there(site.marker(), self.marker.id())?;
        let companion = companion_is_open && is_there(site.companion(), self.companion.facts().id)?;
        Ok((marker, companion))
    }

    fn lost(&self, operation: &'static str, marker: bool, companion: bool) -> Error {
        let what = match (marker, companion) {
            (false, false) => "marker and companion are",
            (false, true) => "the marker is",
            _ => "the companion is",
        };
        let message = format!(
            "{what} gone or no longer ours at {}; what is not ours is left alone",
            quote_path(self.site.path().given())
        );
        inspect::with_state(&self.site, Error::new(Status::Lost, operation, message))
    }

    /// The marker is removed, or stays: the rest of the release.
    fn finish_release(self, marker_was_ours: bool, companion_is_ours: bool) -> Result<()> {
        let Held { site, marker, companion, durability, leaked, .. } = self;
        if leaked {
            return Ok(());
        }
        let synced = if marker_was_ours && durability == Durability::Full {
            site.sync_directory("release directory sync").map_err(|error| {
                error.and_note(
                    "the lock is released, but its marker may come back after a power loss",
                )
            })
        } else {
            Ok(())
        };
        if !companion_is_ours {
            drop((marker, companion));
            return synced;
        }
        let removed = companion.remove(&site).map_err(|error| {
            Error::io("companion remove", &site.path_of(site.companion()), &error)
                .and_note("the lock is released and its marker removed; the companion stays")
        });
        drop(marker);
        match (synced, removed) {
            (Err(unsynced), Err(_)) => Err(unsynced.and_note("the companion stays")),
            (synced, removed) => synced.and(removed.map(drop)),
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        if self.held.is_none() {
            return;
        }
        let process = Process::current();
        if self.process != process {
            // A copy: the descriptors are closed by the fork handlers, or the parent's own.
            std::mem::forget(self.held.take());
        } else if !std::thread::panicking() {
            // Nobody is there to hear; a failure leaves the marker, as a crash would.
            let _ = self.release_in(process);
        }
    }
}

/// The process that asks. In one made by raw `clone` or `vfork` no lock can be kept from later
/// children.
pub(crate) fn process_that_may_lock() -> Result<Process> {
    let process = Process::current();
    if process.bypassed_the_fork_handlers() {
        let message = "this process was made by clone or vfork, which bypass the fork handlers; use fork, or exec first";
        return Err(Error::new(Status::Forked, "process check", message));
    }
    Ok(process)
}
