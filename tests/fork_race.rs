// SPDX-License-Identifier: MIT OR Apache-2.0
//! A child that is forked while its parent installs the fork handlers owns the locks that it acquires.
//!
//! The program stands between the library and glibc's `__register_atfork`, which is what pthread_atfork
//! calls, and forks from another thread at that moment. It is a program without libtest, so that the
//! library's first use is its own.

#![allow(unsafe_code)]

#[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]
mod race {
    use std::ffi::{c_int, c_void};
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicBool, Ordering};

    use crtx::{Allow, Durability, Lock, LockOptions, MarkerState};

    static MARKER: OnceLock<PathBuf> = OnceLock::new();
    static FORKED: AtomicBool = AtomicBool::new(false);
    static CHILD_WAS_RIGHT: AtomicBool = AtomicBool::new(false);

    type Handler = Option<extern "C" fn()>;
    type Register = unsafe extern "C" fn(Handler, Handler, Handler, *mut c_void) -> c_int;

    /// # Safety
    ///
    /// As pthread_atfork: the handlers stay where they are.
    #[unsafe(no_mangle)]
    unsafe extern "C" fn __register_atfork(
        prepare: Handler,
        parent: Handler,
        child: Handler,
        library: *mut c_void,
    ) -> c_int {
        // Not the registrations of other libraries, which may come first.
        if MARKER.get().is_some() && !FORKED.swap(true, Ordering::SeqCst) {
            std::thread::spawn(fork_a_child).join().unwrap();
        }
        // SAFETY: the next one is glibc's, and has this type.
        unsafe {
            let next = libc::dlsym(libc::RTLD_NEXT, c"__register_atfork".as_ptr());
            let next: Register = std::mem::transmute(next);
            next(prepare, parent, child, library)
        }
    }

    fn fork_a_child() {
        // SAFETY: the child uses the library, which is what is tried, and ends without cleaning up.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let was_right = std::panic::catch_unwind(own_a_lock).is_ok();
            // SAFETY: ends the process.
            unsafe { libc::_exit(i32::from(!was_right)) };
        }
        let mut status = -1;
        // SAFETY: the child is ours, and the status writable.
        let waited = unsafe { libc::waitpid(child, &raw mut status, 0) };
        CHILD_WAS_RIGHT.store(waited == child && status == 0, Ordering::SeqCst);
    }

    fn own_a_lock() {
        let marker = MARKER.get().unwrap();
        let options = LockOptions {
            durability: Durability::ProcessCrash,
            allow: Allow::default(),
            timeout: std::time::Duration::ZERO,
            deployment_id: "ledger".into(),
            operator_principal_id: "operator:alice".into(),
            restore_intent_blake3: format!("blake3:{}", "0".repeat(64)),
            host: None,
        };
        let mut lock = Lock::acquire(marker, &options).unwrap();
        lock.check().unwrap();
        lock.release().unwrap();
        assert_eq!(crtx::inspect(marker).unwrap().state, MarkerState::Absent);
        Lock::acquire(marker, &options).unwrap().release().unwrap();
    }

    pub(super) fn run() -> bool {
        let directory = tempfile::tempdir().unwrap();
        MARKER.set(directory.path().join("store.lock")).unwrap();
        let parent = std::panic::catch_unwind(own_a_lock);
        assert!(FORKED.load(Ordering::SeqCst), "the handlers were not installed by the first call");
        parent.is_ok() && CHILD_WAS_RIGHT.load(Ordering::SeqCst)
    }
}

fn main() {
    #[cfg(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static")))]
    {
        let is_right = race::run();
        println!("{} passed, {} failed", i32::from(is_right), i32::from(!is_right));
        std::process::exit(i32::from(!is_right));
    }
    #[cfg(not(all(target_os = "linux", target_env = "gnu", not(target_feature = "crt-static"))))]
    println!("0 passed, 0 failed, 1 skipped");
}
