// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looking at a marker without changing anything on disk.

use std::io::{self, Read};
use std::path::Path;

use crate::attestation;
use crate::error::{Error, Result, Status, quote_path, quote_text};
use crate::marker::{MAX_DIGESTED_BYTES, MAX_MARKER_BYTES, Marker, MarkerSnapshot};
use crate::marker_path::MarkerPath;
use crate::site::{ATTEMPTS, Site};
use crate::state::MarkerState;
use crate::sys::{
    Access, FileFacts, LockFile,
    fork::{self, Process},
};

/// What [`inspect`] saw.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// How the marker stands.
    pub state: MarkerState,
    /// The marker's digest and fields; `None` if there is no marker, or it is over 1 MiB.
    pub snapshot: Option<MarkerSnapshot>,
}

impl Inspection {
    pub(crate) const ABSENT: Inspection = Inspection { state: MarkerState::Absent, snapshot: None };

    /// The marker's fields, if they can be read.
    #[must_use]
    pub fn marker(&self) -> Option<&Marker> {
        self.snapshot.as_ref().and_then(|snapshot| snapshot.parsed.as_ref().ok())
    }
}

/// Tells how a marker stands. Changes nothing on disk and waits for nobody.
///
/// Absent and malformed are states, not errors. The OS locks are tried shared, for an instant; an
/// acquire that meets such a try repeats its own.
pub fn inspect(marker_path: &Path) -> Result<Inspection> {
    inspect_site(&Site::open(Process::current(), MarkerPath::parse(marker_path)?)?)
}

pub(crate) fn inspect_site(site: &Site) -> Result<Inspection> {
    for _ in 0..ATTEMPTS {
        if let Some(inspection) = inspect_once(site)? {
            return Ok(inspection);
        }
    }
    Err(kept_changing(site.path(), "marker inspection"))
}

/// `None` if a file was replaced meanwhile, so that what was seen belongs to no single moment.
fn inspect_once(site: &Site) -> Result<Option<Inspection>> {
    let Some((marker, marker_facts)) = site.open_marker(Access::Read)? else {
        return Ok(Some(Inspection::ABSENT));
    };
    let companion = site.open_companion()?;

    // Asked before the locks are tried: see Holder::of.
    let ours = fork::is_held_by(site.process(), marker_facts.id);
    let companion_is_held = companion.as_ref().map_or(Ok(false), |(file, _)| is_held(file));
    let companion_is_held = companion_is_held
        .map_err(|error| site.io_error("companion lock", site.companion(), &error))?;
    let marker_is_held =
        is_held(&marker).map_err(|error| site.io_error("marker lock", site.marker(), &error))?;
    let holder = Holder::told(companion_is_held || marker_is_held, ours);
    let snapshot = read_snapshot(site, &marker);

    // Both locks are given back before the answer is believed: the files must still be the ones at
    // their paths.
    marker.unlock();
    let companion_facts = companion.map(|(file, facts)| {
        file.unlock();
        facts
    });
    let companion_is_current = match companion_facts {
        Some(facts) => site.is_at(site.companion(), &facts)?,
        None => site
            .directory()
            .facts_at(site.companion())
            .map_err(|error| site.io_error("companion status", site.companion(), &error))?
            .is_none(),
    };
    if !companion_is_current || !site.is_at(site.marker(), &marker_facts)? {
        return Ok(None);
    }
    let snapshot = snapshot?;
    Ok(Some(Inspection { state: state_of(holder, snapshot.as_ref()), snapshot }))
}

/// Whether somebody has the lock exclusively. Leaves this file with a share of it if not.
fn is_held(file: &LockFile) -> io::Result<bool> {
    file.try_lock_shared().map(|granted| !granted)
}

/// Who has a marker's OS lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holder {
    Nobody,
    ThisProcess,
    AnotherProcess,
}

impl Holder {
    /// Tries the marker's own lock. A marker is this process's from before it is visible until
    /// after it is unlocked, so that is asked first.
    pub(crate) fn of(site: &Site, marker: &LockFile, facts: &FileFacts) -> io::Result<Holder> {
        let ours = fork::is_held_by(site.process(), facts.id);
        Ok(Holder::told(is_held(marker)?, ours))
    }

    fn told(is_held: bool, ours: bool) -> Holder {
        match is_held {
            false => Holder::Nobody,
            true if ours => Holder::ThisProcess,
            true => Holder::AnotherProcess,
        }
    }
}

/// Held wins over malformed: a holder is at work, whatever its marker says.
pub(crate) fn state_of(holder: Holder, snapshot: Option<&MarkerSnapshot>) -> MarkerState {
    match holder {
        Holder::ThisProcess => MarkerState::HeldByThisProcess,
        Holder::AnotherProcess => MarkerState::Held,
        Holder::Nobody if snapshot.is_some_and(|snapshot| snapshot.parsed.is_ok()) => {
            MarkerState::Stale
        }
        Holder::Nobody => MarkerState::Malformed,
    }
}

/// Reads an open marker; `None` if it is over 1 MiB. Nothing is read twice, so that digest and
/// fields speak of the same bytes.
pub(crate) fn read_snapshot(site: &Site, marker: &LockFile) -> Result<Option<MarkerSnapshot>> {
    MarkerSnapshot::read(marker)
        .map_err(|error| site.io_error("marker read", site.marker(), &error))
}

