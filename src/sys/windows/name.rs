// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names and paths, as Win32 programs understand them.

use std::ffi::{OsStr, OsString};
use std::os::windows::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf, Prefix};

use windows_sys::Win32::Globalization::{CSTR_EQUAL, CompareStringOrdinal};

/// One name inside a directory that every program takes for a file's own name: see
/// [`FileName::new`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileName {
    text: OsString,
    wide: Vec<u16>,
}

impl FileName {
    /// `None` for what Win32 would take for something else than a file of this very name
    /// (Microsoft's page "Naming Files, Paths, and Namespaces"): separators, wildcards, control
    /// characters, the colon of a drive or of an alternate data stream, a dot or a space at the
    /// end, and the names of devices with whatever extension.
    pub(crate) fn new(name: &OsStr) -> Option<FileName> {
        let bytes = name.as_encoded_bytes();
        let is_refused = |byte: &u8| *byte < 0x20 || b"<>:\"/\\|?*".contains(byte);
        if bytes.is_empty() || bytes.iter().any(is_refused) || is_device(name) {
            return None;
        }
        if bytes.ends_with(b".") || bytes.ends_with(b" ") {
            return None;
        }
        Some(FileName::from_text(name.to_owned()))
    }

    fn from_text(text: OsString) -> FileName {
        let wide = text.encode_wide().collect();
        FileName { text, wide }
    }

    /// The same name with a suffix.
    pub(crate) fn with_suffix(&self, suffix: &str) -> FileName {
        let mut text = self.text.clone();
        text.push(suffix);
        FileName::from_text(text)
    }

    pub(crate) fn as_os_str(&self) -> &OsStr {
        &self.text
    }

    /// As the system wants it, without a terminating zero.
    pub(super) fn wide(&self) -> &[u16] {
        &self.wide
    }

    /// How long the filesystem counts it: in UTF-16 units.
    pub(crate) fn length(&self) -> usize {
        self.wide.len()
    }

    /// Whether the filesystem would take the name's end for this text: upper and lower case are one.
    pub(crate) fn ends_with(&self, text: &str) -> bool {
        let text: Vec<u16> = text.encode_utf16().collect();
        self.wide.len() >= text.len()
            && are_one_name(&self.wide[self.wide.len() - text.len()..], &text)
    }

    /// What follows this name in a longer one, if that is ASCII; `None` for a name that does not
    /// begin with it. Upper and lower case of the name are one.
    pub(crate) fn rest_of<'a>(&self, longer: &'a OsStr) -> Option<&'a [u8]> {
        let wide: Vec<u16> = longer.encode_wide().collect();
        let (start, rest) = wide.split_at_checked(self.wide.len())?;
        if !are_one_name(start, &self.wide) || rest.iter().any(|unit| *unit >= 0x80) {
            return None;
        }
        // An ASCII character is one unit and one byte.
        let bytes = longer.as_encoded_bytes();
        Some(&bytes[bytes.len() - rest.len()..])
    }
}

/// Compares as the filesystem does: CompareStringOrdinal uses the system's own table of upper case.
fn are_one_name(left: &[u16], right: &[u16]) -> bool {
    let length = |text: &[u16]| i32::try_from(text.len()).unwrap_or(i32::MAX);
    // SAFETY: both are readable for their lengths.
    let order = unsafe {
        CompareStringOrdinal(left.as_ptr(), length(left), right.as_ptr(), length(right), 1)
    };
    left.is_empty() && right.is_empty() || order == CSTR_EQUAL
}

