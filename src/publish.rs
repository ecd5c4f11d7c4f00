// SPDX-License-Identifier: MIT OR Apache-2.0
//! Putting a marker in place so that it is absent or whole at every moment, even after a power cut.
//!
//! Written under another name, synced, renamed without overwriting, directory synced: rename is
//! atomic, and fsync(2) says that a file's entry in its directory needs a sync of its own. The
//! other name is fixed, because only the holder of the companion publishes.

use std::io;

use crate::claim::{Try, lock_exclusively};
use crate::error::{Error, Result, Status, quote_path};
use crate::marker::Marker;
use crate::site::{ATTEMPTS, OpenedFile, Site};
use crate::sys::{
    Access, FileFacts, FileId, LockFile,
    fork::{self, Process},
};

/// How much a lock or a removal survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// Process death and power loss.
    #[default]
    Full,
    /// Process death; nothing of the lock is synced, a takeover's evidence always.
    ProcessCrash,
}

/// A marker's own open file, locked, and known to this process as held by it. That begins before
/// the marker is visible and ends after its lock did, so that nobody in this process takes it for
/// another's.
#[derive(Debug)]
pub(crate) struct MarkerFile {
    file: LockFile,
    facts: FileFacts,
    process: Process,
}

impl MarkerFile {
    fn new(process: Process, (file, facts): OpenedFile) -> MarkerFile {
        fork::note_held(process, facts.id);
        MarkerFile { file, facts, process }
    }

    /// Whether the descriptor still is what it was opened as.
    pub(crate) fn is_still_open(&self) -> io::Result<bool> {
        self.file.is_still(self.facts.id)
    }

    pub(crate) fn id(&self) -> FileId {
        self.facts.id
    }
}

impl Drop for MarkerFile {
    fn drop(&mut self) {
        if self.process.is_still_current() {
            self.file.unlock();
            fork::forget_held(self.facts.id);
        }
    }
}

/// A marker in place, its file open and locked.
#[derive(Debug)]
pub(crate) struct PublishedMarker {
    pub(crate) file: MarkerFile,
    pub(crate) marker: Marker,
}

/// `PATH.new`: a marker that is written, locked and (with full durability) synced, not yet in place.
#[derive(Debug)]
pub(crate) struct FreshMarker(MarkerFile);

impl FreshMarker {
    /// Writes `PATH.new`. The caller holds the companion.
    pub(crate) fn write(site: &Site, text: &str, durability: Durability) -> Result<FreshMarker> {
        let fresh = FreshMarker(MarkerFile::new(site.process(), create(site)?));
        match fresh.claim(site) {
            Ok(true) => {}
            Ok(false) => return Err(fresh.discard(site, in_use(site))),
            Err(error) => return Err(fresh.discard(site, error)),
        }
        match fill(site, &fresh.0.file, text, durability) {
            Ok(()) => Ok(fresh),
            Err(error) => Err(fresh.discard(site, error)),
        }
    }

    /// Locks the file that was created, and sees that it is still at `PATH.new`.
    ///
    /// Where somebody deleted the companion, another publisher may take a file that is not locked
    /// yet for a leftover, remove it, and create its own: renaming that one would show a marker
    /// before it is written.
    fn claim(&self, site: &Site) -> Result<bool> {
        let locked = lock_exclusively(&self.0.file)
            .map_err(|error| site.io_error("marker lock", site.fresh(), &error))?;
        Ok(locked == Try::Granted && site.is_at(site.fresh(), &self.0.facts)?)
    }

    /// Renames it to the marker's name, overwriting nothing, and makes that durable.
    ///
    /// [`Status::MarkerExists`] if somebody put a marker there without holding the companion.
    pub(crate) fn publish(self, site: &Site, durability: Durability) -> Result<MarkerFile> {
        match self.put_in_place(site, durability) {
            Ok(()) => Ok(self.0),
            Err(error) => Err(self.discard(site, error)),
        }
    }

