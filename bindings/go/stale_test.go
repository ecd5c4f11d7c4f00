// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// leaveByAKilledProcess leaves the marker of a process that was killed while it held the lock.
func leaveByAKilledProcess(t *testing.T, path string) {
	t.Helper()
	holder := start(t, "hold", path)
	holder.wantLine(t, "held")
	holder.kill()
}

func wantEvidence(t *testing.T, path string, publicKey []byte, wanted ...string) {
	t.Helper()
	evidence, err := crtx.ListEvidence(path)
	must(t, err)
	if strings.Join(evidence, "\n") != strings.Join(wanted, "\n") {
		t.Fatalf("%q, not %q", evidence, wanted)
	}
	for _, stale := range evidence {
		must(t, crtx.VerifyEvidence(stale, publicKey))
	}
}

func TestTheMarkerOfAKilledProcessIsTakenOverOnAnAttestation(t *testing.T) {
	path, alice := markerPath(t), newOperator(t, 1)
	leaveByAKilledProcess(t, path)
	before, err := crtx.ReadMarker(path)
	must(t, err)
	attestation := alice.attest(t, path)
	must(t, crtx.VerifyTakeover(path, attestation))

	lock, stale, err := crtx.Takeover(path, attestation, owner)
	must(t, err)
	must(t, lock.Check())
	wantState(t, path, crtx.HeldByThisProcess)
	if !strings.HasPrefix(stale, path+".stale-") || !bytes.Equal(readFile(t, stale), before) {
		t.Fatalf("%q is not the old marker", stale)
	}
	must(t, lock.Release())
	wantEvidence(t, path, alice.publicKey, stale)
	refused(t, crtx.VerifyEvidence(stale, newOperator(t, 2).publicKey), crtx.ErrBadSignature)
	refused(t, crtx.VerifyEvidence(path+".stale-20260101T000000Z", alice.publicKey), crtx.ErrEvidenceInvalid)
}

func TestTheMarkerOfAKilledProcessIsQuarantinedAndTheStoreIsFree(t *testing.T) {
	path, alice := markerPath(t), newOperator(t, 1)
	leaveByAKilledProcess(t, path)
	stale, err := crtx.Quarantine(path, alice.attest(t, path))
	must(t, err)
	wantEvidence(t, path, alice.publicKey, stale)
	wantState(t, path, crtx.Absent)
	must(t, acquire(t, path).Release())
}

func TestALiveHolderIsNotTakenOverWhateverIsSigned(t *testing.T) {
	path, alice := markerPath(t), newOperator(t, 1)
	lock := acquire(t, path)
	defer lock.Close()
	attestation := alice.attest(t, path)
	refused(t, crtx.VerifyTakeover(path, attestation), crtx.ErrContended)
	_, err := crtx.Quarantine(path, attestation)
	if failure := refused(t, err, crtx.ErrContended); failure.MarkerState != crtx.HeldByThisProcess {
		t.Fatalf("found %v", failure.MarkerState)
	}
	other, stale, err := crtx.Takeover(path, attestation, owner)
	refused(t, err, crtx.ErrContended)
	if other != nil || stale != "" {
		t.Fatalf("%v, %q", other, stale)
	}
	must(t, lock.Check())
}

