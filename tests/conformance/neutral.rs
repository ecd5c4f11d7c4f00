// SPDX-License-Identifier: MIT OR Apache-2.0
//! The steps that the runner does itself: files, and what is found of them.

use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::{FileTypeExt, PermissionsExt, symlink};
use std::path::Path;

use crate::run::{Outcome, Words};
use crate::system;
use crate::text::to_hex;

/// `None` if the verb is another one.
pub(crate) fn act(verb: &str, words: &Words<'_>) -> Option<Result<Outcome, String>> {
    let act = match verb {
        "write" => write,
        "delete" => |path: &Path, _: &Words<'_>| done(fs::remove_file(path)),
        "rename" => |path: &Path, words: &Words<'_>| done(fs::rename(path, words.path("to")?)),
        "mkdir" => |path: &Path, _: &Words<'_>| done(fs::create_dir(path)),
        "symlink" => |path: &Path, words: &Words<'_>| done(symlink(words.path("to")?, path)),
        "link" => |path: &Path, words: &Words<'_>| done(fs::hard_link(words.path("to")?, path)),
        "fifo" => |path: &Path, _: &Words<'_>| done(system::make_fifo(path)),
        "chmod" => chmod,
        "chdir" => |path: &Path, _: &Words<'_>| done(std::env::set_current_dir(path)),
        "stat" => stat,
        "bytes" => bytes,
        "entries" => entries,
        _ => return None,
    };
    Some(words.path("path").and_then(|path| act(&path, words)))
}

fn done(result: io::Result<()>) -> Result<Outcome, String> {
    result.map(|()| Outcome::default()).map_err(|error| error.to_string())
}

/// An existing file is written anew, and stays the file that it is.
fn write(path: &Path, words: &Words<'_>) -> Result<Outcome, String> {
    let times = if words.optional("times")?.is_some() { words.number("times")? } else { 1 };
    let times = usize::try_from(times).map_err(|error| error.to_string())?;
    done(fs::write(path, words.bytes("bytes")?.repeat(times)))
}

fn chmod(path: &Path, words: &Words<'_>) -> Result<Outcome, String> {
    let mode = u32::from_str_radix(&words.text("mode")?, 8).map_err(|error| error.to_string())?;
    done(fs::set_permissions(path, Permissions::from_mode(mode)))
}

fn stat(path: &Path, _: &Words<'_>) -> Result<Outcome, String> {
    let Ok(facts) = fs::symlink_metadata(path) else {
        return Ok(Outcome::of(vec![("kind", "none".into())]));
    };
    let kind = match facts.file_type() {
        kind if kind.is_file() => "file",
        kind if kind.is_dir() => "directory",
        kind if kind.is_symlink() => "symlink",
        kind if kind.is_fifo() => "fifo",
        _ => "other",
    };
    let mode = format!("{:04o}", facts.permissions().mode() & 0o7777);
    Ok(Outcome::of(vec![("mode", mode.into()), ("kind", kind.into())]))
}

fn bytes(path: &Path, words: &Words<'_>) -> Result<Outcome, String> {
    let found = fs::read(path).map_err(|error| error.to_string())?;
    let is_hex = words.optional("form")?.is_some_and(|form| form == b"hex");
    let found = if is_hex { to_hex(&found) } else { found };
    Ok(Outcome::of(vec![("bytes", found)]))
}

fn entries(path: &Path, _: &Words<'_>) -> Result<Outcome, String> {
    let entries = fs::read_dir(path).map_err(|error| error.to_string())?;
    let names: io::Result<Vec<OsString>> =
        entries.map(|entry| entry.map(|entry| entry.file_name())).collect();
    let names = names.map_err(|error| error.to_string())?;
    let mut names: Vec<Vec<u8>> = names.into_iter().map(OsString::into_vec).collect();
    names.sort();
    Ok(Outcome::of(vec![("list", names.join(&b' '))]))
}