/// `None` if there is more.
pub(crate) fn read_at_most(file: &LockFile, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::with_capacity(MAX_MARKER_BYTES);
    file.take(limit + 1).read_to_end(&mut bytes)?;
    Ok((bytes.len() as u64 <= limit).then_some(bytes))
}

/// The marker's raw bytes, up to 1 MiB, whoever owns it. Takes no lock.
///
/// # Errors
///
/// [`Status::MarkerAbsent`] if there is none, [`Status::TooLarge`] if it is over 1 MiB.
pub fn read_marker(marker_path: &Path) -> Result<Vec<u8>> {
    let site = Site::open(Process::current(), MarkerPath::parse(marker_path)?)?;
    let marker = site.open_marker_of_anybody(Access::Read)?;
    let (marker, _) = marker.ok_or_else(|| marker_absent(site.path(), "marker read"))?;
    let bytes = read_at_most(&marker, MAX_DIGESTED_BYTES)
        .map_err(|error| site.io_error("marker read", site.marker(), &error))?;
    bytes.ok_or_else(|| marker_too_large(&site, "marker read"))
}

/// The payload of a takeover attestation for the marker on disk, held or stale, to be signed.
///
/// `deployment_id` may be `None` for the marker's own; a malformed marker has none. The window
/// begins 300 s before `now_unix_ns` (0: the system clock) and ends `valid_for_seconds` (1 to
/// 86,400) after it.
pub fn build_takeover(
    marker_path: &Path,
    deployment_id: Option<&str>,
    public_key: &[u8],
    justification: &str,
    valid_for_seconds: u32,
    now_unix_ns: i64,
) -> Result<Vec<u8>> {
    let bytes = read_marker(marker_path)?;
    let snapshot = MarkerSnapshot::of(&bytes);
    attestation::takeover_payload(
        &snapshot,
        deployment_id,
        public_key,
        justification,
        valid_for_seconds,
        now_unix_ns,
    )
}

/// Adds the marker's state to an error of the kind that has one, where it was not told before.
pub(crate) fn with_state(site: &Site, error: Error) -> Error {
    let wants_one = matches!(
        error.status(),
        Status::MarkerExists | Status::Contended | Status::MarkerAbsent | Status::Lost
    );
    if !wants_one || error.marker_state().is_some() {
        return error;
    }
    match inspect_site(site) {
        Ok(found) => error.with_marker_state(found.state),
        Err(_) => error,
    }
}

pub(crate) fn kept_changing(path: &MarkerPath, operation: &'static str) -> Error {
    let message =
        format!("marker {} or its companion changed at every look", quote_path(path.given()));
    Error::new(Status::Contended, operation, message)
}

pub(crate) fn marker_absent(path: &MarkerPath, operation: &'static str) -> Error {
    let message = format!("there is no marker {}", quote_path(path.given()));
    Error::new(Status::MarkerAbsent, operation, message).with_marker_state(MarkerState::Absent)
}

pub(crate) fn marker_too_large(site: &Site, operation: &'static str) -> Error {
    let message =
        format!("marker {} is over {MAX_DIGESTED_BYTES} bytes", quote_path(site.path().given()));
    Error::new(Status::TooLarge, operation, message)
}

/// Why an acquire is refused: who left the marker, and what to do.
pub(crate) fn marker_exists(site: &Site, inspection: &Inspection) -> Error {
    let message = describe(site.path(), inspection);
    Error::new(Status::MarkerExists, "lock acquire", message).with_marker_state(inspection.state)
}

/// Why a call is refused by somebody else's OS lock.
pub(crate) fn contended(
    path: &MarkerPath,
    operation: &'static str,
    inspection: &Inspection,
) -> Error {
    let message = match inspection.state {
        MarkerState::Held | MarkerState::HeldByThisProcess => describe(path, inspection),
        // Whoever it was has gone since, or looks at the marker without an end.
        _ => format!(
            "another process was at marker {} at this moment; try again",
            quote_path(path.given())
        ),
    };
    Error::new(Status::Contended, operation, message).with_marker_state(inspection.state)
}

fn describe(path: &MarkerPath, inspection: &Inspection) -> String {
    let marker = quote_path(path.given());
    let who = match inspection.marker() {
        Some(marker) => format!(
            "process {} on host {} since {}",
            marker.pid,
            quote_text(&marker.host),
            marker.acquired_at
        ),
        None => "an unknown process".to_owned(),
    };
    match inspection.state {
        MarkerState::Absent => format!("marker {marker} was gone at the next look; try again"),
        MarkerState::HeldByThisProcess => {
            format!("marker {marker} is held by this very process since {}", since(inspection))
        }
        MarkerState::Held => {
            format!("marker {marker} is held by {who}; nobody may take over, so wait until it ends")
        }
        MarkerState::Stale => format!(
            "marker {marker} is stale: it was left by {who}, which holds no lock any more; take over only with an operator's signed attestation"
        ),
        MarkerState::Malformed => format!(
            "marker {marker} cannot be parsed and nobody holds it; it is quarantined only with a signed attestation that names its digest"
        ),
    }
}

fn since(inspection: &Inspection) -> &str {
    inspection.marker().map_or("an unknown time", |marker| &marker.acquired_at)
}