func TestAttestationsThatDoNotFitAreRefusedAndChangeNothing(t *testing.T) {
	path, alice, mallory := markerPath(t), newOperator(t, 1), newOperator(t, 2)
	leaveStale(t, path)
	good := alice.attest(t, path)
	elsewhere := markerPath(t)
	leaveStale(t, elsewhere)
	before := readFile(t, path)

	for wanted, change := range map[crtx.Status]func(*crtx.SignedDocument){
		crtx.ErrBadSignature:       func(d *crtx.SignedDocument) { d.PublicKey = mallory.publicKey },
		crtx.ErrUntrustedKey:       func(d *crtx.SignedDocument) { d.PublicKey = nil },
		crtx.ErrSignatureLength:    func(d *crtx.SignedDocument) { d.Signature = nil },
		crtx.ErrTooLarge:           func(d *crtx.SignedDocument) { d.Payload = make([]byte, 1<<20) },
		crtx.ErrDeploymentMismatch: func(d *crtx.SignedDocument) { d.DeploymentID = "ledger-staging" },
		crtx.ErrExpired:            func(d *crtx.SignedDocument) { d.Now = time.Now().Add(2 * time.Hour) },
		crtx.ErrNotYetValid:        func(d *crtx.SignedDocument) { d.Now = time.Unix(0, 0) },
		crtx.ErrStaleTimeMismatch:  func(d *crtx.SignedDocument) { *d = alice.attest(t, elsewhere) },
		crtx.ErrInvalidArgument:    func(d *crtx.SignedDocument) { d.DeploymentID = "ledger\x00production" },
	} {
		document := good
		change(&document)
		refused(t, crtx.VerifyTakeover(path, document), wanted)
		_, err := crtx.Quarantine(path, document)
		refused(t, err, wanted)
		_, _, err = crtx.Takeover(path, document, owner)
		refused(t, err, wanted)
	}
	far := good
	far.Now = time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
	refused(t, crtx.VerifyTakeover(path, far), crtx.ErrExpired)
	far.Now = time.Date(1000, 1, 1, 0, 0, 0, 0, time.UTC)
	refused(t, crtx.VerifyTakeover(path, far), crtx.ErrNotYetValid)

	another := owner
	another.DeploymentID = "ledger-staging"
	_, _, err := crtx.Takeover(path, good, another)
	refused(t, err, crtx.ErrDeploymentMismatch)

	if !bytes.Equal(readFile(t, path), before) {
		t.Fatal("the marker has changed")
	}
	wantEvidence(t, path, alice.publicKey)
	must(t, crtx.VerifyTakeover(path, good))
}

func TestWithoutAMarkerThereIsNothingToTakeOver(t *testing.T) {
	path, alice := markerPath(t), newOperator(t, 1)
	leaveStale(t, path)
	attestation := alice.attest(t, path)
	must(t, os.Remove(path))
	_, err := crtx.Quarantine(path, attestation)
	refused(t, err, crtx.ErrMarkerAbsent, fs.ErrNotExist)
	_, _, err = crtx.Takeover(path, attestation, owner)
	refused(t, err, crtx.ErrMarkerAbsent, fs.ErrNotExist)
}

func TestALongListOfEvidenceComesBackWhole(t *testing.T) {
	path, alice := markerPath(t), newOperator(t, 1)
	var wanted []string
	for i := 0; i < 40; i++ {
		leaveStale(t, path)
		stale, err := crtx.Quarantine(path, alice.attest(t, path))
		must(t, err)
		wanted = append(wanted, stale)
	}
	wantEvidence(t, path, alice.publicKey, wanted...)
}

// Somebody puts a file where the marker was, in the moment between the two renames of a takeover, so that
// neither the new marker nor the old one can go there.
func TestAFailedTakeoverTellsWhereTheOldMarkerIs(t *testing.T) {
	alice := newOperator(t, 1)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(4)) // the intruder runs while the takeover does
	for attempt := 0; attempt < 2000; attempt++ {
		path := markerPath(t)
		leaveStale(t, path)
		old := readFile(t, path)
		ctx, cancel := context.WithCancel(context.Background())
		var intruder sync.WaitGroup
		intruder.Add(1)
		go func() {
			defer intruder.Done()
			for ctx.Err() == nil {
				if file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o644); err == nil {
					file.Close()
					return
				}
			}
		}()
		lock, _, err := crtx.Takeover(path, alice.attest(t, path), owner)
		cancel()
		intruder.Wait()
		if err == nil { // the intruder was too slow
			must(t, lock.Release())
			continue
		}
		failure := refused(t, err)
		if failure.StalePath == "" {
			t.Fatalf("%+v", failure)
		}
		if !bytes.Equal(readFile(t, failure.StalePath), old) {
			t.Fatalf("%s is not the old marker", failure.StalePath)
		}
		if !strings.Contains(failure.Message, filepath.Base(failure.StalePath)) {
			t.Fatalf("the message does not say where it is: %s", failure.Message)
		}
		t.Logf("attempt %d: %s: %v", attempt, failure.Status.Name(), err)
		return
	}
	t.Fatal("the intruder was never in time")
}
