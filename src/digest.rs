// SPDX-License-Identifier: MIT OR Apache-2.0
//! BLAKE3 digests, of bytes and of files.

use std::fmt;
use std::fs;
use std::path::Path;

use crate::error::{Error, Result, Status, quote_path};
use crate::sys;

/// What every digest's text begins with.
const PREFIX: &str = "blake3:";

/// A BLAKE3 digest of 32 bytes. As text: `blake3:` and 64 lowercase hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of some bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Digest {
        Digest::from_hash(blake3::hash(bytes))
    }

    /// Reads the one way in which a digest is written: `blake3:` and 64 lowercase hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Digest> {
        let hex: &[u8; 64] = text.strip_prefix(PREFIX)?.as_bytes().try_into().ok()?;
        let (mut digest, mut seen) = ([0; 32], 0);
        for (place, byte) in digest.iter_mut().enumerate() {
            let high = VALUES[usize::from(hex[2 * place])];
            let low = VALUES[usize::from(hex[2 * place + 1])];
            seen |= high | low;
            *byte = high << 4 | low;
        }
        (seen < 16).then_some(Digest(digest))
    }

    pub(crate) fn from_hash(hash: blake3::Hash) -> Digest {
        Digest(*hash.as_bytes())
    }
}

/// The value of each lowercase hex digit; [`NONE`] for every other byte.
const VALUES: [u8; 256] = {
    let mut values = [NONE; 256];
    let digits = b"0123456789abcdef";
    let mut value = 0;
    while value < digits.len() {
        values[digits[value] as usize] = value as u8;
        value += 1;
    }
    values
};
const NONE: u8 = 0xff;

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}{}", blake3::Hash::from_bytes(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// The digest of a regular file of any size, read in pieces. Symbolic links are followed.
///
/// # Errors
///
/// [`Status::NotRegularFile`] for a FIFO, socket, device or directory, without waiting for any of
/// them; [`Status::Io`] if the file cannot be opened or read.
pub fn blake3_file(path: &Path) -> Result<Digest> {
    const OPERATION: &str = "file digest";
    let not_regular = || {
        Error::new(
            Status::NotRegularFile,
            OPERATION,
            format!("{} is not a regular file", quote_path(path)),
        )
    };
    // Sockets, and on Windows directories, cannot even be opened: then the name tells what it is.
    let file = sys::open_without_waiting(path).map_err(|error| match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => not_regular(),
        _ => Error::io(OPERATION, path, &error),
    })?;
    if !sys::is_regular(&file).map_err(|error| Error::io(OPERATION, path, &error))? {
        return Err(not_regular());
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(|error| Error::io(OPERATION, path, &error))?;
    Ok(Digest::from_hash(hasher.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The digest of no bytes, from the test vectors that BLAKE3's authors publish.
    const EMPTY: &str = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262";

    #[test]
    fn every_byte_but_the_sixteen_digits_is_refused_at_every_place() {
        let good = format!("{PREFIX}{}", "0123456789abcdef".repeat(4));
        assert_eq!(Digest::parse(&good).unwrap().to_string(), good);
        for place in [0, 1, 31, 62, 63].map(|place| PREFIX.len() + place) {
            for byte in 0..128 {
                let mut text = good.clone().into_bytes();
                text[place] = byte;
                let is_digit = matches!(byte, b'0'..=b'9' | b'a'..=b'f');
                let text = String::from_utf8(text).unwrap();
                assert_eq!(Digest::parse(&text).is_some(), is_digit, "{text:?}");
            }
        }
        assert_eq!(Digest::parse(&format!("{PREFIX}{}", "\u{e9}".repeat(32))), None);
    }

    #[test]
    fn a_digest_is_written_in_one_way_and_read_in_no_other() {
        assert_eq!(Digest::of(b"").to_string(), EMPTY);
        assert_eq!(Digest::parse(EMPTY), Some(Digest::of(b"")));
        let upper = EMPTY.replace('a', "A");
        let longer = format!("{EMPTY}0");
        for text in ["", PREFIX, &EMPTY[7..], &EMPTY[..70], &longer, &upper, "BLAKE3:00"] {
            assert_eq!(Digest::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_file_has_the_digest_of_its_bytes() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let bytes = vec![7; 300_000];
        fs::write(&path, &bytes).unwrap();
        assert_eq!(blake3_file(&path), Ok(Digest::of(&bytes)));
        let missing = blake3_file(&directory.path().join("missing")).unwrap_err();
        assert_eq!(missing.status(), Status::Io);
        assert_ne!(missing.os_error(), 0);
    }

    #[test]
    fn a_directory_is_not_a_regular_file() {
        let directory = tempfile::tempdir().unwrap();
        let error = blake3_file(directory.path()).unwrap_err();
        assert_eq!(error.status(), Status::NotRegularFile);
    }

    #[cfg(unix)]
    #[test]
    fn a_fifo_or_a_socket_is_refused_without_waiting() {
        let directory = tempfile::tempdir().unwrap();
        let fifo = directory.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().unwrap();
        assert!(made.success());
        let socket = directory.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for path in [fifo.as_path(), socket.as_path(), Path::new("/dev/null")] {
            let error = blake3_file(path).unwrap_err();
            assert_eq!(error.status(), Status::NotRegularFile, "{}", path.display());
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_symbolic_link_is_followed() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        fs::write(directory.path().join("file"), b"bytes").unwrap();
        std::os::unix::fs::symlink("file", &link).unwrap();
        assert_eq!(blake3_file(&link), Ok(Digest::of(b"bytes")));
    }
}
