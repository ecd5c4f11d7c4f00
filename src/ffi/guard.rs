// SPDX-License-Identifier: MIT OR Apache-2.0
//! No panic crosses the boundary, and none is heard beyond it.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};

use super::error::write_error;
use super::types::{crtx_error, crtx_status};
use crate::error::quote_text;
use crate::sys::fork::{ForkMutex, Process};
use crate::{Error, Result, Status};

/// Runs an exported function's body; fills the caller's `error`, if there is one, and returns the
/// same status.
pub(super) fn guarded(error: *mut crtx_error, body: impl FnOnce() -> Result<()>) -> crtx_status {
    let outcome = catch_panic(body);
    // SAFETY: the header demands that `error` is NULL or points to its own struct_size of bytes.
    unsafe { write_error(error, outcome.as_ref().err()) };
    outcome.err().map_or(Status::Ok, |error| error.status()).number()
}

fn catch_panic(body: impl FnOnce() -> Result<()>) -> Result<()> {
    silence_panics();
    let inside = Inside::enter();
    // Nothing that the body could leave half-changed is used after a panic, but for the handle
    // table, which changes in single steps, and the locks in it, which check the disk each time.
    let outcome = catch_unwind(AssertUnwindSafe(body));
    drop(inside);
    outcome.unwrap_or_else(|payload| Err(describe_panic(payload)))
}

fn describe_panic(payload: Box<dyn Any + Send>) -> Error {
    let text = match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(text) => (*text).to_owned(),
            Err(unknown) => {
                // Dropping a payload of unknown type could panic once more, outside of the guard.
                std::mem::forget(unknown);
                "no text".to_owned()
            }
        },
    };
    let site = PANIC_SITE.try_with(RefCell::take).unwrap_or_default();
    let message = format!("panic at {}: {}", quote_text(&site), quote_text(&text));
    Error::new(Status::Internal, "internal fault", message)
}

thread_local! {
    /// How many guards are on this thread's stack.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
    /// Where this thread's last panic inside a guard was.
    static PANIC_SITE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// While it lives, the thread is inside the boundary.
struct Inside;

impl Inside {
    fn enter() -> Inside {
        DEPTH.set(DEPTH.get() + 1);
        Inside
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Whether the hook is ours. Under a mutex that no fork leaves locked: a `Once` that another
/// thread was running would block the child for ever.
static HOOK: ForkMutex<()> = ForkMutex::new(());
static HOOK_IS_OURS: AtomicBool = AtomicBool::new(false);

/// Puts a hook before the present one that keeps silent inside the boundary, and only there: a Rust
/// program that links the rlib keeps its own messages.
fn silence_panics() {
    // The standard library refuses to change the hook on a thread that panics already. Where the
    // fork handlers were passed by, the mutex may be held by a thread that is not there.
    if HOOK_IS_OURS.load(Ordering::Acquire)
        || std::thread::panicking()
        || Process::current().bypassed_the_fork_handlers()
    {
        return;
    }
    let _held = HOOK.lock();
    if HOOK_IS_OURS.load(Ordering::Acquire) {
        return;
    }
    let former = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if DEPTH.try_with(Cell::get).unwrap_or(0) == 0 {
            former(info);
        } else {
            note_site(info);
        }
    }));
    HOOK_IS_OURS.store(true, Ordering::Release);
}

fn note_site(info: &PanicHookInfo<'_>) {
    let site = info.location().map(ToString::to_string).unwrap_or_default();
    let _ = PANIC_SITE.try_with(|place| place.replace(site));
}

#[cfg(test)]
mod tests {

    use super::super::error::empty_error;
    use super::*;

    #[test]
    fn a_panic_becomes_an_internal_fault_that_tells_where() {
        let mut error = empty_error();
        let line = line!() + 1;
        let status = guarded(&raw mut error, || panic!("broken\nhere {}", 1));
        assert_eq!(status, Status::Internal.number());
        assert_eq!(error.status, status);
        let message = error.message_text();
        assert!(message.contains("guard.rs"), "{message}");
        assert!(message.contains(&format!(":{line}:")), "{message}");
        assert!(message.contains("broken\\nhere 1"), "{message}");
        assert_eq!(DEPTH.get(), 0);
    }

    #[test]
    fn after_a_panic_the_next_call_works() {
        let _ = guarded(std::ptr::null_mut(), || panic!("first"));
        let mut error = empty_error();
        assert_eq!(guarded(&raw mut error, || Ok(())), 0);
        assert_eq!(error.status, 0);
        assert_eq!(error.message_text(), "");
    }

    #[test]
    fn a_panic_payload_that_panics_when_dropped_is_caught_too() {
        struct Bomb;
        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("dropped");
            }
        }
        let body = || std::panic::panic_any(Bomb);
        assert_eq!(guarded(std::ptr::null_mut(), body), Status::Internal.number());
    }

    include!("../../tests/support/this_program.rs");

    /// Runs itself in another process, since only there stderr can be read.
    #[test]
    fn a_panic_inside_the_boundary_writes_nothing_to_stderr_and_one_outside_does() {
        const MODE: &str = "CRTX_TEST_PANIC_PROBE";
        match std::env::var(MODE).as_deref() {
            Ok("inside") => {
                let _ = guarded(std::ptr::null_mut(), || panic!("must not be heard"));
                std::process::exit(0);
            }
            Ok("outside") => {
                let _ = guarded(std::ptr::null_mut(), || Ok(()));
                let _ = catch_unwind(|| panic!("must be heard"));
                std::process::exit(0);
            }
            _ => {}
        }
        let stderr_of = |mode: &str| {
            let output = this_program()
                .args(["--exact", "--nocapture", "--test-threads=1"])
                .arg(
                    "ffi::guard::tests::\
                     a_panic_inside_the_boundary_writes_nothing_to_stderr_and_one_outside_does",
                )
                .env(MODE, mode)
                .output()
                .unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stderr).unwrap()
        };
        assert_eq!(stderr_of("inside"), "");
        assert!(stderr_of("outside").contains("must be heard"));
    }
}
