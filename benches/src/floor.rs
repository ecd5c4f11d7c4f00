// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written in C: the floors in benches/floor, the C libraries' locks in benches/peers.

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::io;
use std::path::Path;
use std::ptr;

use crate::Result;

/// The names of one marker's files; owns what the C struct points to.
pub struct Site {
    _texts: [CString; 4],
    text: Vec<u8>,
    c: CSite,
}

#[repr(C)]
struct CSite {
    directory: *const c_char,
    marker: *const c_char,
    companion: *const c_char,
    fresh: *const c_char,
    text: *const u8,
    length: usize,
}

#[repr(C)]
#[derive(Clone, Copy)]
pub struct Lock {
    directory: c_int,
    companion: c_int,
    marker: c_int,
}

impl Lock {
    pub const NONE: Lock = Lock { directory: -1, companion: -1, marker: -1 };
}

#[repr(C)]
struct CEvidence {
    stale: *const c_char,
    document_name: *const c_char,
    signature_name: *const c_char,
    document: *const u8,
    length: usize,
    signature: *const u8,
}

#[rustfmt::skip]
unsafe extern "C" {
    fn floor_acquire(site: *const CSite, lock: *mut Lock, durable: c_int) -> c_int;
    fn floor_release(site: *const CSite, lock: *mut Lock, durable: c_int) -> c_int;
    fn floor_check(site: *const CSite, lock: *const Lock) -> c_int;
    fn floor_cycle_with(site: *const CSite, looks: c_int) -> c_int;
    fn floor_refused_by_a_holder(site: *const CSite) -> c_int;
    fn floor_refused_by_a_stale_marker(site: *const CSite) -> c_int;
    fn floor_inspect(site: *const CSite) -> c_int;
    fn floor_quarantine(site: *const CSite, evidence: *const CEvidence) -> c_int;
    fn floor_takeover(site: *const CSite, evidence: *const CEvidence, lock: *mut Lock) -> c_int;
    fn reference_acquire(site: *const CSite, lock: *mut Lock, durable: c_int) -> c_int;
    fn reference_release(site: *const CSite, lock: *mut Lock) -> c_int;
    fn postmaster_acquire(site: *const CSite) -> c_int;
    fn postmaster_release(site: *const CSite) -> c_int;
    fn floor_block_open(path: *const c_char, file: *mut c_int) -> c_int;
    fn floor_block_sync(file: c_int) -> c_int;
    fn floor_settle(directory: *const c_char) -> c_int;
    fn lmdb_open_and_close(directory: *const c_char) -> c_int;
    fn lmdb_name() -> *const c_char;
    fn sqlite_connect(path: *const c_char, connection: *mut *mut c_void) -> c_int;
    fn sqlite_exclusive_and_rollback(connection: *mut c_void) -> c_int;
    fn sqlite_name() -> *const c_char;
    fn rocksdb_lock_and_unlock(path: *const c_char) -> c_int;
    fn rocksdb_lock_is_refused(path: *const c_char) -> c_int;
    fn rocksdb_create_empty(directory: *const c_char) -> c_int;
    fn rocksdb_open_and_close_empty(directory: *const c_char) -> c_int;
    fn rocksdb_name() -> *const c_char;
}

fn done(what: &str, status: c_int) -> Result<()> {
    if status == 0 {
        return Ok(());
    }
    Err(format!("{what}: {}", io::Error::from_raw_os_error(status)).into())
}

fn library_done(what: &str, status: c_int) -> Result<()> {
    if status == 0 { Ok(()) } else { Err(format!("{what}: error {status}").into()) }
}

impl Site {
    /// The marker `name` in `directory`; `text` is what a marker holds.
    pub fn new(directory: &Path, name: &str, text: &[u8]) -> Result<Site> {
        let texts = [
            c_path(directory)?,
            CString::new(name)?,
            CString::new(format!("{name}.flock"))?,
            CString::new(format!("{name}.new"))?,
        ];
        let text = text.to_vec();
        let c = CSite {
            directory: texts[0].as_ptr(),
            marker: texts[1].as_ptr(),
            companion: texts[2].as_ptr(),
            fresh: texts[3].as_ptr(),
            text: text.as_ptr(),
            length: text.len(),
        };
        Ok(Site { _texts: texts, text, c })
    }

    pub fn text(&self) -> &[u8] {
        &self.text
    }

    pub fn acquire(&self, durable: bool) -> Result<Lock> {
        let mut lock = Lock::NONE;
        // SAFETY: the site owns what the struct points to, and both outlive the call; so below.
        let status = unsafe { floor_acquire(&self.c, &mut lock, durable.into()) };
        done("bare acquire", status).map(|()| lock)
    }

