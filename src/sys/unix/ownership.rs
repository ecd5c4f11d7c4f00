// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom the files of a marker belong to, and who else may open them.
//!
//! They belong to the effective user. Root also accepts the directory owner's, and gives that owner
//! what it creates, or a takeover at night would lock the engine out.

use std::io;

use super::FileName;
use super::directory::Directory;
use super::lock_file::{FileFacts, LockFile};

const MARKER_MODE: u32 = 0o644;
const COMPANION_MODE: u32 = 0o600;

/// The rules of ownership in one directory.
#[derive(Debug)]
pub(crate) struct Ownership {
    directory: FileFacts,
    /// The user that this process acted as when the directory was opened.
    user: u32,
}

impl Ownership {
    /// Looks at the directory's owner and mode.
    pub(crate) fn of(directory: &Directory) -> io::Result<Ownership> {
        Ok(Ownership { directory: directory.own_facts()?, user: effective_user() })
    }

    /// How the directory says that everybody may write to it; `None` if it does not.
    pub(crate) fn open_to_everybody(&self, _directory: &Directory) -> io::Result<Option<String>> {
        let mode = self.directory.mode;
        Ok((mode & 0o002 != 0).then(|| format!("mode {mode:04o}")))
    }

    /// Why this user may not act on a file; the words follow the file's name.
    pub(crate) fn objection_to(&self, file: &FileFacts) -> Option<String> {
        let user = self.user;
        if file.owner == user || (user == 0 && file.owner == self.directory.owner) {
            return None;
        }
        Some(format!(
            "belongs to user {}, not to user {user}; its owner, or root, has to act on it",
            file.owner
        ))
    }

    /// Opens the companion, or creates it, for its owner alone. Never truncates.
    pub(crate) fn open_or_create_companion(
        &self,
        directory: &Directory,
        name: &FileName,
    ) -> io::Result<LockFile> {
        match self.owner_of_what_is_created() {
            None => directory.open_or_create_file(name, COMPANION_MODE),
            Some(owner) => directory.open_or_create_file_of(owner, name, COMPANION_MODE),
        }
    }

    /// Takes away what others may do with a companion that was there before.
    pub(crate) fn restrict_companion(&self, file: &LockFile, facts: &FileFacts) -> io::Result<()> {
        if facts.mode == COMPANION_MODE { Ok(()) } else { file.set_mode(COMPANION_MODE) }
    }

    /// Creates a file that everybody may read; an error if the name is taken, by whatever it is.
    pub(crate) fn create_new_file(
        &self,
        directory: &Directory,
        name: &FileName,
    ) -> io::Result<LockFile> {
        directory.create_new_file(name, MARKER_MODE)
    }

    /// Gives a new file its exact mode, from which the umask may have taken bits away, and owner.
    pub(crate) fn prepare_new_file(&self, file: &LockFile, facts: &FileFacts) -> io::Result<()> {
        if facts.mode != MARKER_MODE {
            file.set_mode(MARKER_MODE)?;
        }
        self.give_away(file, facts)
    }

    /// Root gives what it created to the directory's owner.
    pub(crate) fn give_away(&self, file: &LockFile, facts: &FileFacts) -> io::Result<()> {
        match self.owner_of_what_is_created() {
            Some(owner) if facts.owner == 0 => file.give_to(owner),
            _ => Ok(()),
        }
    }

    fn owner_of_what_is_created(&self) -> Option<u32> {
        let owner = self.directory.owner;
        (owner != 0 && self.user == 0).then_some(owner)
    }
}

/// The user that this process acts as.
fn effective_user() -> u32 {
    // SAFETY: geteuid has no preconditions and cannot fail.
    unsafe { libc::geteuid() }
}
