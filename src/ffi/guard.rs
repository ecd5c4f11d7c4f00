// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one way in and out: no panic crosses, and the caller's error is filled.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;

use super::output::fill_error;
use super::types::{crtx_error, crtx_status};
use crate::error::{Error, Result, Status};

/// Runs the body of an exported function.
///
/// # Safety
///
/// `error` is NULL or points to a `crtx_error` whose first `struct_size` bytes are writable.
pub(super) unsafe fn guard(
    error: *mut crtx_error,
    body: impl FnOnce() -> Result<()>,
) -> crtx_status {
    let result = quietly(|| catch_unwind(AssertUnwindSafe(body)));
    let result = result.unwrap_or_else(|panic| Err(internal(panic.as_ref())));
    let status = result.as_ref().map_or_else(Error::status, |()| Status::Ok);
    // SAFETY: passed on from the caller.
    unsafe { fill_error(error, result.err().as_ref()) };
    status.number()
}

fn internal(panic: &(dyn Any + Send)) -> Error {
    let what = panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message");
    let message =
        format!("the library caught a fault of its own: {}", crate::error::quote_text(what));
    Error::new(Status::Internal, "internal", message)
}

thread_local! {
    static INSIDE: Cell<bool> = const { Cell::new(false) };
}

/// Keeps the panic hook from writing to stderr while this thread is inside the library. A hook that
/// the program set, if the program is in Rust too, still sees every panic of its own.
fn quietly<T>(body: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if !INSIDE.get() {
                previous(info);
            }
        }));
    });
    let before = INSIDE.replace(true);
    let result = body();
    INSIDE.set(before);
    result
}

/// Test builds only: panics inside the boundary, to show what becomes of it.
///
/// # Safety
///
/// As for every function of the library: `error` is NULL or a `crtx_error` of its `struct_size`.
#[cfg(feature = "test-panic")]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn crtx_test_panic(error: *mut crtx_error) -> crtx_status {
    // SAFETY: passed on from the caller.
    unsafe { guard(error, || panic!("a fault on purpose")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffi::output::tests::{message_of, new_error};

    #[test]
    fn a_panic_becomes_a_status() {
        let mut error = new_error();
        // SAFETY: the error is a whole one.
        let status = unsafe { guard(&mut error, || panic!("number {}", 7)) };
        assert_eq!(status, Status::Internal.number());
        assert_eq!(error.status, Status::Internal.number());
        assert!(message_of(&error).ends_with("\"number 7\""), "{}", message_of(&error));
    }

    #[test]
    fn success_clears_the_error_of_the_call_before() {
        let mut error = new_error();
        // SAFETY: the error is a whole one.
        unsafe { guard(&mut error, || Err(Error::argument("wrong"))) };
        assert_eq!(message_of(&error), "wrong");
        // SAFETY: the error is a whole one.
        assert_eq!(unsafe { guard(&mut error, || Ok(())) }, 0);
        assert_eq!((error.status, message_of(&error).as_str()), (0, ""));
    }
}
