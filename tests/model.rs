// SPDX-License-Identifier: MIT OR Apache-2.0
//! The locking protocol as a model, checked exhaustively: every order in which the system calls of
//! three processes and an inspector can follow each other, with crashes anywhere.
//!
//! `CRTX_MODEL=large` adds larger configurations; `-- --nocapture` prints how many states each has.
//! docs/model has the same protocol in Promela, written independently, and says what is modelled.

use std::collections::{BTreeSet, HashSet, VecDeque};

use model::mutants::Mutant::{self, *};
use model::properties::{
    EVIDENCE, IN_PLACE, NO_DEAD_END, ONE_AT_WORK, ONE_HOLDER, TRUE_WORD, WHOLE,
};
use model::protocol::Protocol;
use model::reference::Reference;
use stateright::{Checker, HasDiscoveries, Model};

mod model {
    pub(crate) mod canonical;
    pub(crate) mod claim;
    pub(crate) mod filesystem;
    pub(crate) mod inspector;
    pub(crate) mod mutants;
    pub(crate) mod process;
    pub(crate) mod properties;
    pub(crate) mod protocol;
    pub(crate) mod publish;
    pub(crate) mod reference;
    pub(crate) mod release;
    pub(crate) mod stale;
    pub(crate) mod step;
}

/// Three contenders, and nothing else happens.
const CONTEST: Protocol = Protocol {
    acquires: [1, 1, 1],
    attestations: [0, 0, 0],
    crashes: 0,
    deletions: 0,
    faults: 0,
    inspections: 0,
    leaks: false,
    links: false,
    mutants: &[],
};
/// The second and the third are operators, each with an attestation, which may be old.
const OPERATORS: Protocol = Protocol { attestations: [0, 1, 1], ..CONTEST };
/// The third only moves stale markers aside.
const QUARANTINE: Protocol = Protocol { acquires: [1, 1, 0], crashes: 1, ..OPERATORS };

/// Checks every property in every state, and that the model has not become smaller than it was:
/// a check of nothing finds nothing.
fn holds_everywhere(name: &str, protocol: Protocol, at_least: usize) {
    let checker = protocol.checker().finish_when(HasDiscoveries::AnyFailures).spawn_bfs().join();
    let states = checker.unique_state_count();
    println!("{name}: {states} states, the farthest after {} steps", checker.max_depth());
    let mut broken = checker.discoveries().into_iter();
    if let Some((property, path)) = broken.next() {
        panic!("{name}: not true that {property}:\n{:#?}", path.into_actions());
    }
    assert!(states >= at_least, "{name}: {states} states, where there were {at_least}");
}

#[test]
fn the_lock_holds_with_a_crash_an_inspector_and_two_operators() {
    let protocol = Protocol { inspections: 1, ..QUARANTINE };
    holds_everywhere("crash, inspector, two operators", protocol, 3_300_000);
}

#[test]
fn the_lock_holds_among_three_contenders_of_which_two_crash() {
    let protocol = Protocol { crashes: 2, ..OPERATORS };
    holds_everywhere("three contenders, two crashes", protocol, 1_300_000);
}

#[test]
fn a_live_holder_is_safe_when_somebody_deletes_the_companion() {
    let contest = Protocol { deletions: 1, ..OPERATORS };
    holds_everywhere("companion deleted", contest, 500_000);
    let crash = Protocol { deletions: 1, ..QUARANTINE };
    holds_everywhere("companion deleted, crash", crash, 330_000);
    let inspected = Protocol { acquires: [0, 1, 0], inspections: 1, ..crash };
    holds_everywhere("companion deleted, crash, inspector", inspected, 130_000);
}

#[test]
fn evidence_survives_failing_syncs_and_markers_left_on_purpose() {
    let protocol = Protocol { faults: 1, leaks: true, ..QUARANTINE };
    holds_everywhere("failing sync, markers left", protocol, 300_000);
}

#[test]
fn the_lock_holds_where_a_marker_can_only_be_linked_into_place() {
    let protocol = Protocol { crashes: 1, links: true, ..OPERATORS };
    holds_everywhere("link and unlink", protocol, 480_000);
}

