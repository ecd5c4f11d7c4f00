// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where the tests stand between this crate and the system: a hook of the thread, asked before
//! each system call that touches the disk or a lock.

use std::cell::RefCell;
use std::io;

type Hook = Box<dyn FnMut(&'static str) -> Option<i32>>;

thread_local! {
    static HOOK: RefCell<Option<Hook>> = const { RefCell::new(None) };
}

/// Asks the hook, which lets the call through or fails it with an error number of the system.
pub(super) fn before(name: &'static str) -> io::Result<()> {
    // Taken out while it runs. A hook before an open runs under the registry's mutex, so it must not
    // use the library; files it may change as it likes.
    let Some(mut hook) = HOOK.take() else { return Ok(()) };
    let answer = hook(name);
    HOOK.with_borrow_mut(|place| *place = Some(hook));
    answer.map_or(Ok(()), |number| Err(io::Error::from_raw_os_error(number)))
}

/// Runs `body` on this thread with `hook` in front of every system call.
pub(crate) fn with_hook<T>(
    hook: impl FnMut(&'static str) -> Option<i32> + 'static,
    body: impl FnOnce() -> T,
) -> T {
    HOOK.with_borrow_mut(|place| *place = Some(Box::new(hook)));
    let result = body();
    HOOK.take();
    result
}
