// SPDX-License-Identifier: MIT OR Apache-2.0
//! The inspector (src/inspect.rs): it shares both locks for an instant and changes nothing.

use super::filesystem::{FileSystem, Generation, Inode, Name, PROCESSES};
use super::mutants::Mutant;

/// The inspector's number, after the processes'.
const ID: u8 = PROCESSES as u8;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) enum Look {
    #[default]
    Idle,
    OpenCompanion,
    ShareCompanion,
    ShareMarker,
    UnlockMarker,
    CloseCompanion,
    CheckCompanion,
    CheckMarker,
    CloseMarker,
    CloseOutdatedMarker,
    OpenMarker,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub(crate) struct Inspector {
    pub(crate) next: Look,
    marker: Option<Inode>,
    companion: Option<Inode>,
    companion_open: bool,
    companion_held: bool,
    marker_held: bool,
}

impl Inspector {
    /// The numbers that it remembers, of open files and of closed ones.
    pub(crate) fn inodes(&mut self) -> [&mut Option<Inode>; 2] {
        [&mut self.marker, &mut self.companion]
    }

    /// Takes the next step. Says which marker it calls stale, when it comes to that.
    pub(crate) fn step(
        &mut self,
        files: &mut FileSystem,
        mutants: &[Mutant],
    ) -> Option<Generation> {
        let mut verdict = None;
        self.next = match self.next {
            Look::Idle | Look::OpenMarker => {
                self.marker = files.open(Name::Marker, ID);
                if self.marker.is_some() { Look::OpenCompanion } else { Look::Idle }
            }
            Look::OpenCompanion => {
                self.companion = files.open(Name::Companion, ID);
                self.companion_open = self.companion.is_some();
                if self.companion_open { Look::ShareCompanion } else { Look::ShareMarker }
            }
            Look::ShareCompanion => {
                self.companion_held = !files.share(self.companion.expect("opened"), ID);
                Look::ShareMarker
            }
            Look::ShareMarker => {
                let held = !files.share(self.marker.expect("opened"), ID);
                self.marker_held = held && !mutants.contains(&Mutant::InspectorIgnoresMarkerLock);
                Look::UnlockMarker
            }
            Look::UnlockMarker => {
                files.unlock(self.marker.expect("opened"), ID);
                if self.companion_open { Look::CloseCompanion } else { Look::CheckCompanion }
            }
            // Only its number is remembered: by now another file may get it.
            Look::CloseCompanion => {
                files.close(self.companion.expect("opened"), ID);
                self.companion_open = false;
                Look::CheckCompanion
            }
            Look::CheckCompanion => {
                let current = files.at(Name::Companion) == self.companion;
                if current || mutants.contains(&Mutant::InspectorWithoutIdentityCheck) {
                    Look::CheckMarker
                } else {
                    Look::CloseOutdatedMarker
                }
            }
            Look::CheckMarker => {
                let current = files.at(Name::Marker) == self.marker;
                if current || mutants.contains(&Mutant::InspectorWithoutIdentityCheck) {
                    if !self.companion_held && !self.marker_held {
                        verdict = self.marker.map(|marker| files.content(marker));
                    }
                    Look::CloseMarker
                } else {
                    Look::CloseOutdatedMarker
                }
            }
            Look::CloseMarker | Look::CloseOutdatedMarker => {
                files.close(self.marker.expect("opened"), ID);
                let again = self.next == Look::CloseOutdatedMarker;
                *self = Inspector::default();
                if again { Look::OpenMarker } else { Look::Idle }
            }
        };
        verdict
    }
}