    pub fn release(&self, lock: &mut Lock, durable: bool) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("bare release", unsafe { floor_release(&self.c, lock, durable.into()) })
    }

    pub fn check(&self, lock: &Lock) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("bare check", unsafe { floor_check(&self.c, lock) })
    }

    /// `looks` is one of `enum floor_looks`.
    pub fn cycle_with(&self, looks: c_int) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("bare cycle", unsafe { floor_cycle_with(&self.c, looks) })
    }

    pub fn be_refused_by_a_holder(&self) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("bare refusal (held)", unsafe { floor_refused_by_a_holder(&self.c) })
    }

    pub fn be_refused_by_a_stale_marker(&self) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("bare refusal (stale)", unsafe { floor_refused_by_a_stale_marker(&self.c) })
    }

    pub fn inspect(&self) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("bare inspect", unsafe { floor_inspect(&self.c) })
    }

    pub fn quarantine(&self, evidence: &Evidence) -> Result<()> {
        // SAFETY: as in `acquire`; the evidence owns what its struct points to.
        done("bare quarantine", unsafe { floor_quarantine(&self.c, &evidence.c) })
    }

    pub fn take_over(&self, evidence: &Evidence) -> Result<Lock> {
        let mut lock = Lock::NONE;
        // SAFETY: as in `quarantine`.
        let status = unsafe { floor_takeover(&self.c, &evidence.c, &mut lock) };
        done("bare takeover", status).map(|()| lock)
    }

    pub fn reference_acquire(&self, durable: bool) -> Result<Lock> {
        let mut lock = Lock::NONE;
        // SAFETY: as in `acquire`.
        let status = unsafe { reference_acquire(&self.c, &mut lock, durable.into()) };
        done("reference acquire", status).map(|()| lock)
    }

    pub fn reference_release(&self, lock: &mut Lock) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("reference release", unsafe { reference_release(&self.c, lock) })
    }

    pub fn postmaster_acquire(&self) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("postmaster.pid", unsafe { postmaster_acquire(&self.c) })
    }

    pub fn postmaster_release(&self) -> Result<()> {
        // SAFETY: as in `acquire`.
        done("postmaster.pid", unsafe { postmaster_release(&self.c) })
    }
}

/// The names and the bytes of a quarantine's evidence; owns what the C struct points to.
pub struct Evidence {
    _texts: [CString; 3],
    _document: Vec<u8>,
    _signature: Box<[u8; 64]>,
    c: CEvidence,
}

impl Evidence {
    pub fn new(stale: &str, document: &[u8], signature: [u8; 64]) -> Result<Evidence> {
        let texts = [
            CString::new(stale)?,
            CString::new(format!("{stale}.attestation.json"))?,
            CString::new(format!("{stale}.attestation.sig"))?,
        ];
        let (document, signature) = (document.to_vec(), Box::new(signature));
        let c = CEvidence {
            stale: texts[0].as_ptr(),
            document_name: texts[1].as_ptr(),
            signature_name: texts[2].as_ptr(),
            document: document.as_ptr(),
            length: document.len(),
            signature: signature.as_ptr(),
        };
        Ok(Evidence { _texts: texts, _document: document, _signature: signature, c })
    }
}

pub fn c_path(path: &Path) -> Result<CString> {
    use std::os::unix::ffi::OsStrExt;
    Ok(CString::new(path.as_os_str().as_bytes())?)
}

/// A file of one block.
pub struct Block(c_int);

impl Block {
    pub fn open(path: &Path) -> Result<Block> {
        let (path, mut file) = (c_path(path)?, -1);
        // SAFETY: the path outlives the call.
        done("block open", unsafe { floor_block_open(path.as_ptr(), &mut file) })?;
        Ok(Block(file))
    }

    pub fn write_and_sync(&self) -> Result<()> {
        // SAFETY: nothing is pointed to.
        done("block sync", unsafe { floor_block_sync(self.0) })
    }
}

pub fn settle(directory: &CStr) -> Result<()> {
    // SAFETY: the path outlives the call.
    done("settle", unsafe { floor_settle(directory.as_ptr()) })
}

pub fn lmdb_cycle(directory: &CStr) -> Result<()> {
    // SAFETY: the path outlives the call.
    library_done("LMDB", unsafe { lmdb_open_and_close(directory.as_ptr()) })
}

/// A connection to a SQLite database, for as long as the process lives.
pub struct Sqlite(*mut c_void);

impl Sqlite {
    pub fn connect(path: &CStr) -> Result<Sqlite> {
        let mut connection = ptr::null_mut();
        // SAFETY: path and output outlive the call.
        let status = unsafe { sqlite_connect(path.as_ptr(), &mut connection) };
        library_done("SQLite", status).map(|()| Sqlite(connection))
    }

    pub fn exclusive_and_rollback(&self) -> Result<()> {
        // SAFETY: the connection is open.
        library_done("SQLite", unsafe { sqlite_exclusive_and_rollback(self.0) })
    }
}

pub fn rocksdb_lock_cycle(path: &CStr) -> Result<()> {
    // SAFETY: the path outlives the call.
    library_done("RocksDB LockFile", unsafe { rocksdb_lock_and_unlock(path.as_ptr()) })
}

pub fn rocksdb_excludes(path: &CStr) -> bool {
    // SAFETY: the path outlives the call.
    unsafe { rocksdb_lock_is_refused(path.as_ptr()) == 1 }
}

pub fn rocksdb_create(directory: &CStr) -> Result<()> {
    // SAFETY: the path outlives the call.
    library_done("RocksDB create", unsafe { rocksdb_create_empty(directory.as_ptr()) })
}

pub fn rocksdb_open_cycle(directory: &CStr) -> Result<()> {
    // SAFETY: the path outlives the call.
    library_done("RocksDB open", unsafe { rocksdb_open_and_close_empty(directory.as_ptr()) })
}

/// The versions of the C libraries, as they tell them.
pub fn versions() -> [(&'static str, String); 3] {
    let text = |pointer: *const c_char| {
        // SAFETY: each function gives a constant text.
        unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
    };
    // SAFETY: the functions take nothing.
    let (lmdb, sqlite, rocksdb) = unsafe { (lmdb_name(), sqlite_name(), rocksdb_name()) };
    [("LMDB", text(lmdb)), ("SQLite", text(sqlite)), ("RocksDB", text(rocksdb))]
}
