// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

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
