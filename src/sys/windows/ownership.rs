// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who may open the files of a marker: whom the directory's access control list lets, which new
//! files inherit.
//!
//! There are no owners to compare. What an elevated administrator creates belongs to a group, what
//! a service creates to the service; neither tells who may act on it.

use std::io;

use super::directory::Directory;
use super::lock_file::{FileFacts, LockFile};
use super::name::FileName;

/// The rules of ownership in one directory.
#[derive(Debug)]
pub(crate) struct Ownership;

impl Ownership {
    /// Nothing to look at.
    pub(crate) fn of(_directory: &Directory) -> io::Result<Ownership> {
        Ok(Ownership)
    }

    /// How the directory says that everybody may write to it; `None` if it does not.
    pub(crate) fn open_to_everybody(&self, directory: &Directory) -> io::Result<Option<String>> {
        let open = directory.everybody_may_write()?;
        Ok(open.then(|| "by its access control list".to_owned()))
    }

    /// There is none: who could open the file may act on it.
    pub(crate) fn objection_to(&self, _file: &FileFacts) -> Option<String> {
        None
    }

    /// Opens the companion, or creates it. Never truncates.
    pub(crate) fn open_or_create_companion(
        &self,
        directory: &Directory,
        name: &FileName,
    ) -> io::Result<LockFile> {
        directory.open_or_create_file(name)
    }

    /// Does nothing: the companion has the directory's rights.
    pub(crate) fn restrict_companion(
        &self,
        _file: &LockFile,
        _facts: &FileFacts,
    ) -> io::Result<()> {
        Ok(())
    }

    /// Creates a file; an error if the name is taken, by whatever it is.
    pub(crate) fn create_new_file(
        &self,
        directory: &Directory,
        name: &FileName,
    ) -> io::Result<LockFile> {
        directory.create_new_file(name)
    }

    /// Does nothing: the file has the directory's rights.
    pub(crate) fn prepare_new_file(&self, _file: &LockFile, _facts: &FileFacts) -> io::Result<()> {
        Ok(())
    }

    /// Does nothing: it belongs to whom the system gave it.
    pub(crate) fn give_away(&self, _file: &LockFile, _facts: &FileFacts) -> io::Result<()> {
        Ok(())
    }
}
