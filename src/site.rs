// SPDX-License-Identifier: MIT OR Apache-2.0
//! The place of one marker: its directory, opened once, and the names in it.

use std::io;
use std::path::PathBuf;

use crate::error::{Error, Result, Status, describe_os_error, quote_path};
use crate::marker_path::{COMPANION_SUFFIX, FRESH_SUFFIX, MarkerPath};
use crate::sys::{
    self, Access, Directory, FileFacts, FileName, LockFile, Ownership, fork::Process,
};

/// The longest addition: `.stale-20261123T004055Z-999.attestation.json`.
const LONGEST_SUFFIX: usize = 44;
/// How often something that keeps changing under our hands is looked at again.
pub(crate) const ATTEMPTS: u32 = 32;

/// Which dangers the caller accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Allow {
    /// The directory may be on a network filesystem, although OS locks are not to be trusted there.
    pub network_filesystem: bool,
    /// The directory may be writable by everybody.
    pub shared_directory: bool,
}

impl Allow {
    /// What either accepts.
    pub(crate) fn or(self, other: Allow) -> Allow {
        Allow {
            network_filesystem: self.network_filesystem || other.network_filesystem,
            shared_directory: self.shared_directory || other.shared_directory,
        }
    }
}

/// An open file and what was seen of it right after. Its identity stays; its owner, mode and number
/// of links may have changed since.
pub(crate) type OpenedFile = (LockFile, FileFacts);

/// A marker's directory, open, and the names that belong to the marker.
#[derive(Debug)]
pub(crate) struct Site {
    directory: Directory,
    ownership: Ownership,
    path: MarkerPath,
    companion: FileName,
    fresh: FileName,
}

impl Site {
    /// Opens the directory, once: every step is relative to it. `process` is the calling one.
    pub(crate) fn open(process: Process, path: MarkerPath) -> Result<Site> {
        let directory =
            Directory::open(process, path.parent()).map_err(|error| parent_error(&path, &error))?;
        let ownership = Ownership::of(&directory)
            .map_err(|error| Error::io("parent directory status", path.parent(), &error))?;
        let (companion, fresh) =
            (path.name().with_suffix(COMPANION_SUFFIX), path.name().with_suffix(FRESH_SUFFIX));
        Ok(Site { directory, ownership, path, companion, fresh })
    }

    pub(crate) fn directory(&self) -> &Directory {
        &self.directory
    }

    /// The process that opened it.
    pub(crate) fn process(&self) -> Process {
        self.directory.process()
    }

    pub(crate) fn path(&self) -> &MarkerPath {
        &self.path
    }

    pub(crate) fn marker(&self) -> &FileName {
        self.path.name()
    }

    pub(crate) fn companion(&self) -> &FileName {
        &self.companion
    }

    /// `PATH.new`, where a marker is written before it is renamed into place.
    pub(crate) fn fresh(&self) -> &FileName {
        &self.fresh
    }

    /// Where a name of this directory is, for people.
    pub(crate) fn path_of(&self, name: &FileName) -> PathBuf {
        if name == self.path.name() {
            return self.path.given().to_owned();
        }
        self.path.given().with_file_name(name.as_os_str())
    }

    /// An operating-system error on one of the names.
    pub(crate) fn io_error(
        &self,
        operation: &'static str,
        name: &FileName,
        error: &io::Error,
    ) -> Error {
        if sys::means_name_too_long(error) {
            return self.name_too_long(operation).with_os_error(error);
        }
        if sys::means_in_use(error) {
            let path = quote_path(&self.path_of(name));
            let message = format!("{path} is in use at this moment: {}", describe_os_error(error));
            return Error::new(Status::Contended, operation, message).with_os_error(error);
        }
        Error::io(operation, &self.path_of(name), error)
    }

    /// The directory must be on a filesystem whose locks hold, not be everybody's, and take the
    /// longest name that may become necessary.
    pub(crate) fn check_policy(&self, allow: Allow) -> Result<()> {
        const OPERATION: &str = "directory check";
        let parent = self.path.parent();
        let facts = self.directory.facts().map_err(|error| Error::io(OPERATION, parent, &error))?;
        if let (Some(kind), false) = (facts.network_filesystem, allow.network_filesystem) {
            let message = format!(
                "directory {} is on a network filesystem ({kind}), where OS locks are not to be trusted",
                quote_path(parent)
            );
            return Err(Error::new(Status::UnsupportedFilesystem, OPERATION, message));
        }
        if let Some(kind) = facts.renumbering_filesystem {
            let message = format!(
                "directory {} is on a filesystem ({kind}) on which a file that is renamed cannot be told from another",
                quote_path(parent)
            );
            return Err(Error::new(Status::UnsupportedFilesystem, OPERATION, message));
        }
        if !allow.shared_directory {
            let open = self.ownership.open_to_everybody(&self.directory);
            if let Some(how) = open.map_err(|error| Error::io(OPERATION, parent, &error))? {
                let message = format!(
                    "directory {} is writable by everybody ({how}), so anybody could remove the lock",
                    quote_path(parent)
                );
                return Err(Error::new(Status::InsecurePermissions, OPERATION, message));
            }
        }
        if self.path.name().length() + LONGEST_SUFFIX > facts.longest_name {
            return Err(self.name_too_long(OPERATION));
        }
        Ok(())
    }

