// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// The digest of nothing.
const emptyBLAKE3 = "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262"

var owner = crtx.Owner{
	DeploymentID:        "ledger-production",
	OperatorPrincipalID: "operator:alice",
	RestoreIntentBLAKE3: emptyBLAKE3,
	Host:                "test-host",
}

func markerPath(t testing.TB) string {
	t.Helper()
	return filepath.Join(t.TempDir(), "store.db.restore")
}

// acquire takes the lock without syncs, and demands that it succeeds.
func acquire(t testing.TB, path string) *crtx.Lock {
	t.Helper()
	lock, err := crtx.TryAcquire(path, owner, crtx.WithDurability(crtx.ProcessCrash))
	must(t, err)
	return lock
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused demands an *Error that matches all of the targets, and gives it.
func refused(t testing.TB, err error, targets ...error) *crtx.Error {
	t.Helper()
	var failure *crtx.Error
	if !errors.As(err, &failure) {
		t.Fatalf("%v (%T) is no *crtx.Error", err, err)
	}
	for _, target := range targets {
		if !errors.Is(err, target) {
			t.Fatalf("%v (%s) does not match %v", err, failure.Status.Name(), target)
		}
	}
	return failure
}

func stateOf(t testing.TB, path string) crtx.MarkerState {
	t.Helper()
	marker, err := crtx.Inspect(path)
	must(t, err)
	return marker.State
}

func wantState(t testing.TB, path string, wanted crtx.MarkerState) {
	t.Helper()
	if state := stateOf(t, path); state != wanted {
		t.Fatalf("%s is %v, not %v", path, state, wanted)
	}
}

// leaveStale leaves a marker behind that nobody holds.
func leaveStale(t testing.TB, path string) {
	t.Helper()
	lock := acquire(t, path)
	must(t, lock.Leak())
	must(t, lock.Release())
}

// An operator is a key pair, and signs.
type operator struct {
	seed      []byte
	publicKey []byte
}

func newOperator(t testing.TB, first byte) operator {
	t.Helper()
	seed := make([]byte, crtx.SeedSize)
	seed[0] = first
	key, err := crtx.PublicKey(seed)
	must(t, err)
	return operator{seed, key}
}

func (o operator) sign(t testing.TB, payload []byte) crtx.SignedDocument {
	t.Helper()
	signature, err := crtx.Sign(o.seed, payload)
	must(t, err)
	return crtx.SignedDocument{
		Payload: payload, Signature: signature, PublicKey: o.publicKey, DeploymentID: owner.DeploymentID,
	}
}

// attest signs for moving the marker aside that is at path now.
func (o operator) attest(t testing.TB, path string) crtx.SignedDocument {
	t.Helper()
	payload, err := crtx.BuildTakeover(path, crtx.TakeoverRequest{
		PublicKey: o.publicKey, Justification: "the restore died", ValidFor: time.Hour,
	})
	must(t, err)
	return o.sign(t, payload)
}

func readFile(t testing.TB, elements ...string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(elements...))
	must(t, err)
	return content
}