#[test]
fn the_lock_holds_in_the_large_model_too() {
    if std::env::var("CRTX_MODEL").as_deref() != Ok("large") {
        println!("skipped: set CRTX_MODEL=large");
        return;
    }
    let crash = Protocol { crashes: 1, ..OPERATORS };
    let deletion = Protocol { deletions: 1, ..crash };
    holds_everywhere("three contenders, crash, companion deleted", deletion, 3_200_000);
    let faults = Protocol { faults: 1, leaks: true, ..crash };
    holds_everywhere("three contenders, crash, failing sync, markers left", faults, 3_000_000);
    let inspector = Protocol { inspections: 1, ..crash };
    holds_everywhere("three contenders, crash, inspector", inspector, 10_000_000);
}

/// Every step that the code has is taken somewhere, the rare ones too.
#[test]
fn no_step_of_the_model_is_out_of_reach() {
    let calm = Protocol { attestations: [0, 1, 1], deletions: 1, faults: 1, ..QUARANTINE };
    let mut seen = steps_taken(&calm);
    seen.extend(steps_taken(&Protocol { links: true, deletions: 0, faults: 0, ..calm }));
    for rare in [
        "CloseOutdatedCompanion",
        "CloseOutdatedMarker",
        "CloseSeenMarker",
        "CloseLeftoverInUse",
        "UnlinkLeftover",
        "DropShare(Own)",
        "DropShare(Marker)",
        "DropShare(Leftover)",
        "UnlinkLinkedFresh",
        "UnlinkSecondName",
        "DiscardFresh",
        "DiscardMarker",
        "PutBack",
        "CloseReplaced",
    ] {
        assert!(seen.contains(rare), "{rare} is never reached: {seen:?}");
    }
}

fn steps_taken(protocol: &Protocol) -> BTreeSet<String> {
    let mut known: HashSet<_> = protocol.init_states().into_iter().collect();
    let mut open: VecDeque<_> = known.iter().copied().collect();
    let mut taken = HashSet::new();
    while let Some(state) = open.pop_front() {
        taken.extend(state.processes.iter().map(|process| process.next));
        let next = protocol.next_states(&state).into_iter();
        open.extend(next.filter(|state| known.insert(*state)));
    }
    taken.into_iter().map(|step| format!("{step:?}")).collect()
}

/// Asserts that the checker finds a way to break the property.
fn breaks(mutants: &'static [Mutant], protocol: Protocol, property: &'static str) {
    let finish = HasDiscoveries::AnyOf([property].into());
    let checker = Protocol { mutants, ..protocol }.checker().finish_when(finish).spawn_bfs().join();
    let states = checker.unique_state_count();
    match checker.discoveries().remove(property) {
        Some(path) => println!(
            "{mutants:?}: after {} steps and {states} states it is not true that {property}",
            path.into_actions().len()
        ),
        None => panic!("{mutants:?}: in {states} states {property}"),
    }
}

const CRASH: Protocol =
    Protocol { acquires: [1, 1, 0], attestations: [0, 1, 0], crashes: 1, ..CONTEST };
const ATTESTED: Protocol = Protocol { attestations: [0, 1, 0], ..CONTEST };
const DELETION: Protocol = Protocol { deletions: 1, ..ATTESTED };
const DELETION_AND_CRASH: Protocol = Protocol { deletions: 1, ..QUARANTINE };
const TWO_CRASHES: Protocol = Protocol { crashes: 2, ..QUARANTINE };

#[test]
fn each_protection_of_the_companion_is_needed() {
    breaks(&[NoIdentityCheck], CONTEST, ONE_AT_WORK);
    breaks(&[UnlockBeforeUnlink], CONTEST, ONE_AT_WORK);
    breaks(&[CompanionBeforeMarker], CONTEST, ONE_AT_WORK);
    breaks(&[ContentionUnlinksCompanion], CONTEST, ONE_AT_WORK);
    breaks(&[QuarantineWithoutCompanion], CRASH, ONE_AT_WORK);
    breaks(&[QuarantineWithoutLocks], ATTESTED, ONE_HOLDER);
}

