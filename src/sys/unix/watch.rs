// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for a file to go away, without looking again and again.

use std::time::Duration;

use super::{Directory, FileName};

/// Waits until the file loses its name, or for so long. Tells whether it may have gone; that is a
/// hint to look again, no more. Without inotify, or without /proc, this is a plain pause.
pub(crate) fn wait_until_removed(directory: &Directory, name: &FileName, most: Duration) -> bool {
    #[cfg(target_os = "linux")]
    if let Some(went_away) = inotify::wait(directory, name, most) {
        return went_away;
    }
    let _ = (directory, name);
    std::thread::sleep(most);
    false
}

#[cfg(target_os = "linux")]
mod inotify {
    use std::ffi::CString;
    use std::io;
    use std::os::fd::{AsRawFd, RawFd};
    use std::time::{Duration, Instant};

    use super::super::descriptor::Descriptor;
    use super::{Directory, FileName};

    /// `None` if no watch could be set up. Where there is no file, the time is waited out.
    pub(super) fn wait(directory: &Directory, name: &FileName, most: Duration) -> Option<bool> {
        let watcher = Descriptor::open(directory.process(), || {
            // SAFETY: has no preconditions.
            match unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) } {
                -1 => Err(io::Error::last_os_error()),
                raw => Ok(raw),
            }
        });
        let watcher = watcher.ok()?;
        match watch(watcher.as_raw_fd(), directory, name) {
            Ok(()) => Some(wait_for_event(watcher.as_raw_fd(), most)),
            // No such file: it went away, or /proc is not there.
            Err(_) if matches!(directory.facts_at(name), Ok(None)) => {
                // Nothing to watch. The lock is about to be free, or about to be published.
                std::thread::sleep(most);
                Some(false)
            }
            Err(_) => None,
        }
    }

    /// inotify(7): IN_ATTRIB comes when the link count changes, which is when a file that its
    /// holder still has open is unlinked; IN_DELETE_SELF only when the last descriptor is closed.
    fn watch(watcher: RawFd, directory: &Directory, name: &FileName) -> io::Result<()> {
        let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
        path.extend_from_slice(name.as_os_str().as_encoded_bytes());
        let path = CString::new(path)?;
        let events =
            libc::IN_ATTRIB | libc::IN_MOVE_SELF | libc::IN_DELETE_SELF | libc::IN_DONT_FOLLOW;
        // SAFETY: the path is NUL-terminated and outlives the call.
        match unsafe { libc::inotify_add_watch(watcher, path.as_ptr(), events) } {
            -1 => Err(io::Error::last_os_error()),
            _ => Ok(()),
        }
    }

    fn wait_for_event(watcher: RawFd, most: Duration) -> bool {
        let start = Instant::now();
        loop {
            let left = most.saturating_sub(start.elapsed());
            // Rounded up, so that the last millisecond is not spent asking.
            let timeout = i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
            let mut request = libc::pollfd { fd: watcher, events: libc::POLLIN, revents: 0 };
            // SAFETY: one pollfd, which outlives the call.
            match unsafe { libc::poll(&raw mut request, 1, timeout) } {
                -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                -1 => {
                    std::thread::sleep(left);
                    return false;
                }
                answer => return answer > 0,
            }
        }
    }
}
