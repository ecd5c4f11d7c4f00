// SPDX-License-Identifier: MIT OR Apache-2.0
//! `crtx-bench worker`: a process that holds, waits and competes on command (see child.rs).

use std::error::Error;
use std::ffi::{CStr, CString, OsStr};
use std::fs::File;
use std::io::{self, BufRead, Write};
use std::os::fd::AsRawFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::crtx::{self, Handle};
use crate::floor::c_path;
use crate::{Result, row};

/// A waiter that gets nothing for so long has failed.
const PATIENCE_MS: u32 = 60_000;
/// So many waits of one window go back to who asked; the longest always.
const MOST_WAITS: usize = 500;

/// What a competitor does between giving back and wanting again, so that others get it.
const BETWEEN: Duration = Duration::from_micros(100);

/// What is held, by this process, between one command and the next.
#[derive(Default)]
struct Worker {
    held: Option<Handle>,
    many: Vec<(CString, Handle)>,
    file: Option<File>,
}

/// A command and what belongs to it.
struct Words<'a>(Vec<&'a [u8]>);

impl Words<'_> {
    fn path(&self) -> Result<CString> {
        Ok(CString::new(*self.0.get(1).ok_or("no path")?)?)
    }

    fn number<T: FromStr>(&self, at: usize) -> Result<T>
    where
        T::Err: Error + 'static,
    {
        Ok(std::str::from_utf8(self.0.get(at).ok_or("too few words")?)?.parse()?)
    }
}

pub fn run() -> Result<()> {
    let mut worker = Worker::default();
    let mut answers = io::stdout().lock();
    for line in io::stdin().lock().split(b'\n') {
        let line = line?;
        match worker.obey(&Words(line.split(|&byte| byte == b'\t').collect())) {
            Ok(numbers) => {
                let texts: Vec<String> = numbers.iter().map(u64::to_string).collect();
                writeln!(answers, "ok {}", texts.join(" "))?;
            }
            Err(error) => writeln!(answers, "error {}", error.to_string().replace('\n', " "))?,
        }
        answers.flush()?;
    }
    Ok(())
}

impl Worker {
    /// The numbers that are the answer; times are in nanoseconds.
    fn obey(&mut self, words: &Words) -> Result<Vec<u64>> {
        match words.0[0] {
            b"hold" => self.hold(&words.path()?, words.number(2)?),
            b"wait" => self.wait(&words.path()?, words.number(2)?),
            b"release" => self.release(),
            b"flock-open" => self.open(&words.path()?),
            b"flock-wait" => {
                waited(|| flock(self.file()?, libc::LOCK_EX)).map(|(numbers, ())| numbers)
            }
            b"flock-release" => {
                let start = clock(libc::CLOCK_MONOTONIC);
                flock(self.file()?, libc::LOCK_UN).map(|()| vec![start])
            }
            b"flock-close" => {
                self.file = None;
                Ok(vec![])
            }
            b"contend" => self.contend(&words.path()?, (words.number(2)?, words.number(3)?)),
            b"many" => self.hold_many(&words.path()?, words.number(2)?),
            b"cycle" => {
                let path = words.path()?;
                let cycle = || crtx::release(crtx::acquire(&path, crtx::PROCESS_CRASH, 0)?);
                Ok(row::times(words.number(2)?, cycle)?.times)
            }
            b"check" => {
                let held = self.middle()?.1;
                Ok(row::times(words.number(1)?, || crtx::check(held))?.times)
            }
            b"inspect" => {
                let (path, mut marker) = (&self.middle()?.0, crtx::empty_marker());
                let one = || crtx::inspect(path, &mut marker).map(drop);
                Ok(row::times(words.number(1)?, one)?.times)
            }
            other => Err(format!("unknown command {}", String::from_utf8_lossy(other)).into()),
        }
    }

    fn hold(&mut self, path: &CStr, durability: u32) -> Result<Vec<u64>> {
        self.held = Some(crtx::acquire(path, durability, 0)?);
        Ok(vec![])
    }

    /// When the call returned, the CPU time that it took, the time that passed.
    fn wait(&mut self, path: &CStr, durability: u32) -> Result<Vec<u64>> {
        let (numbers, held) = waited(|| crtx::acquire(path, durability, PATIENCE_MS))?;
        self.held = Some(held);
        Ok(numbers)
    }

    /// When the call began.
    fn release(&mut self) -> Result<Vec<u64>> {
        let held = self.held.take().ok_or("nothing is held")?;
        let start = clock(libc::CLOCK_MONOTONIC);
        crtx::release(held).map(|()| vec![start])
    }

    fn open(&mut self, path: &CStr) -> Result<Vec<u64>> {
        let path = Path::new(OsStr::from_bytes(path.to_bytes()));
        self.file = Some(File::options().create(true).append(true).open(path)?);
        Ok(vec![])
    }

    fn file(&self) -> Result<&File> {
        Ok(self.file.as_ref().ok_or("no file is open")?)
    }

