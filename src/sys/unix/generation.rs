// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many forks lie between the process that first used the library and this one, plus 1.
//!
//! The current number stands in a page that Linux wipes in every child (madvise(2),
//! MADV_WIPEONFORK), so that a child of a raw `clone` reads 0 there even if it has its parent's
//! pid. After `fork` the child's handler writes the next number. Where the page cannot be had, only
//! the plain counter serves, and such a clone is not noticed.

use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

static COUNTER: AtomicU32 = AtomicU32::new(1);
static PAGE: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());

/// Called before the first handle is given out; again if the handlers could not be installed.
pub(super) fn begin() {
    if page().is_some() && !is_wiped() {
        return;
    }
    if let Some(page) = wiped_page() {
        page.store(COUNTER.load(Ordering::Relaxed), Ordering::Relaxed);
        PAGE.store(ptr::from_ref(page).cast_mut(), Ordering::Release);
    }
}

/// In a child whose fork handlers run.
pub(super) fn advance() {
    let next = COUNTER.fetch_add(1, Ordering::Relaxed) + 1;
    if let Some(page) = page() {
        page.store(next, Ordering::Relaxed);
    }
}

pub(super) fn current() -> u32 {
    page().unwrap_or(&COUNTER).load(Ordering::Relaxed)
}

/// Whether this is a child whose fork handlers did not run.
pub(super) fn is_wiped() -> bool {
    page().is_some_and(|page| page.load(Ordering::Relaxed) == 0)
}

/// Whether [`is_wiped`] can tell at all.
pub(super) fn is_told_by_a_page() -> bool {
    page().is_some()
}

fn page() -> Option<&'static AtomicU32> {
    // SAFETY: NULL, or the page, which is never unmapped.
    unsafe { PAGE.load(Ordering::Acquire).as_ref() }
}

#[cfg(target_os = "linux")]
fn wiped_page() -> Option<&'static AtomicU32> {
    // SAFETY: has no preconditions.
    let size = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()?;
    let (protection, flags) =
        (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping of its own, wherever the kernel puts it.
    let page = unsafe { libc::mmap(ptr::null_mut(), size, protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page that was just mapped.
    if unsafe { libc::madvise(page, size, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: nobody has seen the page.
        unsafe { libc::munmap(page, size) };
        return None;
    }
    // SAFETY: mapped, aligned, zeroed, and never unmapped.
    Some(unsafe { &*page.cast::<AtomicU32>() })
}

#[cfg(not(target_os = "linux"))]
fn wiped_page() -> Option<&'static AtomicU32> {
    None
}
