// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold in every state, and what must be possible at all.

use stateright::Property;

use super::filesystem::{FileSystem, Name, TORN};
use super::inspector::Look;
use super::process::{Call, Held, Next};
use super::protocol::{Protocol, State, begin, inspect, step};
use super::step::Choice;

pub(crate) const ONE_HOLDER: &str = "there is at most one holder";
pub(crate) const IN_PLACE: &str = "a live holder's marker is never moved, replaced or removed";
pub(crate) const ONE_AT_WORK: &str = "the companion lets one process work at a time";
pub(crate) const EVIDENCE: &str =
    "evidence is never lost, overwritten or put beside another marker";
pub(crate) const WHOLE: &str = "a marker is whole or absent";
pub(crate) const TRUE_WORD: &str = "an inspector never calls a live holder's marker stale";
pub(crate) const NO_DEAD_END: &str = "from everywhere an operator can get the store locked again";

pub(crate) fn of(rules: &Protocol) -> Vec<Property<Protocol>> {
    let mut properties = vec![
        Property::always(ONE_HOLDER, |_, state: &State| {
            state.processes.iter().filter(|process| process.holds()).count() <= 1
        }),
        Property::always(IN_PLACE, |_, state: &State| {
            let marker = state.files.at(Name::Marker);
            state.processes.iter().all(|process| !process.holds() || process.own == marker)
        }),
        Property::always(EVIDENCE, |_, state: &State| evidence_stands(state)),
        Property::always(WHOLE, |_, state: &State| {
            state.files.content_at(Name::Marker) != Some(TORN)
        }),
        Property::always(TRUE_WORD, |_, state: &State| !state.misjudged),
        Property::always(NO_DEAD_END, can_be_locked_again),
    ];
    // Whoever deletes the companion takes this very protection away; the others must do then.
    if rules.deletions == 0 {
        properties.push(Property::always(ONE_AT_WORK, |_, state: &State| {
            state.processes.iter().filter(|process| process.at_work).count() <= 1
        }));
    }
    properties
}

fn evidence_stands(state: &State) -> bool {
    let files = &state.files;
    let matches = |stale: u8| match files.content_at(Name::Stale(stale)) {
        Some(content) => files.evidence(stale) == Some(content),
        None => true,
    };
    let is_somewhere = |generation: u8| {
        let stale = |stale| files.content_at(Name::Stale(stale)) == Some(generation);
        files.content_at(Name::Marker) == Some(generation) || FileSystem::stale_names().any(stale)
    };
    let bequeathed = (0..16).filter(|generation| state.bequeathed & (1 << generation) != 0);
    FileSystem::stale_names().all(matches) && bequeathed.into_iter().all(is_somewhere)
}

/// Every call under way ends by itself; then an operator who reads, attests, quarantines and
/// acquires, alone, succeeds. So there is a way on from everywhere, and a short one.
fn can_be_locked_again(rules: &Protocol, state: &State) -> bool {
    let mut state = State { faults: 0, ..*state };
    while state.inspector.next != Look::Idle {
        inspect(rules, &mut state);
    }
    (0..state.processes.len()).all(|id| comes_to_rest(rules, &mut state, id))
        && no_marker_is_left(rules, &mut state)
        && acquires(rules, &mut state)
}

/// No call takes more system calls than this when nobody gets in its way.
const MOST_STEPS: usize = 60;

fn comes_to_rest(rules: &Protocol, state: &mut State, id: usize) -> bool {
    for _ in 0..MOST_STEPS {
        match state.processes[id].next {
            Next::Idle => return true,
            Next::Holding => state.processes[id].next = Next::CheckOwnMarker,
            Next::Dying => {
                let State { files, processes, .. } = state;
                for held in Held::ALL {
                    processes[id].close(held, files, id as u8);
                }
                processes[id].rest();
            }
            _ => {
                // Tries end, and so they do here, as soon as they may.
                if step(rules, state, id, Choice::GiveUp).is_none() {
                    step(rules, state, id, Choice::Go);
                }
            }
        }
    }
    false
}

fn no_marker_is_left(rules: &Protocol, state: &mut State) -> bool {
    if let Some(marker) = state.files.content_at(Name::Marker) {
        state.processes[0].attested = Some(marker);
        begin(&mut state.processes[0], Call::Quarantine);
        if !comes_to_rest(rules, state, 0) {
            return false;
        }
    }
    state.files.at(Name::Marker).is_none()
}

fn acquires(rules: &Protocol, state: &mut State) -> bool {
    state.processes[0].acquires = 1;
    begin(&mut state.processes[0], Call::Acquire);
    for _ in 0..MOST_STEPS {
        if matches!(state.processes[0].next, Next::Holding | Next::Idle) {
            break;
        }
        step(rules, state, 0, Choice::Go);
    }
    state.processes[0].next == Next::Holding
}
