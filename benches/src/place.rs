// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where it is measured: a directory of a file system, with a directory for each subject below it.

use std::ffi::{CStr, CString};
use std::fs::{self, DirBuilder};
use std::mem::MaybeUninit;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use crate::Result;
use crate::floor::c_path;

pub struct Place {
    /// "ext4", "xfs" and so on, or "build" for the directory of the build's own file system.
    pub name: String,
    pub path: PathBuf,
    pub c_path: CString,
}

impl Place {
    /// Makes a directory of our own below `parent`.
    pub fn new(name: &str, parent: &Path) -> Result<Place> {
        let path = parent.join(format!("crtx-bench-{}", std::process::id()));
        DirBuilder::new().mode(0o700).create(&path)?;
        let path = fs::canonicalize(path)?;
        let c_path = c_path(&path)?;
        Ok(Place { name: name.to_owned(), path, c_path })
    }

    /// The directory of one subject.
    pub fn subject(&self, name: &str) -> Result<PathBuf> {
        let directory = self.path.join(name);
        DirBuilder::new().recursive(true).mode(0o700).create(&directory)?;
        Ok(directory)
    }

    /// The marker in the directory of one subject.
    pub fn marker(&self, subject: &str) -> Result<CString> {
        c_path(&self.subject(subject)?.join("marker"))
    }

    pub fn filesystem(&self) -> String {
        filesystem(&self.c_path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// What the kernel calls the file system: statfs(2) has the numbers.
fn filesystem(path: &CStr) -> String {
    let mut facts = MaybeUninit::<libc::statfs>::uninit();
    // SAFETY: the path is terminated, and the output is written if the call succeeds.
    let kind = unsafe {
        if libc::statfs(path.as_ptr(), facts.as_mut_ptr()) != 0 {
            return "unknown".into();
        }
        facts.assume_init().f_type as u64
    };
    match kind {
        0xEF53 => "ext4".into(),
        0x5846_5342 => "xfs".into(),
        0x9123_683E => "btrfs".into(),
        0x0102_1994 => "tmpfs".into(),
        0x794C_7630 => "overlay".into(),
        other => format!("0x{other:x}"),
    }
}