    /// Removes whatever names this file has; what stands at them by now may be another's. Gives
    /// the error back, with a note if the marker could not be removed. A `PATH.new` that stays is
    /// removed by the next acquire.
    pub(crate) fn discard(self, site: &Site, error: Error) -> Error {
        let _ = site.remove_if_same_file(site.fresh(), self.0.id());
        match site.remove_if_same_file(site.marker(), self.0.id()) {
            Ok(_) => error,
            Err(_) if site.is_at(site.marker(), &self.0.facts).is_ok_and(|there| !there) => error,
            Err(_) => error.and_note(
                "the new marker may stand all the same, as it could not be removed; nobody holds it",
            ),
        }
    }

    fn put_in_place(&self, site: &Site, durability: Durability) -> Result<()> {
        const OPERATION: &str = "marker publish";
        let renamed = site.directory().publish_without_overwrite(site.fresh(), site.marker());
        renamed.map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => {
                let path = quote_path(site.path().given());
                let message = format!("another program put a marker at {path} at the last moment");
                Error::new(Status::MarkerExists, OPERATION, message).with_os_error(&error)
            }
            _ => site.io_error(OPERATION, site.marker(), &error),
        })?;
        // Somebody may have deleted the companion and published at the same time under another one.
        if !site.is_at(site.marker(), &self.0.facts)? {
            let path = quote_path(site.path().given());
            let message = format!("marker {path} was replaced while it was being published");
            return Err(Error::new(Status::Contended, OPERATION, message));
        }
        if durability == Durability::Full {
            site.sync_directory("marker directory sync")?;
        }
        Ok(())
    }
}

/// Creates `PATH.new`, after a crashed publisher's was removed.
fn create(site: &Site) -> Result<OpenedFile> {
    for _ in 0..ATTEMPTS {
        match site.create_new(site.fresh()) {
            Ok(created) => return Ok(created),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => remove_leftover(site)?,
            Err(error) => return Err(site.io_error("new marker create", site.fresh(), &error)),
        }
    }
    Err(in_use(site))
}

fn remove_leftover(site: &Site) -> Result<()> {
    const OPERATION: &str = "new marker cleanup";
    let fresh = site.fresh();
    let io_error = |error: io::Error| site.io_error(OPERATION, fresh, &error);
    let Some(facts) = site.directory().facts_at(fresh).map_err(io_error)? else { return Ok(()) };
    if facts.is_directory {
        let path = quote_path(&site.path_of(fresh));
        let message = format!("{path} is a directory, where a new marker is to be written");
        return Err(Error::new(Status::NotRegularFile, OPERATION, message));
    }
    // A live publisher whose companion somebody deleted has it locked; it is opened for writing
    // because NFS wants that for an exclusive lock. Anything else at this reserved name loses the
    // name, and so does what may not be opened: what it points to is not touched.
    let leftover = if facts.is_regular {
        match site.directory().open_file(fresh, Access::ReadWrite) {
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => None,
            Err(error) => return Err(io_error(error)),
            // Gone since the look.
            Ok(None) => return Ok(()),
            opened => opened.map_err(io_error)?,
        }
    } else {
        None
    };
    let mut id = facts.id;
    if let Some(leftover) = &leftover {
        if lock_exclusively(leftover).map_err(io_error)? == Try::Refused {
            return Err(in_use(site));
        }
        // What was locked, which need not be what was seen before.
        id = leftover.facts().map_err(io_error)?.id;
    }
    site.remove_if_same_file(fresh, id).map(drop).map_err(io_error)
}

fn in_use(site: &Site) -> Error {
    let path = quote_path(&site.path_of(site.fresh()));
    Error::new(
        Status::Contended,
        "new marker create",
        format!("{path} is in use by another process"),
    )
}

fn fill(site: &Site, file: &LockFile, text: &str, durability: Durability) -> Result<()> {
    let fresh = site.fresh();
    file.write_all(text.as_bytes())
        .map_err(|error| site.io_error("marker write", fresh, &error))?;
    if durability == Durability::Full {
        // Never retried: after a failed fsync the kernel counts the pages as clean.
        file.sync().map_err(|error| site.io_error("marker sync", fresh, &error))?;
    }
    file.end_writing();
    Ok(())
}
