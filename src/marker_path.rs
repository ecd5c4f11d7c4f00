// SPDX-License-Identifier: MIT OR Apache-2.0
//! A marker's path, checked as text before anything is opened.

use std::path::{Path, PathBuf};

use crate::error::{Error, Result, quote_path};
use crate::sys::{self, FileName};

/// What is added to the marker's name for the companion that carries the OS lock.
pub(crate) const COMPANION_SUFFIX: &str = ".flock";
/// What is added to the marker's name while a marker is being published.
pub(crate) const FRESH_SUFFIX: &str = ".new";

/// A marker's path, checked as text; nothing was opened yet.
#[derive(Debug, Clone)]
pub(crate) struct MarkerPath {
    given: PathBuf,
    parent: PathBuf,
    name: FileName,
}

impl MarkerPath {
    /// Refuses a path without a file name, and the reserved endings.
    pub(crate) fn parse(path: &Path) -> Result<MarkerPath> {
        let parsed = MarkerPath::parse_any(path)?;
        for reserved in [COMPANION_SUFFIX, FRESH_SUFFIX] {
            if parsed.name.ends_with(reserved) {
                let path = quote_path(path);
                return Err(Error::argument(format!(
                    "marker_path {path} ends in {reserved:?}, which is reserved for the library's own files"
                )));
            }
        }
        Ok(parsed)
    }

    /// The same for a path that may be any file's.
    pub(crate) fn parse_any(path: &Path) -> Result<MarkerPath> {
        match sys::split_path(path) {
            Some((parent, name)) => Ok(MarkerPath { given: path.to_owned(), parent, name }),
            None => {
                let path = quote_path(path);
                Err(Error::argument(format!("path {path} does not name a file in a directory")))
            }
        }
    }

    /// The path as the caller wrote it, with a suffix.
    pub(crate) fn given_with_suffix(&self, suffix: &str) -> PathBuf {
        let mut path = self.given.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    pub(crate) fn given(&self) -> &Path {
        &self.given
    }

    pub(crate) fn parent(&self) -> &Path {
        &self.parent
    }

    pub(crate) fn name(&self) -> &FileName {
        &self.name
    }

    /// The marker's path as the working directory is now: it stays right when that changes.
    pub(crate) fn absolute(&self) -> Result<PathBuf> {
        std::path::absolute(&self.given)
            .map_err(|error| Error::io("working directory", &self.given, &error))
    }
}
