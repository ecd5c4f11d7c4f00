// SPDX-License-Identifier: MIT OR Apache-2.0
//! One step of one process: one system call, and the decision that follows from its answer.

use super::filesystem::{FileSystem, Generation};
use super::mutants::Mutant;
use super::process::{Held, Next, Process};

/// What a step may do besides the expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Choice {
    Go,
    /// Stop trying for a lock. The code counts its tries; here it may end after any number of
    /// them, so that every count is covered.
    GiveUp,
    /// The system call fails: the disk says no to a sync.
    Fault,
}

pub(crate) struct Step<'a> {
    pub(crate) files: &'a mut FileSystem,
    pub(crate) me: &'a mut Process,
    pub(crate) id: u8,
    pub(crate) choice: Choice,
    pub(crate) mutants: &'a [Mutant],
    /// The file system has no rename without overwriting: publication links and unlinks.
    pub(crate) links: bool,
    /// The generation that a marker written now gets.
    pub(crate) generation: Generation,
}

impl Step<'_> {
    pub(crate) fn without(&self, mutant: Mutant) -> bool {
        !self.mutants.contains(&mutant)
    }

    pub(crate) fn has(&self, mutant: Mutant) -> bool {
        self.mutants.contains(&mutant)
    }

    pub(crate) fn close(&mut self, held: Held) {
        self.me.close(held, self.files, self.id);
    }

    /// Takes the step. `None` if there is no such choice here.
    pub(crate) fn take(&mut self) -> Option<()> {
        let may_give_up = matches!(self.me.next, Next::TryShared(_) | Next::DropShare(_));
        let may_fail = matches!(self.me.next, Next::SyncPublished | Next::SyncMoved);
        match self.choice {
            Choice::GiveUp if !may_give_up => return None,
            Choice::Fault if !may_fail => return None,
            _ => {}
        }
        self.me.next = self.follow()?;
        if self.me.next == Next::Idle {
            self.me.rest();
        }
        Some(())
    }

    fn follow(&mut self) -> Option<Next> {
        let next = match self.me.next {
            Next::TryExclusive(held) => self.try_exclusive(held),
            Next::TryShared(held) => return self.try_shared(held),
            Next::DropShare(held) => self.drop_share(held),
            _ => self
                .claim()
                .or_else(|| self.publish())
                .or_else(|| self.discard())
                .or_else(|| self.stale())
                .or_else(|| self.release())?,
        };
        Some(next)
    }

    fn try_exclusive(&mut self, held: Held) -> Next {
        let inode = self.me.descriptor(held).expect("an open file is locked");
        if self.files.lock(inode, self.id) { granted(self, held) } else { Next::TryShared(held) }
    }

    /// Between two exclusive tries: is it only inspectors who are there?
    fn try_shared(&mut self, held: Held) -> Option<Next> {
        let inode = self.me.descriptor(held).expect("an open file is locked");
        if self.choice == Choice::GiveUp {
            // Only a refusal ends the tries, and this step is one; a share is given back first.
            let mut seen = *self.files;
            return (!seen.share(inode, self.id)).then(|| refused(self, held));
        }
        let shared = self.files.share(inode, self.id);
        Some(if shared { Next::DropShare(held) } else { Next::TryExclusive(held) })
    }

    fn drop_share(&mut self, held: Held) -> Next {
        let inode = self.me.descriptor(held).expect("an open file is locked");
        self.files.unlock(inode, self.id);
        if self.choice == Choice::GiveUp { refused(self, held) } else { Next::TryExclusive(held) }
    }
}

fn granted(step: &Step<'_>, held: Held) -> Next {
    match held {
        Held::Companion => Next::CheckCompanion,
        Held::Marker if step.has(Mutant::QuarantineWithoutMarkerCheck) => Next::ReadMarker,
        Held::Marker => Next::CheckMarker,
        Held::Leftover => Next::CheckLeftover,
        Held::Own if step.has(Mutant::MarkerLockedLate) => Next::CheckPublished,
        Held::Own => Next::CheckFresh,
    }
}

fn refused(step: &Step<'_>, held: Held) -> Next {
    match held {
        Held::Companion if step.has(Mutant::ContentionUnlinksCompanion) => {
            Next::UnlinkForeignCompanion
        }
        Held::Companion => Next::Closing,
        Held::Marker => Next::CloseMarker,
        Held::Leftover => Next::CloseLeftoverInUse,
        Held::Own if step.has(Mutant::MarkerLockedLate) => Next::DiscardCheckFresh,
        Held::Own => step.leave_fresh(),
    }
}
