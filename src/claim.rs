// SPDX-License-Identifier: MIT OR Apache-2.0
//! Taking the OS locks: the exclusive tries, and the companion with its identity checked.

use std::io;
use std::time::Duration;

use crate::error::{Error, Result, Status, quote_path};
use crate::site::{ATTEMPTS, Site};
use crate::sys::{FileFacts, LockFile};

/// Exclusive tries while somebody has the lock exclusively: about 4 ms.
const TRIES_AGAINST_A_HOLDER: u32 = 12;
/// Exclusive tries while inspectors alone share the lock: about 200 ms of them without a gap.
const TRIES_AGAINST_INSPECTORS: u32 = 400;
/// The pauses between tries are short at first: whoever removes a marker, for which others wait, has
/// the companion's lock for a moment longer.
const FIRST_PAUSE: Duration = Duration::from_micros(20);
const LONGEST_PAUSE: Duration = Duration::from_micros(500);

/// How an exclusive try ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Try {
    Granted,
    Refused,
}

/// Tries for the exclusive OS lock, again for a few milliseconds before it counts as refused: an
/// inspector may share the lock for an instant, and so may another process that is being refused.
///
/// A share that is granted in between proves that nobody holds the lock exclusively, so only
/// inspectors are there, and there is reason to go on for longer.
pub(crate) fn lock_exclusively(file: &LockFile) -> io::Result<Try> {
    let (mut against_a_holder, mut pause) = (0, FIRST_PAUSE);
    for _ in 0..TRIES_AGAINST_INSPECTORS {
        if file.try_lock_exclusive()? {
            return Ok(Try::Granted);
        }
        if file.try_lock_shared()? {
            file.unlock();
        } else {
            against_a_holder += 1;
            if against_a_holder == TRIES_AGAINST_A_HOLDER {
                return Ok(Try::Refused);
            }
        }
        std::thread::sleep(pause);
        pause = (2 * pause).min(LONGEST_PAUSE);
    }
    Ok(Try::Refused)
}

/// What came of a try for the companion.
#[derive(Debug)]
pub(crate) enum Claim<T> {
    Granted(Companion),
    /// Somebody else has its lock.
    Refused,
    /// There is an answer without it.
    Needless(T),
}

/// The companion, exclusively locked, and at its path when that was checked.
///
/// Only who has one of these removes a companion.
#[derive(Debug)]
pub(crate) struct Companion {
    file: LockFile,
    facts: FileFacts,
}

impl Companion {
    /// Opens or creates the companion and takes its OS lock; `None` if somebody else has it.
    pub(crate) fn claim(site: &Site) -> Result<Option<Companion>> {
        Ok(match Companion::claim_unless(site, || Ok(None::<()>))? {
            Claim::Granted(companion) => Some(companion),
            Claim::Refused | Claim::Needless(()) => None,
        })
    }

    /// The same. `is_needless` is asked once the lock was not to be had at the first try: what it
    /// answers, if anything, makes the tries that would follow needless.
    ///
    /// Between open and lock the holder before us may have removed the file. Its lock would guard
    /// nothing, because the next process creates another: so look whether it is still at its path.
    pub(crate) fn claim_unless<T>(
        site: &Site,
        mut is_needless: impl FnMut() -> Result<Option<T>>,
    ) -> Result<Claim<T>> {
        for _ in 0..ATTEMPTS {
            let (file, facts) = site.open_or_create_companion()?;
            let granted = file.try_lock_exclusive();
            if !granted.map_err(|error| lock_error(site, &error))? {
                if let Some(answer) = is_needless()? {
                    return Ok(Claim::Needless(answer));
                }
                let tried = lock_exclusively(&file);
                if tried.map_err(|error| lock_error(site, &error))? == Try::Refused {
                    return Ok(Claim::Refused);
                }
            }
            if site.is_at(site.companion(), &facts)? {
                return Ok(Claim::Granted(Companion { file, facts }));
            }
        }
        let path = quote_path(&site.path_of(site.companion()));
        let message = format!("companion {path} was removed or replaced at every look");
        Err(Error::new(Status::Contended, "companion identity check", message))
    }

    /// Whether the descriptor still is what it was opened as.
    pub(crate) fn is_still_open(&self) -> io::Result<bool> {
        self.file.is_still(self.facts.id)
    }

    pub(crate) fn facts(&self) -> &FileFacts {
        &self.facts
    }

    /// Removes the file if it is still ours, while its lock is held, and unlocks it.
    ///
    /// Unlocked first, another process could lock it before it is removed, and a third one create
    /// and lock the next: two holders.
    pub(crate) fn remove(self, site: &Site) -> io::Result<bool> {
        let removed = site.remove_if_same_file(site.companion(), self.facts.id);
        drop(self.file);
        removed
    }

    /// Removes a companion that guards no marker, after a call that came to nothing.
    pub(crate) fn remove_unless_it_guards_a_marker(self, site: &Site) {
        if let Ok(None) = site.directory().facts_at(site.marker()) {
            // A companion that stays behind is harmless: the next call takes it up.
            let _ = self.remove(site);
        }
    }
}

fn lock_error(site: &Site, error: &io::Error) -> Error {
    site.io_error("companion lock", site.companion(), error)
}
