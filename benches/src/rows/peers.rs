// SPDX-License-Identifier: MIT OR Apache-2.0
//! Other locks, each doing its nearest to a cycle, and to a refusal. Those with a file are opened for
//! each cycle, as a program does that takes its lock once.

use std::ffi::{CString, OsStr};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use crate::child::{Peer, Shared};
use crate::floor::{self, Site, Sqlite, c_path};
use crate::place::Place;
use crate::row::{Rows, Sample, timed, times};
use crate::rows::lock::{CRASH_ONLY_CYCLE, DURABLE_CYCLE, REFUSED_HELD, marker_text, synced, word};
use crate::{Programs, Result};

const FAST: usize = 12;

pub fn add(rows: &mut Rows, place: &Place, programs: &Programs) -> Result<Vec<(String, String)>> {
    add_rust(rows, place)?;
    add_engines(rows, place)?;
    add_postmaster(rows, place)?;
    let mut versions = Vec::new();
    let python = Peer::start(
        "Python",
        Command::new(&programs.python).args(["-I", "-B"]).arg(&programs.python_peers),
    );
    versions.extend(add_child(rows, place, python, &PYTHON)?);
    let go = Peer::start("Go", &mut Command::new(&programs.go_peers));
    versions.extend(add_child(rows, place, go, &GO)?);
    Ok(versions)
}

fn open(path: &Path) -> Result<File> {
    Ok(File::options().read(true).write(true).create(true).truncate(false).open(path)?)
}

fn refused(is_refused: bool) -> Result<()> {
    if is_refused { Ok(()) } else { Err("a held lock was given".into()) }
}

fn add_rust(rows: &mut Rows, place: &Place) -> Result<()> {
    let file = |name: &str| -> Result<PathBuf> { Ok(place.subject(name)?.join("lock")) };
    let (fs2, fd_lock) = (file("fs2")?, file("fd-lock")?);
    let mut operation = rows.operation(CRASH_ONLY_CYCLE, &place.name);
    let path = fs2.clone();
    operation.add("fs2", None, move || {
        times(FAST, || {
            let file = open(&path)?;
            fs2::FileExt::try_lock_exclusive(&file)?;
            Ok(fs2::FileExt::unlock(&file)?)
        })
    });
    let path = fd_lock.clone();
    operation.add("fd-lock", None, move || {
        times(FAST, || {
            let mut lock = fd_lock::RwLock::new(open(&path)?);
            drop(lock.try_write()?);
            Ok(())
        })
    });

    let held = file("held-by-rust")?;
    // For as long as the process lives.
    let holder = Box::leak(Box::new(open(&held)?));
    fs2::FileExt::try_lock_exclusive(holder)?;
    let mut operation = rows.operation(REFUSED_HELD, &place.name);
    let path = held.clone();
    operation.add("fs2", None, move || {
        times(FAST, || refused(fs2::FileExt::try_lock_exclusive(&open(&path)?).is_err()))
    });
    let path = held.clone();
    operation.add("fd-lock", None, move || {
        times(FAST, || refused(fd_lock::RwLock::new(open(&path)?).try_write().is_err()))
    });
    add_std(rows, place, file("std")?, held);
    Ok(())
}

const STD: &str = "std File::try_lock";

// build.rs has looked at the version.
#[cfg(std_file_lock)]
#[allow(clippy::incompatible_msrv)]
fn add_std(rows: &mut Rows, place: &Place, own: PathBuf, held: PathBuf) {
    rows.operation(CRASH_ONLY_CYCLE, &place.name).add(STD, None, move || {
        times(FAST, || {
            let file = open(&own)?;
            file.try_lock()?;
            Ok(file.unlock()?)
        })
    });
    rows.operation(REFUSED_HELD, &place.name)
        .add(STD, None, move || times(FAST, || refused(open(&held)?.try_lock().is_err())));
}

#[cfg(not(std_file_lock))]
fn add_std(rows: &mut Rows, place: &Place, _own: PathBuf, _held: PathBuf) {
    for operation in [CRASH_ONLY_CYCLE, REFUSED_HELD] {
        let none: Result<fn() -> Result<Sample>> = Err("it came with Rust 1.89".into());
        rows.operation(operation, &place.name).add_if(STD, None, none);
    }
}

