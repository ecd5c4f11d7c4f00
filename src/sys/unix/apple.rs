// SPDX-License-Identifier: MIT OR Apache-2.0
//! What macOS has under other names than Linux.

use super::directory::DirectoryFacts;

/// rename(2): RENAME_EXCL fails with EEXIST if the name is taken, and with ENOTSUP where the
/// filesystem does not know it. (APFS and HFS+ do.)
pub(super) unsafe fn rename_noreplace(
    directory: libc::c_int,
    from: *const libc::c_char,
    to: *const libc::c_char,
) -> libc::c_int {
    // SAFETY: the caller passes two NUL-terminated names.
    unsafe { libc::renameatx_np(directory, from, directory, to, libc::RENAME_EXCL) }
}

pub(super) fn facts_from_statfs(stat: &libc::statfs) -> DirectoryFacts {
    const NETWORK_FILESYSTEMS: [(&str, &str); 10] = [
        ("NFS", "nfs"),
        ("SMB", "smbfs"),
        ("AFP", "afpfs"),
        ("WebDAV", "webdav"),
        ("FTP", "ftp"),
        ("FUSE", "macfuse"),
        ("FUSE", "osxfuse"),
        ("FUSE", "fusefs"),
        ("AFS", "afs"),
        ("9P", "9p"),
    ];
    // On FAT a file's number is its first cluster, and all empty files, as companions are, have the
    // same one (FILENO_EMPTY in Apple's msdosfs). Of exFAT's Apple has not published how it numbers.
    const RENUMBERING_FILESYSTEMS: [(&str, &str); 2] = [("FAT", "msdos"), ("exFAT", "exfat")];
    let kind: Vec<u8> =
        stat.f_fstypename.iter().map(|c| *c as u8).take_while(|byte| *byte != 0).collect();
    let find = |list: &[(&'static str, &str)]| {
        list.iter().find(|(_, name)| name.as_bytes() == kind).map(|(shown, _)| *shown)
    };
    // statfs(2): MNT_LOCAL says that the filesystem is stored locally.
    let is_local = stat.f_flags & libc::MNT_LOCAL as u32 != 0;
    DirectoryFacts {
        network_filesystem: find(&NETWORK_FILESYSTEMS).or((!is_local).then_some("not local")),
        renumbering_filesystem: find(&RENUMBERING_FILESYSTEMS),
        // NAME_MAX, in bytes. HFS+ counts UTF-16 units, of which there are never more.
        longest_name: 255,
    }
}
