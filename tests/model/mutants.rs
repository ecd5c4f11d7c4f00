// SPDX-License-Identifier: MIT OR Apache-2.0
//! The protections, each of which can be left out to see that the checker misses it.

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Mutant {
    /// Acquire works under a companion that is no longer the one at the path.
    NoIdentityCheck,
    /// Release gives the companion's lock back, and removes the file afterwards.
    UnlockBeforeUnlink,
    /// Release removes the companion first, the marker afterwards.
    CompanionBeforeMarker,
    /// Who is refused removes the companion, as the reference does.
    ContentionUnlinksCompanion,
    /// Quarantine takes neither of the two OS locks.
    QuarantineWithoutLocks,
    /// Quarantine takes the marker's own lock, not the companion's.
    QuarantineWithoutCompanion,
    /// Quarantine takes the companion's lock, not the marker's own.
    QuarantineWithoutMarkerLock,
    /// Quarantine believes what the marker said before the locks were taken.
    QuarantineWithoutReread,
    /// Quarantine does not ask whether the marker that it locked is still at the path.
    QuarantineWithoutMarkerCheck,
    /// A holder does not lock its own marker.
    NoMarkerLock,
    /// A holder locks its marker when it is visible already.
    MarkerLockedLate,
    /// The first stale name is used, whatever stands there.
    OverwritesEvidence,
    /// The marker is renamed into place over whatever stands there.
    PublishOverwrites,
    /// An old marker is put back over whatever stands there by now.
    PutBackOverwrites,
    /// The marker is created under its own name and written there.
    WritesInPlace,
    /// What a crashed publisher left at `PATH.new` is not removed.
    LeftoverKept,
    /// `PATH.new` is removed although its publisher lives.
    LeftoverNotLocked,
    /// `PATH.new` is removed whoever's it is by now.
    LeftoverNotChecked,
    /// Nobody asks whether the file at `PATH.new` is still the one that was locked.
    FreshNotChecked,
    /// A publisher that did not get the lock of its own file at `PATH.new` removes it: looks, then
    /// unlinks.
    DiscardsUnlocked,
    /// The marker at the path is taken for the publisher's own without a look.
    PublicationNotChecked,
    /// The inspector believes the companion's lock alone.
    InspectorIgnoresMarkerLock,
    /// The inspector does not ask whether what it saw is still at its path.
    InspectorWithoutIdentityCheck,
}
