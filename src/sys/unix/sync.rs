// SPDX-License-Identifier: MIT OR Apache-2.0
//! To stable storage.

use std::io;
use std::os::fd::RawFd;

/// Flushes a file with its metadata, or a directory's entries, to stable storage.
///
/// Never again after a failure that may have lost something: see the protocol's page on fsync.
pub(super) fn flush(descriptor: RawFd) -> io::Result<()> {
    // SAFETY: fsync takes any number.
    let fsync = || answer(unsafe { libc::fsync(descriptor) });
    #[cfg(target_vendor = "apple")]
    {
        // SAFETY: F_FULLFSYNC takes no argument.
        let full = || answer(unsafe { libc::fcntl(descriptor, libc::F_FULLFSYNC) });
        flush_fully(full, fsync)
    }
    #[cfg(not(target_vendor = "apple"))]
    fsync()
}

fn answer(result: libc::c_int) -> io::Result<()> {
    if result == -1 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// fsync(2) of macOS: fsync gives the bytes to the drive, which may keep them in its cache for long
/// and write them in another order; for a promise there is F_FULLFSYNC. fcntl(2): APFS, HFS, FAT and
/// UDF have it. Others do not know it, and then it has done nothing: fsync is the best there is.
///
/// Three numbers say so: XNU itself takes these for "the filesystem does not support it", where it
/// does F_FULLFSYNC for an unsupported F_BARRIERFSYNC. (SMB answers the second, WebDAV the third.)
#[cfg(any(target_vendor = "apple", test))]
fn flush_fully(
    full: impl FnOnce() -> io::Result<()>,
    fsync: impl FnOnce() -> io::Result<()>,
) -> io::Result<()> {
    match full() {
        Err(error)
            if matches!(
                error.raw_os_error(),
                Some(libc::EINVAL | libc::ENOTSUP | libc::ENOTTY)
            ) =>
        {
            fsync()
        }
        flushed => flushed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(number: i32) -> io::Error {
        io::Error::from_raw_os_error(number)
    }

    #[test]
    fn a_plain_fsync_stands_in_only_where_the_filesystem_knows_no_full_one() {
        for unknown in [libc::EINVAL, libc::ENOTSUP, libc::ENOTTY] {
            flush_fully(|| Err(error(unknown)), || Ok(())).unwrap();
            let failed = flush_fully(|| Err(error(unknown)), || Err(error(libc::EIO)));
            assert_eq!(failed.unwrap_err().raw_os_error(), Some(libc::EIO));
        }
        // After these, pages may be lost, and an fsync would succeed without having written them.
        for failure in [libc::EIO, libc::ENOSPC, libc::EINTR, libc::EBADF] {
            let failed = flush_fully(|| Err(error(failure)), || panic!("fsync after a failure"));
            assert_eq!(failed.unwrap_err().raw_os_error(), Some(failure));
        }
        flush_fully(|| Ok(()), || panic!("one is enough")).unwrap();
    }

    #[test]
    fn a_file_and_a_directory_are_flushed_and_an_error_is_told() {
        use std::os::fd::AsRawFd;
        let directory = tempfile::tempdir().unwrap();
        let file = std::fs::File::create(directory.path().join("x")).unwrap();
        flush(file.as_raw_fd()).unwrap();
        flush(std::fs::File::open(directory.path()).unwrap().as_raw_fd()).unwrap();
        assert_eq!(flush(-1).unwrap_err().raw_os_error(), Some(libc::EBADF));
    }
}
