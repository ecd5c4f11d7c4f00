// SPDX-License-Identifier: MIT OR Apache-2.0
//! A process: where it is in which call, and its open descriptors.

use super::filesystem::{FileSystem, Generation, Inode};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Call {
    #[default]
    Acquire,
    Quarantine,
    Takeover,
}

/// A descriptor that a process may have open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Held {
    Companion,
    /// A marker that was there before.
    Marker,
    /// What a crashed publisher left at `PATH.new`.
    Leftover,
    /// The marker that this process publishes.
    Own,
}

impl Held {
    pub(crate) const ALL: [Held; 4] = [Held::Companion, Held::Marker, Held::Leftover, Held::Own];
}

/// The system call that comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Next {
    #[default]
    Idle,
    // The companion: see `claim`.
    OpenCompanion,
    TryExclusive(Held),
    TryShared(Held),
    DropShare(Held),
    CheckCompanion,
    CloseOutdatedCompanion,
    // Acquire finds a marker.
    LookForMarker,
    ShareMarker,
    CheckSeenMarker,
    CloseSeenMarker,
    CloseMarker,
    // `PATH.new` and its publication: see `publish`.
    CreateFresh,
    OpenLeftover,
    CheckLeftover,
    UnlinkLeftover,
    CloseLeftover,
    CloseLeftoverInUse,
    CheckFresh,
    WriteFresh,
    Publish,
    UnlinkLinkedFresh,
    CheckPublished,
    SyncPublished,
    CloseReplaced,
    DiscardCheckFresh,
    DiscardFresh,
    DiscardCheckMarker,
    DiscardMarker,
    CloseOwn,
    // The stale marker: see `stale`.
    LookBeforeQuarantine,
    OpenMarker,
    CheckMarker,
    CloseOutdatedMarker,
    ReadMarker,
    UnlinkSecondName,
    ChooseStaleName,
    WriteEvidence,
    MoveAside,
    DiscardEvidence,
    CheckMoved,
    SyncMoved,
    PutBack,
    // The lock, and its end: see `release`.
    Holding,
    CheckOwnMarker,
    UnlinkMarker,
    UnlockCompanion,
    LookBeforeCleanup,
    CheckOwnCompanion,
    UnlinkCompanion,
    UnlinkForeignCompanion,
    Closing,
    Dying,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Process {
    pub(crate) next: Next,
    pub(crate) call: Call,
    pub(crate) companion: Option<Inode>,
    pub(crate) marker: Option<Inode>,
    pub(crate) leftover: Option<Inode>,
    pub(crate) own: Option<Inode>,
    /// The stale name that was chosen.
    pub(crate) stale: u8,
    /// The old marker stands at its stale name.
    pub(crate) moved: bool,
    /// The companion is locked, and was the one at the path: the process may change things.
    pub(crate) at_work: bool,
    /// What the operator's attestation names. It may be old.
    pub(crate) attested: Option<Generation>,
    /// Acquires and takeovers that may still begin.
    pub(crate) acquires: u8,
    /// Attestations that may still be made.
    pub(crate) attestations: u8,
}

impl Process {
    pub(crate) fn descriptor(&self, held: Held) -> Option<Inode> {
        match held {
            Held::Companion => self.companion,
            Held::Marker => self.marker,
            Held::Leftover => self.leftover,
            Held::Own => self.own,
        }
    }

    pub(crate) fn descriptors(&mut self) -> [&mut Option<Inode>; 4] {
        [&mut self.companion, &mut self.marker, &mut self.leftover, &mut self.own]
    }

    pub(crate) fn close(&mut self, held: Held, files: &mut FileSystem, id: u8) {
        let descriptor = match held {
            Held::Companion => {
                self.at_work = false;
                &mut self.companion
            }
            Held::Marker => &mut self.marker,
            Held::Leftover => &mut self.leftover,
            Held::Own => &mut self.own,
        };
        if let Some(inode) = descriptor.take() {
            files.close(inode, id);
        }
    }

    /// Whether this process may believe that the lock is its own: from the return of acquire until
    /// release removes the marker.
    pub(crate) fn holds(&self) -> bool {
        matches!(self.next, Next::Holding | Next::CheckOwnMarker | Next::UnlinkMarker)
    }

    /// No call is under way; what a call left in the registers is of no meaning any more.
    pub(crate) fn rest(&mut self) {
        *self = Process {
            attested: self.attested,
            acquires: self.acquires,
            attestations: self.attestations,
            ..Process::default()
        };
    }
}
