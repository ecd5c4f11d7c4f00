// SPDX-License-Identifier: MIT OR Apache-2.0
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

func main() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	lock, err := crtx.Acquire(ctx, "ledger.db.restore", crtx.Owner{
		DeploymentID:        "ledger-production",
		OperatorPrincipalID: "operator:alice", // crtx.OperatorPrincipal of her key
		// As crtx.VerifyIntent gives it for what she signed:
		RestoreIntentBLAKE3: "blake3:af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262",
	})
	if errors.Is(err, crtx.ErrMarkerExists) {
		fmt.Println("another restore is at work, or died:") // (*crtx.Error).MarkerState tells which
	}
	if err != nil {
		log.Fatal(err)
	}
	// Restore here; before each step that writes, make sure that the lock is still ours:
	if err := lock.Check(); err != nil {
		log.Fatal(errors.Join(err, lock.Leak(), lock.Release())) // half-done: the marker stays
	}
	fmt.Println("restored")
	if err := lock.Release(); err != nil {
		log.Fatal(err)
	}
}