    fn name_too_long(&self, operation: &'static str) -> Error {
        let message = format!(
            "the file name of marker {} is too long: names derived from it are up to {LONGEST_SUFFIX} bytes longer",
            quote_path(self.path.given())
        );
        Error::new(Status::NameTooLong, operation, message)
    }

    /// Opens the marker; `None` if there is none. Another owner's is refused.
    pub(crate) fn open_marker(&self, access: Access) -> Result<Option<OpenedFile>> {
        let marker = self.open_marker_of_anybody(access)?;
        if let Some((_, facts)) = &marker {
            self.check_owner("marker open", self.marker(), facts)?;
        }
        Ok(marker)
    }

    /// Opens the marker, whoever owns it: to be read, not to be believed.
    pub(crate) fn open_marker_of_anybody(&self, access: Access) -> Result<Option<OpenedFile>> {
        self.open_lock_file("marker open", self.marker(), access)
    }

    /// Opens the companion to look at its lock; `None` if there is none.
    pub(crate) fn open_companion(&self) -> Result<Option<OpenedFile>> {
        const OPERATION: &str = "companion open";
        let companion = self.open_lock_file(OPERATION, &self.companion, Access::Read)?;
        if let Some((_, facts)) = &companion {
            self.check_owner(OPERATION, &self.companion, facts)?;
        }
        Ok(companion)
    }

    /// Opens the companion, or creates it, and makes it readable by its owner alone.
    pub(crate) fn open_or_create_companion(&self) -> Result<OpenedFile> {
        const OPERATION: &str = "companion open";
        let name = &self.companion;
        for _ in 0..ATTEMPTS {
            let opened = self.ownership.open_or_create_companion(&self.directory, name);
            let file = opened.map_err(|error| self.open_error(OPERATION, name, &error))?;
            let facts = self.facts_of(OPERATION, name, &file)?;
            if self.check_regular(OPERATION, name, &facts)? == Links::None {
                continue;
            }
            self.check_owner(OPERATION, name, &facts)?;
            let restricted = self.ownership.restrict_companion(&file, &facts);
            restricted.map_err(|error| self.io_error("companion permissions", name, &error))?;
            let given = self.ownership.give_away(&file, &facts);
            given.map_err(|error| self.io_error("companion owner", name, &error))?;
            return Ok((file, facts));
        }
        Err(self.kept_changing(OPERATION, name))
    }

    /// Creates a file that everybody may read, as the marker; an error if the name is taken.
    pub(crate) fn create_new(&self, name: &FileName) -> io::Result<OpenedFile> {
        let file = self.ownership.create_new_file(&self.directory, name)?;
        let facts = file.facts();
        let prepared = facts.and_then(|facts| {
            self.ownership.prepare_new_file(&file, &facts)?;
            Ok(facts)
        });
        match prepared {
            Ok(facts) => Ok((file, facts)),
            Err(error) => {
                // Ours and a moment old: it was created exclusively.
                let _ = self.directory.remove(name);
                Err(error)
            }
        }
    }

    fn open_lock_file(
        &self,
        operation: &'static str,
        name: &FileName,
        access: Access,
    ) -> Result<Option<OpenedFile>> {
        for _ in 0..ATTEMPTS {
            let opened = self.directory.open_file(name, access);
            let Some(file) = opened.map_err(|error| self.open_error(operation, name, &error))?
            else {
                return Ok(None);
            };
            let facts = self.facts_of(operation, name, &file)?;
            if self.check_regular(operation, name, &facts)? == Links::One {
                return Ok(Some((file, facts)));
            }
        }
        Err(self.kept_changing(operation, name))
    }

    fn facts_of(
        &self,
        operation: &'static str,
        name: &FileName,
        file: &LockFile,
    ) -> Result<FileFacts> {
        file.facts().map_err(|error| self.io_error(operation, name, &error))
    }

