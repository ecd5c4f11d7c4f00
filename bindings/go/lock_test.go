// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

func TestAHeldLockIsRefusedToOthersAndReleasedWithoutATrace(t *testing.T) {
	path := markerPath(t)
	lock, err := crtx.TryAcquire(path, owner)
	must(t, err)
	must(t, lock.Check())

	_, err = crtx.TryAcquire(path, owner)
	failure := refused(t, err, crtx.ErrMarkerExists, fs.ErrExist)
	if failure.MarkerState != crtx.HeldByThisProcess || failure.Path != path {
		t.Fatalf("%+v", failure)
	}
	wantState(t, path, crtx.HeldByThisProcess)

	must(t, lock.Release())
	wantState(t, path, crtx.Absent)
	left, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	if len(left) != 0 {
		t.Fatalf("left: %v", left)
	}
}

func TestTheLockTellsItsMarkerAndItsAbsolutePaths(t *testing.T) {
	path := markerPath(t)
	before := time.Now()
	lock := acquire(t, path)
	defer lock.Close()

	marker, err := lock.Marker()
	must(t, err)
	if marker.State != crtx.HeldByThisProcess || marker.PID != uint32(os.Getpid()) || marker.Scope != "production" ||
		marker.DeploymentID != owner.DeploymentID || marker.OperatorPrincipalID != owner.OperatorPrincipalID ||
		marker.RestoreIntentBLAKE3 != owner.RestoreIntentBLAKE3 || marker.Host != owner.Host {
		t.Fatalf("%+v", marker)
	}
	if marker.AcquiredAt.Before(before) || marker.AcquiredAt.After(time.Now()) {
		t.Fatalf("acquired at %v, but it is between %v and now", marker.AcquiredAt, before)
	}
	written, err := time.Parse(time.RFC3339Nano, marker.AcquiredAtText)
	must(t, err)
	if !written.Equal(marker.AcquiredAt) {
		t.Fatalf("%q is not %v", marker.AcquiredAtText, marker.AcquiredAt)
	}
	found, err := crtx.Inspect(path)
	must(t, err)
	if found != marker {
		t.Fatalf("on disk: %+v, from the lock: %+v", found, marker)
	}

	absolute, err := lock.MarkerPath()
	must(t, err)
	companion, err := lock.CompanionPath()
	must(t, err)
	if absolute != path || companion != path+".flock" {
		t.Fatalf("%q, %q", absolute, companion)
	}
}

func TestAPathLongerThanTheFirstGuessComesBackWhole(t *testing.T) {
	directory := t.TempDir()
	for len(directory) < 1000 {
		directory = filepath.Join(directory, "a-directory-with-a-rather-long-name-of-its-own")
	}
	must(t, os.MkdirAll(directory, 0o755))
	path := filepath.Join(directory, "marker")
	lock := acquire(t, path)
	defer lock.Close()
	if absolute, err := lock.MarkerPath(); err != nil || absolute != path {
		t.Fatalf("%q, %v", absolute, err)
	}
}

func TestAnEmptyHostIsThisMachines(t *testing.T) {
	unnamed := owner
	unnamed.Host = ""
	lock, err := crtx.TryAcquire(markerPath(t), unnamed, crtx.WithDurability(crtx.ProcessCrash))
	must(t, err)
	defer lock.Close()
	marker, err := lock.Marker()
	must(t, err)
	if name, err := os.Hostname(); err != nil || marker.Host != name {
		t.Fatalf("%q is not %q (%v)", marker.Host, name, err)
	}
}

func TestASecondReleaseIsRefusedAndCloseIsNot(t *testing.T) {
	lock := acquire(t, markerPath(t))
	must(t, lock.Release())
	refused(t, lock.Release(), crtx.ErrBadHandle)
	must(t, lock.Close())
	must(t, lock.Close())
	refused(t, lock.Check(), crtx.ErrBadHandle)
	refused(t, lock.Leak(), crtx.ErrBadHandle)
	_, err := lock.Marker()
	refused(t, err, crtx.ErrBadHandle)
	_, err = lock.MarkerPath()
	refused(t, err, crtx.ErrBadHandle)
	_, err = lock.CompanionPath()
	refused(t, err, crtx.ErrBadHandle)
}

func TestCloseReleasesOnce(t *testing.T) {
	path := markerPath(t)
	lock := acquire(t, path)
	must(t, lock.Close())
	wantState(t, path, crtx.Absent)
	must(t, lock.Close())
	refused(t, lock.Release(), crtx.ErrBadHandle)
}

func TestTheZeroAndTheNilLockAreRefused(t *testing.T) {
	for name, lock := range map[string]*crtx.Lock{"zero": {}, "nil": nil} {
		t.Run(name, func(t *testing.T) {
			refused(t, lock.Release(), crtx.ErrBadHandle)
			refused(t, lock.Close(), crtx.ErrBadHandle)
			refused(t, lock.Close(), crtx.ErrBadHandle)
			refused(t, lock.Check(), crtx.ErrBadHandle)
			refused(t, lock.Leak(), crtx.ErrBadHandle)
			_, err := lock.Marker()
			refused(t, err, crtx.ErrBadHandle)
			_, err = lock.MarkerPath()
			refused(t, err, crtx.ErrBadHandle)
			_, err = lock.CompanionPath()
			refused(t, err, crtx.ErrBadHandle)
		})
	}
}

func TestALeakedLockKeepsItsMarkerWhichIsThenStale(t *testing.T) {
	path := markerPath(t)
	lock := acquire(t, path)
	must(t, lock.Leak())
	must(t, lock.Leak())
	wantState(t, path, crtx.HeldByThisProcess)
	must(t, lock.Close())
	wantState(t, path, crtx.Stale)
	_, err := crtx.TryAcquire(path, owner)
	if failure := refused(t, err, crtx.ErrMarkerExists); failure.MarkerState != crtx.Stale {
		t.Fatalf("found %v", failure.MarkerState)
	}
}

func TestALostMarkerIsToldByCheckAndByCloseOnce(t *testing.T) {
	path := markerPath(t)
	lock := acquire(t, path)
	must(t, os.Remove(path))
	failure := refused(t, lock.Check(), crtx.ErrLost)
	if failure.MarkerState != crtx.Absent {
		t.Fatalf("found %v", failure.MarkerState)
	}
	refused(t, lock.Close(), crtx.ErrLost)
	must(t, lock.Close())
	refused(t, lock.Release(), crtx.ErrBadHandle)
}

func TestOfManyReleasesAtOnceOneWins(t *testing.T) {
	for round := 0; round < 20; round++ {
		path := markerPath(t)
		lock := acquire(t, path)
		var won atomic.Int32
		var group sync.WaitGroup
		for i := 0; i < 16; i++ {
			group.Add(1)
			go func(closes bool) {
				defer group.Done()
				if closes {
					if err := lock.Close(); err != nil {
						t.Error(err)
					}
					return
				}
				_ = lock.Check()
				_, _ = lock.Marker()
				switch err := lock.Release(); {
				case err == nil:
					won.Add(1)
				case !errors.Is(err, crtx.ErrBadHandle):
					t.Error(err)
				}
			}(i%4 == 3)
		}
		group.Wait()
		if won.Load() > 1 {
			t.Fatalf("%d releases won", won.Load())
		}
		wantState(t, path, crtx.Absent)
	}
}
