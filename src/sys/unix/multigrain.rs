// SPDX-License-Identifier: MIT OR Apache-2.0
//! Filesystems on which a file that was looked at cannot change without its showing.

use std::mem::MaybeUninit;
use std::sync::atomic::{AtomicU32, Ordering};

/// Since Linux 6.13 these give every change of an inode that was looked at since the last one a
/// time of its own (Documentation/filesystems/multigrain-ts.rst), and each counts a rename as a
/// change: ext4, XFS, Btrfs, tmpfs. (A filesystem that is mounted as ext2 or ext3 has ext4's number,
/// and counts in ticks of the clock.)
const MULTIGRAIN_FILESYSTEMS: [u32; 4] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994];

/// Whether a filesystem with this number of statfs(2) is such a one.
pub(super) fn shows_every_change(magic: u32) -> bool {
    MULTIGRAIN_FILESYSTEMS.contains(&magic) && kernel_is_at_least(6, 13)
}

/// Asked of the system once.
fn kernel_is_at_least(major: u32, minor: u32) -> bool {
    /// The two numbers in one; 0 before it is known.
    static VERSION: AtomicU32 = AtomicU32::new(0);
    let known = VERSION.load(Ordering::Relaxed);
    if known != 0 {
        return known >= (major << 16 | minor);
    }
    let mut name = MaybeUninit::<libc::utsname>::zeroed();
    // SAFETY: `name` is writable and of the right type; zeroed, it is valid if the call fails.
    let name = unsafe {
        libc::uname(name.as_mut_ptr());
        name.assume_init()
    };
    let release = name.release.map(|c| c as u8);
    let mut numbers = release.split(|byte| !byte.is_ascii_digit()).map(|digits| {
        std::str::from_utf8(digits).ok().and_then(|digits| digits.parse::<u16>().ok())
    });
    let mut next = || u32::from(numbers.next().flatten().unwrap_or(0));
    let version = next() << 16 | next();
    VERSION.store(version.max(1), Ordering::Relaxed);
    version >= (major << 16 | minor)
}