    fn open_error(&self, operation: &'static str, name: &FileName, error: &io::Error) -> Error {
        if sys::means_not_a_regular_file(error) {
            return self
                .not_regular(operation, name, "it is not a regular file")
                .with_os_error(error);
        }
        if error.kind() == io::ErrorKind::PermissionDenied && name == &self.companion {
            let message = format!(
                "companion {} cannot be opened by this user: permission denied",
                quote_path(&self.path_of(name))
            );
            return Error::new(Status::InsecurePermissions, operation, message)
                .with_os_error(error);
        }
        self.io_error(operation, name, error)
    }

    /// A lock file must be a regular file with one name; a second name is where a trap would be.
    fn check_regular(
        &self,
        operation: &'static str,
        name: &FileName,
        facts: &FileFacts,
    ) -> Result<Links> {
        if !facts.is_regular {
            return Err(self.not_regular(operation, name, "it is not a regular file"));
        }
        match facts.links {
            0 => Ok(Links::None),
            1 => Ok(Links::One),
            2 if name == self.marker() && self.second_name_is_fresh(facts)? => Ok(Links::One),
            more => {
                let why = format!("it has {more} hard links");
                // A publisher may have removed its second name since fstat looked.
                match self.directory.facts_at(name) {
                    Ok(Some(now)) if now.id == facts.id && now.links == 1 => Ok(Links::One),
                    _ => Err(self.not_regular(operation, name, &why)),
                }
            }
        }
    }

    /// Where the filesystem cannot rename without overwriting, publication links `PATH.new` to the
    /// marker's name and then removes it; a death in between leaves both names.
    pub(crate) fn second_name_is_fresh(&self, marker: &FileFacts) -> Result<bool> {
        let fresh = self.directory.facts_at(&self.fresh);
        let fresh = fresh.map_err(|error| self.io_error("marker status", &self.fresh, &error))?;
        Ok(fresh.is_some_and(|fresh| fresh.id == marker.id))
    }

    fn not_regular(&self, operation: &'static str, name: &FileName, why: &str) -> Error {
        let message = format!("{} is refused: {why}", quote_path(&self.path_of(name)));
        Error::new(Status::NotRegularFile, operation, message)
    }

    fn kept_changing(&self, operation: &'static str, name: &FileName) -> Error {
        let message =
            format!("{} was removed or replaced at every look", quote_path(&self.path_of(name)));
        Error::new(Status::Contended, operation, message)
    }

    fn check_owner(
        &self,
        operation: &'static str,
        name: &FileName,
        facts: &FileFacts,
    ) -> Result<()> {
        let Some(objection) = self.ownership.objection_to(facts) else { return Ok(()) };
        let message = format!("{} {objection}", quote_path(&self.path_of(name)));
        Err(Error::new(Status::InsecurePermissions, operation, message))
    }

    /// Whether the open file is still the one at its name.
    pub(crate) fn is_at(&self, name: &FileName, file: &FileFacts) -> Result<bool> {
        self.stands_at(name, file.id).map_err(|error| self.io_error("identity check", name, &error))
    }

    /// Whether a name is this file's, and not about to be free.
    pub(crate) fn stands_at(&self, name: &FileName, file: sys::FileId) -> io::Result<bool> {
        match self.directory.facts_at(name) {
            Ok(there) => Ok(there.is_some_and(|there| there.id == file)),
            Err(error) if sys::means_being_deleted(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Removes a name if it is still this file's.
    pub(crate) fn remove_if_same_file(
        &self,
        name: &FileName,
        file: sys::FileId,
    ) -> io::Result<bool> {
        if self.stands_at(name, file)? { self.directory.remove(name) } else { Ok(false) }
    }

    pub(crate) fn sync_directory(&self, operation: &'static str) -> Result<()> {
        self.directory.sync().map_err(|error| Error::io(operation, self.path.parent(), &error))
    }
}

fn parent_error(path: &MarkerPath, error: &io::Error) -> Error {
    const OPERATION: &str = "parent directory open";
    let status = if sys::means_no_directory(error) {
        Status::NoParentDirectory
    } else if sys::means_name_too_long(error) {
        Status::NameTooLong
    } else {
        return Error::io(OPERATION, path.parent(), error);
    };
    let message = format!(
        "directory {} of marker {} cannot be opened: {}",
        quote_path(path.parent()),
        quote_path(path.given()),
        describe_os_error(error)
    );
    Error::new(status, OPERATION, message).with_os_error(error)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Links {
    /// The file was removed after it was opened.
    None,
    One,
}