fn add_engines(rows: &mut Rows, place: &Place) -> Result<()> {
    let lmdb = c_path(&place.subject("lmdb")?)?;
    floor::lmdb_cycle(&lmdb)?;
    let sqlite = Sqlite::connect(&c_path(&place.subject("sqlite")?.join("store.db"))?)?;
    let lock_file = c_path(&place.subject("rocksdb-lock")?.join("LOCK"))?;
    if !floor::rocksdb_excludes(&lock_file) {
        return Err("RocksDB's lock does not exclude".into());
    }
    let rocksdb = c_path(&place.subject("rocksdb")?)?;
    floor::rocksdb_create(&rocksdb)?;

    let mut operation = rows.operation(CRASH_ONLY_CYCLE, &place.name);
    operation.add("LMDB open+close", None, move || times(FAST, || floor::lmdb_cycle(&lmdb)));
    operation.add("SQLite BEGIN EXCLUSIVE+ROLLBACK", None, move || {
        times(FAST, || sqlite.exclusive_and_rollback())
    });
    operation.add("RocksDB LockFile+UnlockFile", None, move || {
        times(FAST, || floor::rocksdb_lock_cycle(&lock_file))
    });
    // It syncs, and takes milliseconds.
    let mut operation = rows.operation(DURABLE_CYCLE, &place.name).every(5);
    operation
        .add("RocksDB open+close", None, move || times(1, || floor::rocksdb_open_cycle(&rocksdb)));
    Ok(())
}

fn add_postmaster(rows: &mut Rows, place: &Place) -> Result<()> {
    let site = Site::new(&place.subject("postgres")?, "postmaster.pid", &marker_text(place)?)?;
    let settled = place.c_path.clone();
    let mut operation = rows.operation(DURABLE_CYCLE, &place.name);
    operation.add("PostgreSQL postmaster.pid, bare", None, move || {
        synced(&settled, || {
            Ok(timed(|| {
                site.postmaster_acquire()?;
                site.postmaster_release()
            })?
            .0)
        })
    });
    Ok(())
}

/// Operation, subject, the child's own word for it, operations of one round.
type ChildRows = [(&'static str, &'static str, &'static str, usize)];

const PYTHON: [(&str, &str, &str, usize); 6] = [
    (CRASH_ONLY_CYCLE, "filelock", "filelock-cycle", FAST),
    (CRASH_ONLY_CYCLE, "portalocker", "portalocker-cycle", FAST),
    (CRASH_ONLY_CYCLE, "libcrtx from Python", "crtx-cycle", FAST),
    (DURABLE_CYCLE, "libcrtx from Python", "crtx-durable-cycle", 1),
    (REFUSED_HELD, "filelock", "filelock-refused", FAST),
    (REFUSED_HELD, "portalocker", "portalocker-refused", FAST),
];

const GO: [(&str, &str, &str, usize); 4] = [
    (CRASH_ONLY_CYCLE, "gofrs/flock", "flock-cycle", FAST),
    (CRASH_ONLY_CYCLE, "libcrtx from Go", "crtx-cycle", FAST),
    (DURABLE_CYCLE, "libcrtx from Go", "crtx-durable-cycle", 1),
    (REFUSED_HELD, "gofrs/flock", "flock-refused", FAST),
];

/// The rows that a child measures, and what it says of its versions.
fn add_child(
    rows: &mut Rows,
    place: &Place,
    peer: Result<Peer>,
    wanted: &ChildRows,
) -> Result<Vec<(String, String)>> {
    let mut versions = Vec::new();
    let peer = peer.and_then(|mut peer| {
        for words in peer.ask(&["versions".as_ref()])?.chunks_exact(2) {
            versions.push((words[0].clone(), words[1].clone()));
        }
        Ok(peer.shared())
    });
    for &(name, subject, command, count) in wanted {
        let path = c_path(&place.subject(command)?.join("marker"))?;
        let action = match &peer {
            Ok(peer) => Ok(asking(Rc::clone(peer), command, path, place.c_path.clone(), count)),
            Err(error) => Err(error.to_string().into()),
        };
        rows.operation(name, &place.name).add_if(subject, None, action);
    }
    Ok(versions)
}

fn asking(
    peer: Shared,
    command: &'static str,
    path: CString,
    settled: CString,
    count: usize,
) -> impl FnMut() -> Result<Sample> {
    move || {
        floor::settle(&settled)?;
        let count = count.to_string();
        let words: [&OsStr; 3] = [command.as_ref(), word(&path), count.as_ref()];
        Ok(Sample::of(peer.borrow_mut().numbers(&words)?))
    }
}

/// The parts that are made outside of Rust.
pub fn all_exist(programs: &Programs) -> Result<()> {
    for path in [&programs.python, &programs.python_peers, &programs.go_peers] {
        fs::metadata(path).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}
