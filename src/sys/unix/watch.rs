// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waiting for a file to go away, without looking again and again.

use std::time::Duration;

use super::{Directory, FileName};

/// Watches one marker after the other for a caller who waits.
///
/// To close an inotify descriptor whose watches ended just now takes the kernel some milliseconds
/// (it waits for all who might still look at them), and that would be the time between one holder
/// and the next. So who has acquired parks its watcher: at most one stays open in a process, for the
/// next to wait, until a lock is released.
#[derive(Debug, Default)]
pub(crate) struct Watcher {
    #[cfg(target_os = "linux")]
    inotify: Option<inotify::Inotify>,
}

impl Watcher {
    /// Waits until a file that was seen loses its name, or for so long. Tells whether it may have
    /// gone; that is a hint to look again, no more. Without inotify, or without /proc, this is a
    /// plain pause.
    pub(crate) fn wait_until_removed(
        &mut self,
        directory: &Directory,
        name: &FileName,
        most: Duration,
    ) -> bool {
        #[cfg(target_os = "linux")]
        if let Some(went_away) = inotify::wait(&mut self.inotify, directory, name, most) {
            return went_away;
        }
        let _ = (directory, name);
        std::thread::sleep(most);
        false
    }

    /// Leaves it to the next in this process to wait.
    pub(crate) fn park(self) {
        #[cfg(target_os = "linux")]
        if let Some(inotify) = self.inotify {
            inotify.park();
        }
    }

    /// Closes the one that was parked, if there is one.
    pub(crate) fn close_parked() {
        #[cfg(target_os = "linux")]
        drop(inotify::Inotify::take_parked());
    }
}

#[cfg(target_os = "linux")]
mod inotify {
    use std::ffi::CString;
    use std::io;
    use std::os::fd::AsRawFd;
    use std::time::{Duration, Instant};

    use super::super::descriptor::Descriptor;
    use super::super::fork::{ForkMutex, Process};
    use super::{Directory, FileName};

    static PARKED: ForkMutex<Option<Inotify>> = ForkMutex::new(None);

    #[derive(Debug)]
    pub(super) struct Inotify(Descriptor);

    /// `None` if no watch could be set up.
    pub(super) fn wait(
        place: &mut Option<Inotify>,
        directory: &Directory,
        name: &FileName,
        most: Duration,
    ) -> Option<bool> {
        if place.is_none() {
            *place = Inotify::take_parked();
        }
        if place.is_none() {
            *place = Inotify::open(directory.process()).ok();
        }
        let inotify = place.as_ref()?;
        match inotify.watch(directory, name) {
            Ok(()) => Some(inotify.wait_for_event(most)),
            // It went away since the caller saw it; or /proc is not there.
            Err(_) if matches!(directory.facts_at(name), Ok(None)) => Some(true),
            Err(_) => None,
        }
    }

    impl Inotify {
        fn open(process: Process) -> io::Result<Inotify> {
            let open = || {
                // SAFETY: has no preconditions.
                match unsafe { libc::inotify_init1(libc::IN_NONBLOCK | libc::IN_CLOEXEC) } {
                    -1 => Err(io::Error::last_os_error()),
                    raw => Ok(raw),
                }
            };
            Descriptor::open(process, open).map(Inotify)
        }

        pub(super) fn park(self) {
            // Closed, if at all, outside of the mutex: see ForkMutex.
            let former = PARKED.lock().replace(self);
            drop(former);
        }

        pub(super) fn take_parked() -> Option<Inotify> {
            let parked = PARKED.lock().take();
            // A parent's was closed by the fork handler.
            let parked = parked.filter(|inotify| inotify.0.is_ours())?;
            if parked.is_still_inotify() {
                return Some(parked);
            }
            parked.0.abandon();
            None
        }

        /// It stays open for long, and a program may have closed descriptors that are not its own.
        fn is_still_inotify(&self) -> bool {
            let link = format!("/proc/self/fd/{}", self.0.as_raw_fd());
            std::fs::read_link(link).is_ok_and(|name| name.as_os_str() == "anon_inode:inotify")
        }

        /// inotify(7): IN_ATTRIB comes when the link count changes, which is when a file that its
        /// holder still has open is unlinked; IN_DELETE_SELF only when the last descriptor is
        /// closed. A file that is watched already is watched once.
        fn watch(&self, directory: &Directory, name: &FileName) -> io::Result<()> {
            let mut path = format!("/proc/self/fd/{}/", directory.as_raw_fd()).into_bytes();
            path.extend_from_slice(name.as_os_str().as_encoded_bytes());
            let path = CString::new(path)?;
            let events =
                libc::IN_ATTRIB | libc::IN_MOVE_SELF | libc::IN_DELETE_SELF | libc::IN_DONT_FOLLOW;
            // SAFETY: the path is NUL-terminated and outlives the call.
            match unsafe { libc::inotify_add_watch(self.0.as_raw_fd(), path.as_ptr(), events) } {
                -1 => Err(io::Error::last_os_error()),
                _ => Ok(()),
            }
        }

        /// An event of a file that was watched before counts too: it costs one more look.
        fn wait_for_event(&self, most: Duration) -> bool {
            let start = Instant::now();
            loop {
                let left = most.saturating_sub(start.elapsed());
                // Rounded up, so that the last millisecond is not spent asking.
                let timeout =
                    i32::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(i32::MAX);
                let mut request =
                    libc::pollfd { fd: self.0.as_raw_fd(), events: libc::POLLIN, revents: 0 };
                // SAFETY: one pollfd, which outlives the call.
                match unsafe { libc::poll(&raw mut request, 1, timeout) } {
                    -1 if io::Error::last_os_error().kind() == io::ErrorKind::Interrupted => {}
                    -1 => {
                        std::thread::sleep(left);
                        return false;
                    }
                    0 => return false,
                    _ => {
                        self.forget_events();
                        return true;
                    }
                }
            }
        }

        fn forget_events(&self) {
            let mut events = [0u8; 1024];
            // SAFETY: the buffer is writable for its whole length. What is not read now, or fails to
            // be, wakes the next wait, for one more look.
            unsafe { libc::read(self.0.as_raw_fd(), events.as_mut_ptr().cast(), events.len()) };
        }
    }
}
