// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory handle: every step is relative to it, so a later chdir or rename changes nothing.

use std::ffi::CString;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

#[cfg(target_vendor = "apple")]
use super::apple::{facts_from_statfs, rename_noreplace};
use super::descriptor::Descriptor;
use super::fork::Process;
use super::large_files as libc;
use super::lock_file::{Access, FileFacts, LockFile, facts_of};
use super::sync::flush;
use super::{FileName, call, call_c};

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    descriptor: Descriptor,
}

/// What the policy checks want to know of a directory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DirectoryFacts {
    /// The network filesystem that the directory is on, if it is one of the closed list.
    pub(crate) network_filesystem: Option<&'static str>,
    /// The filesystem, if a file of it gets another identity when it is renamed: none here.
    pub(crate) renumbering_filesystem: Option<&'static str>,
    /// The longest name in bytes.
    pub(crate) longest_name: usize,
}

/// Follow no symlink, wait for nothing (a FIFO's other end), take no terminal, survive no exec.
const LOCK_FILE_FLAGS: libc::c_int =
    libc::O_NOFOLLOW | libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_CLOEXEC;

impl Directory {
    /// Opens an existing directory.
    pub(crate) fn open(process: Process, path: &Path) -> io::Result<Directory> {
        let path = CString::new(path.as_os_str().as_bytes())?;
        let flags = libc::O_RDONLY | libc::O_DIRECTORY | libc::O_CLOEXEC;
        // SAFETY: `path` is NUL-terminated and outlives the call.
        let open = || call_c("open", || unsafe { libc::open(path.as_ptr(), flags) });
        Ok(Directory { descriptor: Descriptor::open(process, open)? })
    }

    /// The process that opened it.
    pub(crate) fn process(&self) -> Process {
        self.descriptor.process()
    }

