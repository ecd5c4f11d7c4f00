// SPDX-License-Identifier: MIT OR Apache-2.0
//! Acquiring: one attempt, and more of them while there is somebody to wait for.

use std::time::{Duration, Instant};

use crate::claim::{Claim, Companion};
use crate::error::{Error, Result, Status};
use crate::inspect::{self, Holder, Inspection, inspect_site, marker_exists};
use crate::options::MarkerDraft;
use crate::publish::{FreshMarker, PublishedMarker};
use crate::site::{ATTEMPTS, Site};
use crate::state::MarkerState;
use crate::sys::{self, Access};

fn is_worth_waiting_for(error: &Error) -> bool {
    match error.status() {
        Status::Contended => true,
        Status::MarkerExists => {
            matches!(error.marker_state(), Some(MarkerState::Held | MarkerState::HeldByThisProcess))
        }
        _ => false,
    }
}

/// One attempt, and more until the timeout while there is something to wait for.
pub(crate) fn acquire_in_time(
    site: &Site,
    draft: &MarkerDraft<'_>,
) -> Result<(Companion, PublishedMarker)> {
    const SHORTEST_PAUSE: Duration = Duration::from_millis(1);
    const LONGEST_PAUSE: Duration = Duration::from_millis(100);
    let start = Instant::now();
    let mut pause = SHORTEST_PAUSE;
    let mut marker_was_there = false;
    let mut watcher = sys::Watcher::default();
    loop {
        let error = match acquire_once(site, draft) {
            Ok(acquired) => {
                watcher.park();
                return Ok(acquired);
            }
            Err(error) => error,
        };
        let left = draft.options().timeout.saturating_sub(start.elapsed());
        if left.is_zero() || !is_worth_waiting_for(&error) {
            return Err(inspect::with_state(site, error));
        }
        let marker_is_there = error.status() == Status::MarkerExists;
        // Between a holder and the next one the waits are short again.
        if marker_was_there && !marker_is_there {
            pause = SHORTEST_PAUSE;
        }
        marker_was_there = marker_is_there;
        let went_away = marker_is_there
            && watcher.wait_until_removed(site.directory(), site.marker(), pause.min(left));
        if !marker_is_there {
            std::thread::sleep(pause.min(left));
        }
        pause = if went_away { SHORTEST_PAUSE } else { (pause * 2).min(LONGEST_PAUSE) };
    }
}

fn acquire_once(site: &Site, draft: &MarkerDraft<'_>) -> Result<(Companion, PublishedMarker)> {
    let companion = match Companion::claim_unless(site, || look_for_holder(site))? {
        Claim::Granted(companion) => companion,
        Claim::Needless(holder) => return Err(marker_exists(site, &holder)),
        Claim::Refused => return Err(refusal_by_a_holder(site)?),
    };
    match publish_unless_there_is_a_marker(site, draft) {
        Ok(published) => Ok((companion, published)),
        Err(error) => {
            companion.remove_unless_it_guards_a_marker(site);
            Err(error)
        }
    }
}

fn publish_unless_there_is_a_marker(
    site: &Site,
    draft: &MarkerDraft<'_>,
) -> Result<PublishedMarker> {
    if let Some(inspection) = look_for_marker(site)? {
        return Err(marker_exists(site, &inspection));
    }
    let durability = draft.options().durability;
    let marker = draft.marker(site.process())?;
    let fresh = FreshMarker::write(site, &marker.render(), durability)?;
    match fresh.publish(site, durability) {
        Ok(file) => Ok(PublishedMarker { file, marker }),
        Err(error) if error.status() == Status::MarkerExists => Err(match look_for_marker(site)? {
            Some(inspection) => marker_exists(site, &inspection),
            None => inspect::contended(site.path(), "lock acquire", &Inspection::ABSENT)
                .with_os_error_of(&error),
        }),
        Err(error) => Err(error),
    }
}

/// A marker in place whose own lock somebody has exclusively, seen without the companion's lock.
///
/// That alone makes it held, and no inspector can cause it, because inspectors share: the refused
/// try for the companion then decides nothing, and need not be repeated. But a quarantine has both
/// locks for a moment, of a dead process's marker; so the tries are repeated unless a process with
/// the marker's number lives here. The number decides nothing else.
fn look_for_holder(site: &Site) -> Result<Option<Inspection>> {
    let seen = look_for_marker(site)?;
    Ok(seen.filter(|seen| {
        let is_held = matches!(seen.state, MarkerState::Held | MarkerState::HeldByThisProcess);
        is_held && seen.marker().is_some_and(|marker| sys::is_running(marker.pid))
    }))
}

/// The marker as it stands by its own lock.
fn look_for_marker(site: &Site) -> Result<Option<Inspection>> {
    for _ in 0..ATTEMPTS {
        let Some((file, facts)) = site.open_marker(Access::Read)? else { return Ok(None) };
        let holder = Holder::of(site, &file, &facts);
        let holder = holder.map_err(|error| site.io_error("marker lock", site.marker(), &error))?;
        let snapshot = inspect::read_snapshot(site, &file)?;
        // A holder whose companion somebody deleted may have released it since it was opened.
        if site.is_at(site.marker(), &facts)? {
            let state = inspect::state_of(holder, snapshot.as_ref());
            return Ok(Some(Inspection { state, snapshot }));
        }
    }
    Err(inspect::kept_changing(site.path(), "lock acquire"))
}

/// The companion is somebody else's: who is it?
fn refusal_by_a_holder(site: &Site) -> Result<Error> {
    let inspection = inspect_site(site)?;
    Ok(match inspection.state {
        MarkerState::Absent => inspect::contended(site.path(), "lock acquire", &inspection),
        _ => marker_exists(site, &inspection),
    })
}
