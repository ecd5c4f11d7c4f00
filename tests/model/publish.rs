// SPDX-License-Identifier: MIT OR Apache-2.0
//! `PATH.new` and its publication (src/publish.rs).

use super::filesystem::{Name, Refused};
use super::mutants::Mutant;
use super::process::{Call, Held, Next};
use super::step::{Choice, Step};

impl Step<'_> {
    pub(crate) fn publish(&mut self) -> Option<Next> {
        let next = match self.me.next {
            Next::CreateFresh => self.create_fresh(),
            Next::OpenLeftover => {
                self.me.leftover = self.files.open(Name::Fresh, self.id);
                match self.me.leftover {
                    None => Next::CreateFresh,
                    Some(_) if self.has(Mutant::LeftoverNotLocked) => Next::CheckLeftover,
                    Some(_) => Next::TryExclusive(Held::Leftover),
                }
            }
            Next::CheckLeftover => {
                let current = self.files.at(Name::Fresh) == self.me.leftover;
                let removable = current || self.has(Mutant::LeftoverNotChecked);
                if removable { Next::UnlinkLeftover } else { Next::CloseLeftover }
            }
            Next::UnlinkLeftover => {
                self.files.unlink(Name::Fresh);
                Next::CloseLeftover
            }
            Next::CloseLeftover => {
                self.close(Held::Leftover);
                Next::CreateFresh
            }
            Next::CloseLeftoverInUse => {
                self.close(Held::Leftover);
                self.without_fresh()
            }
            Next::CheckFresh => {
                let current = self.files.at(Name::Fresh) == self.me.own;
                let usable = current || self.has(Mutant::FreshNotChecked);
                if usable { Next::WriteFresh } else { self.leave_fresh() }
            }
            Next::WriteFresh => {
                let own = self.me.own.expect("created");
                self.files.write(own, self.generation);
                match self.me.call {
                    Call::Takeover => Next::ChooseStaleName,
                    _ if self.has(Mutant::WritesInPlace) => Next::CheckPublished,
                    _ => Next::Publish,
                }
            }
            Next::Publish => match self.put_in_place() {
                Ok(next) => next,
                Err(Refused) => Next::DiscardCheckFresh,
            },
            Next::UnlinkLinkedFresh => {
                self.files.unlink(Name::Fresh);
                Next::CheckPublished
            }
            Next::CheckPublished => {
                let ours = self.files.at(Name::Marker) == self.me.own;
                let believed = ours || self.has(Mutant::PublicationNotChecked);
                if believed { Next::SyncPublished } else { Next::DiscardCheckFresh }
            }
            Next::SyncPublished => match (self.choice, self.me.call) {
                (Choice::Fault, _) => Next::DiscardCheckFresh,
                (_, Call::Takeover) => Next::CloseReplaced,
                _ => Next::Holding,
            },
            Next::CloseReplaced => {
                self.close(Held::Marker);
                self.me.moved = false;
                Next::Holding
            }
            _ => return None,
        };
        Some(next)
    }

    /// Removes whatever names our own file has, each after a look.
    pub(crate) fn discard(&mut self) -> Option<Next> {
        let next = match self.me.next {
            Next::DiscardCheckFresh if self.files.at(Name::Fresh) == self.me.own => {
                Next::DiscardFresh
            }
            Next::DiscardCheckFresh => Next::DiscardCheckMarker,
            Next::DiscardFresh => {
                self.files.unlink(Name::Fresh);
                Next::DiscardCheckMarker
            }
            Next::DiscardCheckMarker if self.files.at(Name::Marker) == self.me.own => {
                Next::DiscardMarker
            }
            Next::DiscardCheckMarker => Next::CloseOwn,
            Next::DiscardMarker => {
                self.files.unlink(Name::Marker);
                Next::CloseOwn
            }
            Next::CloseOwn => {
                self.close(Held::Own);
                if self.me.moved { Next::PutBack } else { self.without_fresh() }
            }
            _ => return None,
        };
        Some(next)
    }

    fn create_fresh(&mut self) -> Next {
        let in_place = self.has(Mutant::WritesInPlace) && self.me.call == Call::Acquire;
        let name = if in_place { Name::Marker } else { Name::Fresh };
        match self.files.create(name, self.id) {
            Ok(own) => {
                self.me.own = Some(own);
                let locks = self.without(Mutant::NoMarkerLock)
                    && self.without(Mutant::MarkerLockedLate)
                    && !in_place;
                if locks { Next::TryExclusive(Held::Own) } else { Next::WriteFresh }
            }
            Err(Refused) if in_place || self.has(Mutant::LeftoverKept) => self.without_fresh(),
            Err(Refused) => Next::OpenLeftover,
        }
    }

    /// Our own file is locked by somebody who takes it for a leftover, or was removed as one: what
    /// stands at the name is no longer ours to remove.
    pub(crate) fn leave_fresh(&self) -> Next {
        let discards = self.has(Mutant::DiscardsUnlocked);
        if discards { Next::DiscardCheckFresh } else { Next::CloseOwn }
    }

    fn put_in_place(&mut self) -> Result<Next, Refused> {
        if self.links {
            self.files.link(Name::Fresh, Name::Marker)?;
            return Ok(Next::UnlinkLinkedFresh);
        }
        if self.has(Mutant::PublishOverwrites) {
            self.files.rename(Name::Fresh, Name::Marker)?;
        } else {
            self.files.rename_without_overwrite(Name::Fresh, Name::Marker)?;
        }
        let late = self.has(Mutant::MarkerLockedLate);
        Ok(if late { Next::TryExclusive(Held::Own) } else { Next::CheckPublished })
    }

    /// The call failed before anything visible changed: acquire tidies up its companion.
    fn without_fresh(&self) -> Next {
        match self.me.call {
            Call::Acquire => Next::LookBeforeCleanup,
            _ => Next::Closing,
        }
    }
}