    #[cfg(target_os = "linux")]
    pub(super) fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.descriptor.as_raw_fd()
    }

    /// Owner and mode of the directory itself.
    pub(super) fn own_facts(&self) -> io::Result<FileFacts> {
        facts_of(self.descriptor.as_raw_fd())
    }

    /// Filesystem type and name limit.
    pub(crate) fn facts(&self) -> io::Result<DirectoryFacts> {
        let mut stat = MaybeUninit::<libc::statfs>::uninit();
        let raw = self.descriptor.as_raw_fd();
        // SAFETY: `stat` is writable and of the right type.
        call_c("fstatfs", || unsafe { libc::fstatfs(raw, stat.as_mut_ptr()) })?;
        // SAFETY: fstatfs succeeded and filled it.
        Ok(facts_from_statfs(unsafe { stat.assume_init_ref() }))
    }

    /// Opens an existing file; `None` if there is none. What it is remains to be checked.
    pub(crate) fn open_file(
        &self,
        name: &FileName,
        access: Access,
    ) -> io::Result<Option<LockFile>> {
        match self.open_at(name, mode_of(access), 0) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            opened => opened.map(Some),
        }
    }

    /// Opens a file for reading and writing, and creates it if there is none. Never truncates.
    pub(super) fn open_or_create_file(&self, name: &FileName, mode: u32) -> io::Result<LockFile> {
        self.open_at(name, libc::O_RDWR | libc::O_CREAT, mode)
    }

    /// The same, for root: a file that is created belongs to `owner` from its first moment on, so
    /// that a death leaves nothing behind that its owner cannot open.
    ///
    /// Where the system cannot make a file without a name (O_TMPFILE), the caller must give it away.
    pub(super) fn open_or_create_file_of(
        &self,
        owner: u32,
        name: &FileName,
        mode: u32,
    ) -> io::Result<LockFile> {
        #[cfg(target_os = "linux")]
        for _ in 0..2 {
            match self.open_at(name, libc::O_RDWR, 0) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                opened => return opened,
            }
            let Some(file) = self.create_nameless_file(mode)? else { break };
            file.give_to(owner)?;
            match self.name_file(&file, name) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                // ENOENT without CAP_DAC_READ_SEARCH (open(2) on O_TMPFILE); EPERM from filesystems
                // without links and from security modules.
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        || error.raw_os_error() == Some(libc::EPERM)
                        || is_unsupported(&error) =>
                {
                    break;
                }
                named => return named.map(|()| file),
            }
        }
        let _ = owner;
        self.open_or_create_file(name, mode)
    }

    /// `None` where the filesystem or the kernel has no O_TMPFILE.
    #[cfg(target_os = "linux")]
    fn create_nameless_file(&self, mode: u32) -> io::Result<Option<LockFile>> {
        let raw = self.descriptor.as_raw_fd();
        let flags = libc::O_RDWR | libc::O_TMPFILE | LOCK_FILE_FLAGS;
        let open = || {
            // SAFETY: the name is NUL-terminated; the mode is promoted as C demands.
            call_c("openat", || unsafe {
                libc::openat(raw, c".".as_ptr(), flags, mode as libc::c_uint)
            })
        };
        match Descriptor::open(self.process(), open) {
            // A kernel before 3.11 sees a directory opened for writing.
            Err(error) if is_unsupported(&error) || means_not_a_regular_file(&error) => Ok(None),
            opened => opened.map(|descriptor| Some(LockFile::new(descriptor))),
        }
    }

    /// Gives a nameless file its name; fails with EEXIST rather than replace anything.
    #[cfg(target_os = "linux")]
    fn name_file(&self, file: &LockFile, name: &FileName) -> io::Result<()> {
        let (raw, file) = (self.descriptor.as_raw_fd(), file.as_raw_fd());
        // SAFETY: both names are NUL-terminated and outlive the call.
        call_c("linkat", || unsafe {
            libc::linkat(file, c"".as_ptr(), raw, name.as_ptr(), libc::AT_EMPTY_PATH)
        })
        .map(drop)
    }

    /// Creates a file for reading and writing; an error if the name is taken, by whatever it is.
    pub(super) fn create_new_file(&self, name: &FileName, mode: u32) -> io::Result<LockFile> {
        self.open_at(name, libc::O_RDWR | libc::O_CREAT | libc::O_EXCL, mode)
    }

    fn open_at(&self, name: &FileName, flags: libc::c_int, mode: u32) -> io::Result<LockFile> {
        let raw = self.descriptor.as_raw_fd();
        let flags = flags | LOCK_FILE_FLAGS;
        let open = || {
            // SAFETY: the name is NUL-terminated and outlives the call; the mode is promoted as
            // C's variable arguments demand.
            call_c("openat", || unsafe {
                libc::openat(raw, name.as_ptr(), flags, mode as libc::c_uint)
            })
        };
        Descriptor::open(self.process(), open).map(LockFile::new)
    }

    /// What stands at a name now, symlinks not followed; `None` if nothing does.
    pub(crate) fn facts_at(&self, name: &FileName) -> io::Result<Option<FileFacts>> {
        let mut stat = MaybeUninit::<libc::stat>::uninit();
        let raw = self.descriptor.as_raw_fd();
        let flags = libc::AT_SYMLINK_NOFOLLOW;
        // SAFETY: the name is NUL-terminated and `stat` writable.
        let done = call_c("fstatat", || unsafe {
            libc::fstatat(raw, name.as_ptr(), stat.as_mut_ptr(), flags)
        });
        match done {
            // SAFETY: fstatat succeeded and filled it.
            Ok(_) => Ok(Some(FileFacts::from_stat(unsafe { stat.assume_init_ref() }))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Renames, and fails with EEXIST rather than replace anything. The file is at one of the names
    /// at every moment; where the filesystem cannot rename so, by link and unlink, for a moment at
    /// both.
    pub(crate) fn publish_without_overwrite(
        &self,
        from: &FileName,
        to: &FileName,
    ) -> io::Result<()> {
        match self.rename_exclusively(from, to) {
            Err(error) if is_unsupported(&error) => {
                self.link(from, to)?;
                self.remove(from).map(drop)
            }
            renamed => renamed,
        }
    }

    /// Renames, and fails with EEXIST rather than replace anything: never by link, because a death
    /// in between would leave the file with two names.
    ///
    /// Where the filesystem has no such rename, look, then rename: for a name that the caller has
    /// reserved against all who keep to the protocol.
    pub(crate) fn move_without_overwrite(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        match self.rename_exclusively(from, to) {
            Err(error) if is_unsupported(&error) => {
                if self.facts_at(to)?.is_some() {
                    return Err(already_exists());
                }
                self.rename(from, to)
            }
            renamed => renamed,
        }
    }

    /// Fails with [`is_unsupported`] where the filesystem cannot rename so.
    fn rename_exclusively(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        let raw = self.descriptor.as_raw_fd();
        // SAFETY: both names are NUL-terminated and outlive the call.
        call_c("renameat2", || unsafe { rename_noreplace(raw, from.as_ptr(), to.as_ptr()) })
            .map(drop)
    }

    fn rename(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        let raw = self.descriptor.as_raw_fd();
        // SAFETY: both names are NUL-terminated and outlive the call.
        call_c("renameat", || unsafe { libc::renameat(raw, from.as_ptr(), raw, to.as_ptr()) })
            .map(drop)
    }

    fn link(&self, from: &FileName, to: &FileName) -> io::Result<()> {
        let raw = self.descriptor.as_raw_fd();
        // SAFETY: both names are NUL-terminated and outlive the call.
        call_c("linkat", || unsafe { libc::linkat(raw, from.as_ptr(), raw, to.as_ptr(), 0) })
            .map(drop)
    }

    /// Removes a name that is not a directory's; `false` if it was gone already.
    pub(crate) fn remove(&self, name: &FileName) -> io::Result<bool> {
        let raw = self.descriptor.as_raw_fd();
        // SAFETY: the name is NUL-terminated.
        match call_c("unlinkat", || unsafe { libc::unlinkat(raw, name.as_ptr(), 0) }) {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Flushes the directory's entries to stable storage: fsync(2) of a file does not.
    pub(crate) fn sync(&self) -> io::Result<()> {
        call("fsync directory", || flush(self.descriptor.as_raw_fd()))
    }
}

/// What the system says of a name that is taken.
pub(crate) fn already_exists() -> io::Error {
    io::Error::from_raw_os_error(libc::EEXIST)
}

/// Whether an error says that the filesystem or kernel has no such operation.
fn is_unsupported(error: &io::Error) -> bool {
    let is = |number| error.raw_os_error() == Some(number);
    // ENOTSUP is EOPNOTSUPP on Linux and another number on macOS.
    is(libc::EINVAL) || is(libc::ENOSYS) || is(libc::EOPNOTSUPP) || is(libc::ENOTSUP)
}

/// Whether opening failed because of what stands at the name: a symlink, a socket (for which macOS
/// has a number of its own), a device without a driver, or a directory.
pub(crate) fn means_not_a_regular_file(error: &io::Error) -> bool {
    let number = error.raw_os_error();
    matches!(number, Some(libc::ELOOP | libc::ENXIO | libc::ENODEV | libc::EISDIR))
        || (cfg!(target_vendor = "apple") && number == Some(libc::EOPNOTSUPP))
}

/// Whether an error says that somebody uses the file at this moment in a way that keeps us out. Here
/// only an OS lock does, which has an answer of its own.
pub(crate) fn means_in_use(_error: &io::Error) -> bool {
    false
}

/// Whether an error says that the file is removed, but still has its name. Never here.
pub(crate) fn means_being_deleted(_error: &io::Error) -> bool {
    false
}

/// Whether a name or path is over the system's limit.
pub(crate) fn means_name_too_long(error: &io::Error) -> bool {
    error.raw_os_error() == Some(libc::ENAMETOOLONG)
}

/// Whether opening a directory failed because there is none.
pub(crate) fn means_no_directory(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

fn mode_of(access: Access) -> libc::c_int {
    match access {
        Access::Read => libc::O_RDONLY,
        Access::ReadWrite => libc::O_RDWR,
    }
}

#[cfg(target_os = "linux")]
unsafe fn rename_noreplace(
    directory: libc::c_int,
    from: *const libc::c_char,
    to: *const libc::c_char,
) -> libc::c_int {
    const RENAME_NOREPLACE: libc::c_uint = 1;
    // By number, because glibc before 2.28 has no wrapper.
    // SAFETY: the caller passes two NUL-terminated names.
    let done = unsafe {
        libc::syscall(libc::SYS_renameat2, directory, from, directory, to, RENAME_NOREPLACE)
    };
    done as libc::c_int
}

#[cfg(target_os = "linux")]
#[allow(clippy::unnecessary_cast)]
fn facts_from_statfs(stat: &libc::statfs) -> DirectoryFacts {
    /// The closed list: names and the kernel's numbers (linux/magic.h; OpenAFS and Lustre: their own).
    const NETWORK_FILESYSTEMS: [(&str, u32); 11] = [
        ("NFS", 0x6969),
        ("SMB", 0x517B),
        ("SMB", 0xFF53_4D42),
        ("SMB", 0xFE53_4D42),
        ("9P", 0x0102_1997),
        ("FUSE", 0x6573_5546),
        ("AFS", 0x5346_414F),
        ("AFS", 0x6B41_4653),
        ("Ceph", 0x00C3_6400),
        ("Lustre", 0x0BD0_0BD0),
        ("Coda", 0x7375_7245),
    ];
    // The field's width and sign differ from platform to platform; the numbers have 32 bits.
    let magic = stat.f_type as u32;
    let network_filesystem =
        NETWORK_FILESYSTEMS.iter().find(|(_, number)| *number == magic).map(|(name, _)| *name);
    DirectoryFacts {
        network_filesystem,
        renumbering_filesystem: None,
        longest_name: stat.f_namelen as usize,
    }
}
