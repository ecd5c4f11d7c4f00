// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// Root is made nobody for the file system, on one thread, and cannot remove the marker then.
func TestAReleaseThatFailedKeepsTheLockAndMayBeTriedAgain(t *testing.T) {
	path := markerPath(t)
	must(t, os.Chmod(filepath.Dir(path), 0o755))
	lock := acquire(t, path)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	forbid := func() { must(t, os.Chmod(filepath.Dir(path), 0o555)) }
	allow := func() { must(t, os.Chmod(filepath.Dir(path), 0o755)) }
	if os.Geteuid() == 0 {
		const nobody = 65534
		forbid = func() { must(t, syscall.Setfsuid(nobody)) }
		allow = func() { must(t, syscall.Setfsuid(0)) }
	}
	for _, end := range []func() error{lock.Release, lock.Close} {
		forbid()
		err := end()
		allow()
		failure := refused(t, err, crtx.ErrIO, syscall.EACCES, fs.ErrPermission)
		if failure.Errno != syscall.EACCES || failure.Op == "" {
			t.Fatalf("%+v", failure)
		}
		must(t, lock.Check())
		wantState(t, path, crtx.HeldByThisProcess)
	}
	must(t, lock.Close())
	wantState(t, path, crtx.Absent)
}

// Somebody has the companion locked, and no marker is there: a moment that passes.
func TestAcquireWaitsForAContendedCompanion(t *testing.T) {
	path := markerPath(t)
	companion, err := os.OpenFile(path+".flock", os.O_CREATE|os.O_RDWR, 0o600)
	must(t, err)
	defer companion.Close()
	must(t, syscall.Flock(int(companion.Fd()), syscall.LOCK_EX))
	_, err = crtx.TryAcquire(path, owner)
	refused(t, err, crtx.ErrContended)
	_, err = crtx.Acquire(&brief{Context: context.Background()}, path, owner)
	refused(t, err, crtx.ErrContended, context.DeadlineExceeded)

	time.AfterFunc(20*time.Millisecond, func() { companion.Close() })
	lock, err := crtx.Acquire(context.Background(), path, owner, quickly)
	must(t, err)
	must(t, lock.Release())
}
