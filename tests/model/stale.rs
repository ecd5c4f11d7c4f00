// SPDX-License-Identifier: MIT OR Apache-2.0
//! Quarantine and takeover of a stale marker (src/quarantine.rs, src/evidence.rs).

use super::filesystem::{FileSystem, Name, Refused};
use super::mutants::Mutant;
use super::process::{Call, Held, Next};
use super::step::{Choice, Step};

impl Step<'_> {
    pub(crate) fn stale(&mut self) -> Option<Next> {
        let next = match self.me.next {
            Next::LookBeforeQuarantine => self.look_first(),
            Next::OpenMarker => {
                self.me.marker = self.files.open(Name::Marker, self.id);
                match self.me.marker {
                    None => Next::LookBeforeCleanup,
                    Some(_) if self.marker_is_not_locked() => Next::CheckMarker,
                    Some(_) => Next::TryExclusive(Held::Marker),
                }
            }
            Next::CheckMarker => {
                let current = self.files.at(Name::Marker) == self.me.marker;
                if current {
                    // For the mutants that come here without the companion.
                    self.me.at_work = true;
                    Next::ReadMarker
                } else {
                    Next::CloseOutdatedMarker
                }
            }
            Next::CloseOutdatedMarker => {
                self.close(Held::Marker);
                Next::OpenMarker
            }
            Next::ReadMarker => self.read_marker(),
            Next::UnlinkSecondName => {
                self.files.unlink(Name::Fresh);
                self.after_check()
            }
            Next::ChooseStaleName => {
                self.me.stale = self.free_stale_name();
                Next::WriteEvidence
            }
            Next::WriteEvidence => {
                let taken = self.files.evidence(self.me.stale).is_some();
                if taken && self.without(Mutant::OverwritesEvidence) {
                    Next::ChooseStaleName
                } else {
                    self.files.write_evidence(self.me.stale, self.me.attested);
                    Next::MoveAside
                }
            }
            Next::MoveAside => match self.move_aside() {
                Ok(()) => {
                    self.me.moved = true;
                    Next::CheckMoved
                }
                Err(Refused) => Next::DiscardEvidence,
            },
            Next::DiscardEvidence => {
                self.files.write_evidence(self.me.stale, None);
                self.give_up_fresh()
            }
            Next::CheckMoved => {
                let moved = self.files.at(Name::Stale(self.me.stale)) == self.me.marker;
                if moved { Next::SyncMoved } else { Next::PutBack }
            }
            Next::SyncMoved => match (self.choice, self.me.call) {
                (Choice::Fault, _) => Next::PutBack,
                (_, Call::Takeover) => Next::Publish,
                _ if self.me.companion.is_none() => Next::Closing,
                _ => Next::CheckOwnCompanion,
            },
            Next::PutBack => {
                self.put_back();
                self.give_up_fresh()
            }
            _ => return None,
        };
        Some(next)
    }

    fn marker_is_not_locked(&self) -> bool {
        self.has(Mutant::QuarantineWithoutLocks)
            || self.has(Mutant::QuarantineWithoutMarkerLock)
            || self.has(Mutant::NoMarkerLock)
    }

    fn look_first(&mut self) -> Next {
        if self.files.at(Name::Marker).is_none() {
            return Next::Closing;
        }
        if self.has(Mutant::QuarantineWithoutReread)
            && self.files.content_at(Name::Marker) != self.me.attested
        {
            return Next::Closing;
        }
        let locks = self.without(Mutant::QuarantineWithoutLocks)
            && self.without(Mutant::QuarantineWithoutCompanion);
        if locks { Next::OpenCompanion } else { Next::OpenMarker }
    }

    /// The document must name this very marker.
    fn read_marker(&mut self) -> Next {
        let marker = self.me.marker.expect("opened");
        let named = Some(self.files.content(marker)) == self.me.attested;
        if !named && self.without(Mutant::QuarantineWithoutReread) {
            return Next::Closing;
        }
        // Left by a publisher that died between link and unlink.
        let second_name = self.files.at(Name::Fresh) == self.me.marker;
        if second_name { Next::UnlinkSecondName } else { self.after_check() }
    }

    fn after_check(&self) -> Next {
        match self.me.call {
            Call::Takeover => Next::CreateFresh,
            _ => Next::ChooseStaleName,
        }
    }

    fn free_stale_name(&self) -> u8 {
        if self.has(Mutant::OverwritesEvidence) {
            return 0;
        }
        // The clock may stand still: every quarantine wants the first name.
        let is_free = |stale: &u8| {
            self.files.at(Name::Stale(*stale)).is_none() && self.files.evidence(*stale).is_none()
        };
        FileSystem::stale_names().find(is_free).expect("stale names for every quarantine")
    }

    fn move_aside(&mut self) -> Result<(), Refused> {
        let stale = Name::Stale(self.me.stale);
        if self.has(Mutant::OverwritesEvidence) {
            return self.files.rename(Name::Marker, stale);
        }
        self.files.rename_without_overwrite(Name::Marker, stale)
    }

    fn put_back(&mut self) {
        let stale = Name::Stale(self.me.stale);
        // Refused: the old marker stays where it is, with its evidence, and the caller is told.
        let _ = if self.has(Mutant::PutBackOverwrites) {
            self.files.rename(stale, Name::Marker)
        } else {
            self.files.rename_without_overwrite(stale, Name::Marker)
        };
        self.me.moved = false;
    }

    fn give_up_fresh(&self) -> Next {
        if self.me.own.is_some() { Next::DiscardCheckFresh } else { Next::Closing }
    }
}
