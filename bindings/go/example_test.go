// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// storeDirectory stands for the directory of a store.
func storeDirectory() string {
	directory, err := os.MkdirTemp("", "crtx-example-")
	if err != nil {
		log.Fatal(err)
	}
	return directory
}

// restore stands for the work that is done under the lock.
func restore(lock *crtx.Lock) error {
	return lock.Check() // before each step that writes
}

func Example() {
	directory := storeDirectory()
	defer os.RemoveAll(directory)
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	lock, err := crtx.Acquire(ctx, filepath.Join(directory, "ledger.db.restore"), crtx.Owner{
		DeploymentID:        "ledger-production",
		OperatorPrincipalID: "operator:alice",
		RestoreIntentBLAKE3: "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
	})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		fmt.Println("another restore is at work")
		return
	case errors.Is(err, crtx.ErrMarkerExists):
		fmt.Println("another restore died: an operator has to sign for a takeover")
		return
	case err != nil:
		log.Fatal(err)
	}
	if err := restore(lock); err != nil {
		// Half-done: the marker stays.
		log.Fatal(errors.Join(err, lock.Leak(), lock.Release()))
	}
	if err := lock.Release(); err != nil {
		log.Fatal(err)
	}
	fmt.Println("restored")
	// Output: restored
}

func ExampleTryAcquire() {
	directory := storeDirectory()
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "ledger.db.restore")

	lock, err := crtx.TryAcquire(path, owner)
	if err != nil {
		log.Fatal(err)
	}
	defer lock.Close()

	_, err = crtx.TryAcquire(path, owner)
	var refusal *crtx.Error
	if errors.As(err, &refusal) {
		fmt.Println(refusal.Status.Name(), refusal.MarkerState)
	}
	// Output: CRTX_E_MARKER_EXISTS held by this process
}

func ExampleInspect() {
	directory := storeDirectory()
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "ledger.db.restore")

	marker, err := crtx.Inspect(path)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(marker.State)

	lock, err := crtx.TryAcquire(path, owner)
	if err != nil {
		log.Fatal(err)
	}
	defer lock.Close()
	if marker, err = crtx.Inspect(path); err != nil {
		log.Fatal(err)
	}
	fmt.Println(marker.State, marker.PID == uint32(os.Getpid()), marker.DeploymentID)
	// Output:
	// absent
	// held by this process true ledger-production
}

// A restore that could not be undone keeps its marker; an operator signs for moving it aside.
func ExampleTakeover() {
	directory := storeDirectory()
	defer os.RemoveAll(directory)
	path := filepath.Join(directory, "ledger.db.restore")

	lock, err := crtx.TryAcquire(path, owner)
	if err != nil {
		log.Fatal(err)
	}
	if err := errors.Join(lock.Leak(), lock.Release()); err != nil {
		log.Fatal(err)
	}

	// On the operator's machine, with her key:
	alice := ed25519.NewKeyFromSeed([]byte("32 bytes that only she has got!!"))
	aliceKey := alice.Public().(ed25519.PublicKey)
	payload, err := crtx.BuildTakeover(path, crtx.TakeoverRequest{
		PublicKey:     aliceKey,
		Justification: "the host lost power; its process is gone",
		ValidFor:      time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	signature, err := crtx.Sign(alice.Seed(), payload)
	if err != nil {
		log.Fatal(err)
	}

	// On the server, which trusts her key:
	lock, stale, err := crtx.Takeover(path, crtx.SignedDocument{
		Payload: payload, Signature: signature, PublicKey: aliceKey, DeploymentID: owner.DeploymentID,
	}, owner)
	if err != nil {
		log.Fatal(err)
	}
	defer lock.Close()
	fmt.Println("old marker moved aside:", strings.HasPrefix(stale, path+".stale-"))

	// Years later:
	evidence, err := crtx.ListEvidence(path)
	if err != nil {
		log.Fatal(err)
	}
	for _, stale := range evidence {
		fmt.Println("evidence holds:", crtx.VerifyEvidence(stale, aliceKey) == nil)
	}
	// Output:
	// old marker moved aside: true
	// evidence holds: true
}

// A restore is permitted by an operator who signs what is to be restored over what.
func ExampleVerifyIntent() {
	alice := ed25519.NewKeyFromSeed([]byte("32 bytes that only she has got!!"))
	aliceKey := alice.Public().(ed25519.PublicKey)
	intent := crtx.Intent{
		ActiveDBPath:         "/srv/ledger/ledger.db",
		ActiveEventLogPath:   "/srv/ledger/events.jsonl",
		BackupManifestBLAKE3: "blake3:2099db2be71ebffb4bf25ef191113b89d1010b54219bda4d5fee9e0b91337fa3",
		StagedSQLiteBLAKE3:   "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
		StagedJSONLBLAKE3:    "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
	}
	payload, err := crtx.BuildIntent(crtx.IntentRequest{
		Intent: intent, DeploymentID: "ledger-production", PublicKey: aliceKey, ValidFor: time.Hour,
	})
	if err != nil {
		log.Fatal(err)
	}
	document := crtx.SignedDocument{
		Payload: payload, Signature: ed25519.Sign(alice, payload), PublicKey: aliceKey, DeploymentID: "ledger-production",
	}

	digest, err := crtx.VerifyIntent(document, intent) // for Owner.RestoreIntentBLAKE3
	fmt.Println(len(digest), err)
	intent.ActiveDBPath = "/srv/ledger/another.db"
	_, err = crtx.VerifyIntent(document, intent)
	fmt.Println(errors.Is(err, crtx.ErrPathMismatch))
	// Output:
	// 71 <nil>
	// true
}
