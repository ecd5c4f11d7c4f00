// SPDX-License-Identifier: MIT OR Apache-2.0
//! The companion: opened, locked, and still the one at its path (src/claim.rs). And what acquire
//! does when it then finds a marker (src/lock.rs).

use super::filesystem::Name;
use super::mutants::Mutant;
use super::process::{Call, Held, Next};
use super::step::Step;

impl Step<'_> {
    pub(crate) fn claim(&mut self) -> Option<Next> {
        let next = match self.me.next {
            Next::OpenCompanion => {
                self.me.companion = Some(self.files.open_or_create(Name::Companion, self.id));
                Next::TryExclusive(Held::Companion)
            }
            Next::CheckCompanion => {
                let current = self.files.at(Name::Companion) == self.me.companion;
                if current || self.has(Mutant::NoIdentityCheck) {
                    self.me.at_work = true;
                    self.after_claim()
                } else {
                    Next::CloseOutdatedCompanion
                }
            }
            Next::CloseOutdatedCompanion => {
                self.close(Held::Companion);
                Next::OpenCompanion
            }
            Next::LookForMarker => {
                self.me.marker = self.files.open(Name::Marker, self.id);
                match self.me.marker {
                    None => Next::CreateFresh,
                    Some(_) if self.has(Mutant::NoMarkerLock) => Next::CloseMarker,
                    Some(_) => Next::ShareMarker,
                }
            }
            // Held or stale? Either way the call ends; but the share is there for an instant.
            Next::ShareMarker => {
                let inode = self.me.marker.expect("opened");
                self.files.share(inode, self.id);
                Next::CheckSeenMarker
            }
            Next::CheckSeenMarker => {
                let current = self.files.at(Name::Marker) == self.me.marker;
                if current { Next::CloseMarker } else { Next::CloseSeenMarker }
            }
            Next::CloseSeenMarker => {
                self.close(Held::Marker);
                Next::LookForMarker
            }
            Next::CloseMarker => {
                self.close(Held::Marker);
                Next::LookBeforeCleanup
            }
            _ => return None,
        };
        Some(next)
    }

    fn after_claim(&self) -> Next {
        match self.me.call {
            Call::Acquire => Next::LookForMarker,
            Call::Quarantine | Call::Takeover => Next::OpenMarker,
        }
    }
}
