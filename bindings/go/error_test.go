// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode/utf8"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// The goroutines move between threads, and fail at the same time: no detail may come from another's call.
func TestTheErrorOfEachGoroutineNamesItsOwnPath(t *testing.T) {
	directory := t.TempDir()
	var group sync.WaitGroup
	for i := 0; i < 32; i++ {
		path := filepath.Join(directory, fmt.Sprintf("store-%02d.restore", i))
		leaveStale(t, path)
		group.Add(1)
		go func() {
			defer group.Done()
			for round := 0; round < 50; round++ {
				_, acquireError := crtx.TryAcquire(path, owner)
				_, readError := crtx.ReadMarker(path + "/")
				for _, err := range []error{acquireError, readError} {
					var failure *crtx.Error
					if !errors.As(err, &failure) || !strings.Contains(failure.Message, path) ||
						!strings.HasPrefix(failure.Path, path) {
						t.Errorf("%s: %v", path, err)
						return
					}
				}
			}
		}()
	}
	group.Wait()
}

func TestAnErrorIsItsStatusAndTheMistakesThatGoKnows(t *testing.T) {
	path := markerPath(t)
	_, err := crtx.ReadMarker(path)
	var status crtx.Status
	if !errors.As(err, &status) || status != crtx.ErrMarkerAbsent || status.Name() != "CRTX_E_MARKER_ABSENT" {
		t.Fatal(status)
	}
	refused(t, err, fs.ErrNotExist)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, crtx.ErrContended) || errors.Is(err, crtx.OK) {
		t.Fatalf("%v matches too much", err)
	}
	_, err = crtx.TryAcquire(filepath.Join(path, "x"), owner)
	failure := refused(t, err, crtx.ErrNoParentDirectory, fs.ErrNotExist, syscall.ENOENT)
	if failure.Errno != syscall.ENOENT || failure.Op == "" || failure.Error() != failure.Message {
		t.Fatalf("%+v", failure)
	}
	_, err = crtx.BLAKE3File(path)
	refused(t, err, crtx.ErrIO, syscall.ENOENT, fs.ErrNotExist)
	_, err = crtx.BLAKE3File(filepath.Dir(path))
	refused(t, err, crtx.ErrNotRegularFile)
}

func TestAStatusThatTheLibraryDoesNotKnowKeepsItsNumber(t *testing.T) {
	err := fmt.Errorf("wrapped: %w", &crtx.Error{Status: 4711, Message: "from the future"})
	if !errors.Is(err, crtx.Status(4711)) || errors.Is(err, crtx.ErrInternal) {
		t.Fatal(err)
	}
	if name := crtx.Status(4711).Name(); name != "CRTX_E_UNKNOWN" || crtx.Status(4711).Error() == "" {
		t.Fatal(name)
	}
}

func TestTextsWithANULAreRefusedBeforeTheyAreCutShort(t *testing.T) {
	path := markerPath(t)
	for _, wrong := range []func() error{
		func() error { _, err := crtx.TryAcquire(path+"\x00", owner); return err },
		func() error { _, err := crtx.Inspect(path + "\x00x"); return err },
		func() error { _, err := crtx.ReadMarker("\x00"); return err },
		func() error { _, err := crtx.ListEvidence(path + "\x00x"); return err },
		func() error { return crtx.VerifyEvidence(path+"\x00x", nil) },
		func() error { _, err := crtx.BLAKE3File(path + "\x00x"); return err },
		func() error {
			cut := owner
			cut.DeploymentID = "ledger\x00"
			_, err := crtx.TryAcquire(path, cut)
			return err
		},
		func() error {
			_, err := crtx.BuildTakeover(path, crtx.TakeoverRequest{Justification: "because\x00"})
			return err
		},
	} {
		failure := refused(t, wrong(), crtx.ErrInvalidArgument)
		if failure.Message != crtx.ErrInvalidArgument.Error() {
			t.Fatalf("%+v", failure)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 0 {
		t.Fatalf("left: %v, %v", left, err)
	}
}

func TestAPathIsAnyBytesButNUL(t *testing.T) {
	path := filepath.Join(t.TempDir(), "\xff\xfe \n\t\"'\\é.restore")
	lock := acquire(t, path)
	if absolute, err := lock.MarkerPath(); err != nil || absolute != path {
		t.Fatalf("%q, %v", absolute, err)
	}
	_, err := crtx.TryAcquire(path, owner)
	failure := refused(t, err, crtx.ErrMarkerExists)
	if failure.Path != path || strings.ContainsAny(failure.Message, "\n\t") || !utf8.ValidString(failure.Message) {
		t.Fatalf("%q", failure.Message)
	}
	must(t, lock.Release())
}

func TestOptionsReachTheLibrary(t *testing.T) {
	path := markerPath(t)
	must(t, os.Chmod(filepath.Dir(path), 0o777))
	_, err := crtx.TryAcquire(path, owner)
	refused(t, err, crtx.ErrInsecurePermissions)
	lock, err := crtx.TryAcquire(path, owner, crtx.WithAllowSharedDirectory(), crtx.WithAllowNetworkFilesystem())
	must(t, err)
	must(t, lock.Leak())
	must(t, lock.Release())
	alice := newOperator(t, 1)
	attestation := alice.attest(t, path)
	refused(t, crtx.VerifyTakeover(path, attestation), crtx.ErrInsecurePermissions)
	must(t, crtx.VerifyTakeover(path, attestation, crtx.WithAllowSharedDirectory()))
	_, err = crtx.Quarantine(path, attestation)
	refused(t, err, crtx.ErrInsecurePermissions)
	_, _, err = crtx.Takeover(path, attestation, owner)
	refused(t, err, crtx.ErrInsecurePermissions)
	lock, _, err = crtx.Takeover(path, attestation, owner, crtx.WithAllowSharedDirectory())
	must(t, err)
	must(t, lock.Release())
	_, err = crtx.TryAcquire(path, owner, crtx.WithDurability(7), crtx.WithAllowSharedDirectory())
	refused(t, err, crtx.ErrInvalidArgument)
}
