// SPDX-License-Identifier: MIT OR Apache-2.0
//! The end of a lock (src/lock.rs), and of every call: the companion removed, descriptors closed.

use super::filesystem::Name;
use super::mutants::Mutant;
use super::process::{Held, Next};
use super::step::Step;

impl Step<'_> {
    pub(crate) fn release(&mut self) -> Option<Next> {
        let companion_first = self.has(Mutant::CompanionBeforeMarker);
        let next = match self.me.next {
            Next::CheckOwnMarker => {
                let ours = self.files.at(Name::Marker) == self.me.own;
                if !ours {
                    Next::CheckOwnCompanion
                } else if companion_first {
                    // Unlocked only at the end, in this mutant.
                    self.unlink_companion_if_ours();
                    Next::UnlinkMarker
                } else {
                    Next::UnlinkMarker
                }
            }
            Next::UnlinkMarker => {
                self.files.unlink(Name::Marker);
                match () {
                    () if companion_first => Next::Closing,
                    () if self.has(Mutant::UnlockBeforeUnlink) => Next::UnlockCompanion,
                    () => Next::CheckOwnCompanion,
                }
            }
            Next::UnlockCompanion => {
                let companion = self.me.companion.expect("a holder has it open");
                self.files.unlock(companion, self.id);
                self.me.at_work = false;
                Next::CheckOwnCompanion
            }
            // A companion that guards a marker stays, whoever's the marker is.
            Next::LookBeforeCleanup => {
                let guards = self.files.at(Name::Marker).is_some();
                if guards || self.me.companion.is_none() {
                    Next::Closing
                } else {
                    Next::CheckOwnCompanion
                }
            }
            Next::CheckOwnCompanion => {
                let ours = self.files.at(Name::Companion) == self.me.companion;
                if ours { Next::UnlinkCompanion } else { Next::Closing }
            }
            Next::UnlinkCompanion => {
                self.files.unlink(Name::Companion);
                self.me.at_work = false;
                Next::Closing
            }
            Next::UnlinkForeignCompanion => {
                self.files.unlink(Name::Companion);
                Next::Closing
            }
            // The companion's lock goes first, the marker's own last.
            Next::Closing => match self.first_open() {
                Some(held) => {
                    self.close(held);
                    self.first_open().map_or(Next::Idle, |_| Next::Closing)
                }
                None => Next::Idle,
            },
            _ => return None,
        };
        Some(next)
    }

    fn first_open(&self) -> Option<Held> {
        Held::ALL.into_iter().find(|held| self.me.descriptor(*held).is_some())
    }

    fn unlink_companion_if_ours(&mut self) {
        if self.files.at(Name::Companion) == self.me.companion {
            self.files.unlink(Name::Companion);
        }
    }
}