/// CON, NUL and their like, alone or before a dot.
fn is_device(name: &OsStr) -> bool {
    const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
    let Some(name) = name.to_str() else { return false };
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ').to_ascii_uppercase();
    let numbered = |port: &str| {
        let number = stem.strip_prefix(port).unwrap_or("");
        let mut digits = number.chars();
        let is_one = matches!(digits.next(), Some('0'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'));
        is_one && digits.next().is_none()
    };
    DEVICES.contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

/// Splits a path into its directory and the name in it, without touching the disk.
///
/// `None` where the last component is no file name (an empty path, a trailing separator, `.`, `..`,
/// and what [`FileName::new`] refuses), and for a path into the namespace of devices (`\\.\`).
pub(crate) fn split_path(path: &Path) -> Option<(PathBuf, FileName)> {
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.contains(&0) {
        return None;
    }
    if let Some(Component::Prefix(prefix)) = path.components().next() {
        if matches!(prefix.kind(), Prefix::DeviceNS(_)) {
            return None;
        }
    }
    // Path is more forgiving: it takes "a/" and "a/." for "a".
    let name = path.file_name().filter(|name| bytes.ends_with(name.as_encoded_bytes()))?;
    let parent = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    Some((parent.to_owned(), FileName::new(name)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(path: &str) -> Option<(String, String)> {
        split_path(Path::new(path)).map(|(parent, name)| {
            (parent.to_str().unwrap().to_owned(), name.as_os_str().to_str().unwrap().to_owned())
        })
    }

    fn name(text: &str) -> Option<FileName> {
        FileName::new(text.as_ref())
    }

    #[test]
    fn a_path_is_split_at_its_last_separator() {
        for (path, parent) in [
            ("x.lock", "."),
            (r"C:\x.lock", r"C:\"),
            (r"C:\a\x.lock", r"C:\a"),
            ("C:/a/x.lock", "C:/a"),
            (r"a\b/x.lock", r"a\b"),
            (r"\x.lock", r"\"),
            ("C:x.lock", "C:"),
            (r"\\?\C:\x.lock", r"\\?\C:\"),
            (r"\\server\share\x.lock", r"\\server\share\"),
        ] {
            assert_eq!(split(path), Some((parent.into(), "x.lock".into())), "{path}");
        }
    }

    #[test]
    fn what_is_no_files_name_is_refused() {
        for path in [
            "",
            "/",
            r"\",
            "a/",
            r"a\",
            "a/.",
            r"a\..",
            ".",
            "..",
            "C:",
            r"C:\",
            "a/b\0c",
            "a\0b/c",
            r"\\server\share",
            r"\\.\C:\x",
            r"\\.\pipe\x",
            r"\\.\NUL",
        ] {
            assert_eq!(split(path), None, "{path:?}");
        }
    }

    #[test]
    fn a_name_that_win32_takes_for_another_one_is_refused() {
        for text in [
            "x.",
            "x ",
            "x. ",
            "...",
            "x:stream",
            "x::$DATA",
            "a*",
            "a?",
            "a|b",
            "a<b",
            "a\"b",
            "a\tb",
            "CON",
            "con.lock",
            "Aux",
            "nul.tar.gz",
            "PRN .x",
            "COM1",
            "com9.lock",
            "LPT0.x",
            "COM\u{b2}",
            "CONIN$",
            "conout$.x",
        ] {
            assert!(name(text).is_none(), "{text:?}");
        }
        for text in
            ["x", ".x", "x.lock", "CONSOLE", "COM", "COM10", "LPT.x1", "nul_", "a b", "é", "xCON"]
        {
            assert!(name(text).is_some(), "{text:?}");
        }
    }

    #[test]
    fn upper_and_lower_case_are_one_name() {
        let marker = name("Störe.Lock").unwrap();
        assert!(marker.ends_with(".lOcK") && !marker.ends_with(".flock"));
        assert_eq!(marker.rest_of("sTÖRE.lock.stale-1".as_ref()), Some(&b".stale-1"[..]));
        assert_eq!(marker.rest_of("störe.lock".as_ref()), Some(&b""[..]));
        for other in ["störe.loc", "store.lock.x", "störe.lock.é", "xstöre.lock"] {
            assert_eq!(marker.rest_of(other.as_ref()), None, "{other}");
        }
        assert_eq!(marker.length(), 10);
    }
}