    /// With the file that is open, or with the library's lock if none is.
    fn contend(&mut self, path: &CStr, window: (u64, u64)) -> Result<Vec<u64>> {
        let mut board = Board::open(path)?;
        match &self.file {
            Some(file) => contend(
                window,
                &mut board,
                || flock(file, libc::LOCK_EX),
                |()| flock(file, libc::LOCK_UN),
            ),
            None => contend(
                window,
                &mut board,
                || crtx::acquire(path, crtx::PROCESS_CRASH, PATIENCE_MS),
                crtx::release,
            ),
        }
    }

    fn hold_many(&mut self, directory: &CStr, count: u64) -> Result<Vec<u64>> {
        raise_the_limit_of_files();
        let directory = Path::new(OsStr::from_bytes(directory.to_bytes()));
        for index in 0..count {
            let path = c_path(&directory.join(format!("held-{index}")))?;
            let held = crtx::acquire(&path, crtx::PROCESS_CRASH, 0)?;
            self.many.push((path, held));
        }
        Ok(vec![])
    }

    /// The one in the middle of the many.
    fn middle(&self) -> Result<&(CString, Handle)> {
        Ok(self.many.get(self.many.len() / 2).ok_or("no lock is held")?)
    }
}

/// Takes and gives back until the window ends: how often, how often after another process, the
/// longest wait, and some of the waits.
fn contend<T>(
    (start, end): (u64, u64),
    board: &mut Board,
    mut take: impl FnMut() -> Result<T>,
    mut give_back: impl FnMut(T) -> Result<()>,
) -> Result<Vec<u64>> {
    while clock(libc::CLOCK_MONOTONIC) < start {
        std::thread::sleep(Duration::from_micros(200));
    }
    let mut waits = Vec::new();
    let (mut count, mut handed_over, mut longest) = (0, 0, 0);
    while clock(libc::CLOCK_MONOTONIC) < end {
        let (took, held) = row::timed(&mut take)?;
        handed_over += u64::from(board.was_another());
        give_back(held)?;
        std::thread::sleep(BETWEEN);
        count += 1;
        longest = longest.max(took);
        if waits.len() < MOST_WAITS {
            waits.push(took);
        }
    }
    Ok([count, handed_over, longest].into_iter().chain(waits).collect())
}

/// A page that the competitors share: who had the lock last. Only its holder touches it.
struct Board(&'static AtomicU32);

impl Board {
    fn open(path: &CStr) -> Result<Board> {
        let mut name = path.to_bytes().to_vec();
        name.extend_from_slice(b".board");
        let mut options = File::options();
        let path = Path::new(OsStr::from_bytes(&name));
        let file = options.read(true).write(true).create(true).truncate(false).open(path)?;
        file.set_len(4096)?;
        // SAFETY: a new mapping of a file that is long enough, which is never unmapped.
        let page = unsafe {
            let both = libc::PROT_READ | libc::PROT_WRITE;
            libc::mmap(ptr::null_mut(), 4096, both, libc::MAP_SHARED, file.as_raw_fd(), 0)
        };
        if page == libc::MAP_FAILED {
            return Err(io::Error::last_os_error().into());
        }
        // SAFETY: the mapping is aligned and lives as long as the process.
        Ok(Board(unsafe { &*page.cast::<AtomicU32>() }))
    }

    fn was_another(&mut self) -> bool {
        let me = std::process::id();
        self.0.swap(me, Ordering::Relaxed) != me
    }
}

fn waited<T>(wait: impl FnOnce() -> Result<T>) -> Result<(Vec<u64>, T)> {
    let (start, used) = (clock(libc::CLOCK_MONOTONIC), clock(libc::CLOCK_PROCESS_CPUTIME_ID));
    let done = wait();
    let end = clock(libc::CLOCK_MONOTONIC);
    let used = clock(libc::CLOCK_PROCESS_CPUTIME_ID) - used;
    Ok((vec![end, used, end - start], done?))
}

fn flock(file: &File, operation: i32) -> Result<()> {
    // SAFETY: the descriptor is open.
    match unsafe { libc::flock(file.as_raw_fd(), operation) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error().into()),
    }
}

/// Nanoseconds; CLOCK_MONOTONIC is the same for all processes.
pub fn clock(which: libc::clockid_t) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the output outlives the call; these clocks always exist.
    unsafe { libc::clock_gettime(which, &mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Each lock keeps three descriptors open. Root may go beyond the hard limit.
fn raise_the_limit_of_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct outlives the calls, whose failure shows when files are opened.
    unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit);
        let wanted = libc::rlimit { rlim_cur: 65_536, rlim_max: limit.rlim_max.max(65_536) };
        if libc::setrlimit(libc::RLIMIT_NOFILE, &wanted) != 0 {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &limit);
        }
    }
}

/// The number of locks that [`raise_the_limit_of_files`] lets a process hold.
pub fn most_locks() -> u64 {
    raise_the_limit_of_files();
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the struct outlives the call.
    unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut limit) };
    limit.rlim_cur.saturating_sub(50) / 3
}

/// Whether the marker at `path` is held, to be sure of what is measured.
pub fn is_held(path: &CStr) -> Result<bool> {
    Ok(crtx::inspect(path, &mut crtx::empty_marker())? == crtx::STATE_HELD)
}