#[test]
fn each_protection_of_the_marker_is_needed_when_somebody_deletes_the_companion() {
    breaks(&[NoMarkerLock], DELETION, ONE_HOLDER);
    breaks(&[MarkerLockedLate], DELETION, IN_PLACE);
    breaks(&[PublishOverwrites], DELETION, ONE_HOLDER);
    breaks(&[QuarantineWithoutMarkerLock], DELETION, ONE_HOLDER);
    breaks(&[QuarantineWithoutMarkerCheck], DELETION_AND_CRASH, IN_PLACE);
    breaks(&[LeftoverNotLocked], DELETION, WHOLE);
    breaks(&[LeftoverNotChecked], DELETION, WHOLE);
    breaks(&[FreshNotChecked], DELETION, WHOLE);
    breaks(&[DiscardsUnlocked], DELETION, WHOLE);
    // The last look finds what the first one missed; only without both are there two holders.
    breaks(&[FreshNotChecked, PublicationNotChecked], DELETION, ONE_HOLDER);
}

#[test]
fn each_protection_of_the_evidence_is_needed() {
    breaks(&[QuarantineWithoutReread], TWO_CRASHES, EVIDENCE);
    breaks(&[OverwritesEvidence], TWO_CRASHES, EVIDENCE);
    breaks(&[PutBackOverwrites], Protocol { faults: 1, ..DELETION_AND_CRASH }, EVIDENCE);
    breaks(&[PublishOverwrites], DELETION_AND_CRASH, EVIDENCE);
}

#[test]
fn a_marker_written_in_place_is_seen_torn_and_a_leftover_kept_blocks_everybody() {
    breaks(&[WritesInPlace], CONTEST, WHOLE);
    breaks(&[LeftoverKept], CRASH, NO_DEAD_END);
}

#[test]
fn an_inspector_needs_the_markers_own_lock_and_a_second_look() {
    let inspected = Protocol { acquires: [1, 1, 0], inspections: 1, ..CONTEST };
    breaks(&[InspectorIgnoresMarkerLock], Protocol { deletions: 1, ..inspected }, TRUE_WORD);
    breaks(&[InspectorWithoutIdentityCheck], inspected, TRUE_WORD);
}

/// Companion and marker each guard the lock. Where the marker does not, as in the reference, one
/// fault with the companion is enough for two holders.
#[test]
fn without_the_markers_own_protection_each_fault_with_the_companion_makes_two_holders() {
    const BARE: &[Mutant] = &[NoMarkerLock, PublishOverwrites, PublicationNotChecked];
    const LOCK: Mutant = NoMarkerLock;
    const RENAME: Mutant = PublishOverwrites;
    const LOOK: Mutant = PublicationNotChecked;
    holds_with(BARE, ATTESTED, ONE_HOLDER);
    breaks(&[NoIdentityCheck, LOCK, RENAME, LOOK], CONTEST, ONE_HOLDER);
    breaks(&[UnlockBeforeUnlink, LOCK, RENAME, LOOK], CONTEST, ONE_HOLDER);
    breaks(&[CompanionBeforeMarker, LOCK, RENAME, LOOK], ATTESTED, ONE_HOLDER);
    breaks(&[ContentionUnlinksCompanion, LOCK, RENAME, LOOK], CONTEST, ONE_HOLDER);
    breaks(&[QuarantineWithoutCompanion, LOCK, RENAME, LOOK], ATTESTED, ONE_HOLDER);
}

/// Asserts that the companion alone suffices for a property.
fn holds_with(mutants: &'static [Mutant], protocol: Protocol, property: &'static str) {
    let finish = HasDiscoveries::AnyOf([property].into());
    let checker = Protocol { mutants, ..protocol }.checker().finish_when(finish).spawn_bfs().join();
    assert!(!checker.discoveries().contains_key(property), "{mutants:?}: not true that {property}");
}

#[test]
fn the_references_protocol_has_two_holders_moved_markers_and_torn_ones() {
    let reference = Reference { acquires: 2, attestations: 1, crashes: 1 };
    for property in [ONE_HOLDER, IN_PLACE, WHOLE] {
        let finish = HasDiscoveries::AnyOf([property].into());
        let checker = reference.checker().finish_when(finish).spawn_bfs().join();
        let path = checker.discoveries().remove(property).expect(property);
        println!("reference: not true that {property}:\n  {:?}", path.into_actions());
    }
}
