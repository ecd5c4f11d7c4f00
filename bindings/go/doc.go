// SPDX-License-Identifier: MIT OR Apache-2.0

// Package crtx is libcrtx for Go: an exclusive lock on a storage engine's active store, held across
// a destructive restore. While a live process holds it nobody else can take it. When a restore dies,
// its marker stays on disk until an operator signs for moving it aside, so that nobody takes over
// silently and the evidence is kept.
//
// # The lock
//
// [Acquire] waits for a live holder to go, until its context ends; [TryAcquire] does not wait. A
// stale marker, one whose holder died, is never waited for: only [Takeover], with an operator's
// signed attestation, gets past it.
//
//	lock, err := crtx.Acquire(ctx, "/srv/ledger.db.restore", owner)
//	if err != nil {
//		return err
//	}
//	if err := restore(lock); err != nil { // it calls lock.Check before each step that writes
//		return errors.Join(err, lock.Leak(), lock.Release()) // half-done: the marker stays
//	}
//	return lock.Release()
//
// What to know before anything else:
//
//   - The end of the process without [Lock.Release] counts as a crash: the marker stays, and the next
//     acquire is refused. os.Exit and log.Fatal run no deferred calls.
//   - A deferred [Lock.Close] releases on every way out, a panic included. Where the store may be
//     half-done by then, do as above: a panic that ends the process leaves the marker.
//   - The garbage collector never releases. A *Lock that is dropped is logged once, as a warning, on
//     the default logger of log/slog; the process holds the lock until it ends, and the marker stays.
//   - The lock belongs to the process, not to a goroutine: any goroutine may use a *Lock, several at
//     once too, and a second acquire in the same process is refused like anybody's.
//   - Programs that are started with os/exec inherit nothing of a lock, and do not keep it held.
//   - Calls into the library make system calls, and with full durability they wait for the disk.
//     Only Acquire takes a context, and no single attempt of it is cut short.
//   - The lock is advisory, and OS locks are not to be trusted on network filesystems, which are
//     refused. The page "Read this first" of the repository's README has all of it.
//
// # Errors
//
// Every error is an [*Error]. It matches, with [errors.Is], the [Status] that the library answered
// ([ErrMarkerExists], [ErrLost]), the errno behind it, and [fs.ErrNotExist] and [fs.ErrExist] where
// they fit; an Acquire that gave up matches both the last refusal and the context's error. Its
// text is the library's own sentence, which came back in the same call and names the file.
//
// # Paths, texts and times
//
// A path is any bytes but NUL, and not empty. All other texts are UTF-8. Times are taken and given
// in nanoseconds since 1970, so from 1677 to 2262; times beyond count as these limits. The zero
// [time.Time] stands for the system clock.
//
// # Linking
//
// The library is linked statically, from an archive in the directory of this package that `make go`
// builds in the repository. With -tags crtx_dynamic it is the installed shared library, found
// by pkg-config. The README beside this file says more. cgo is needed.
package crtx
