// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// A restoration is one restore at work.
type restoration struct {
	store    store
	intent   crtx.Intent
	lock     *crtx.Lock
	answers  *bufio.Reader // to the questions of -confirm; nil: nothing is asked
	replaced bool          // a file of the store is no longer the old one
}

// restore restores the backup over the store, if the operator who is trusted signed for just that.
func restore(a arguments) error {
	trusted, err := os.ReadFile(a.trust)
	if err != nil {
		return err
	}
	intent, err := backup{a.backup}.intentFor(a.store)
	if err != nil {
		return err
	}
	document, err := readSigned(a.intent, trusted, a.deployment)
	if err != nil {
		return err
	}
	digest, err := crtx.VerifyIntent(document, intent)
	if err != nil {
		return err
	}
	principal, err := crtx.OperatorPrincipal(trusted)
	if err != nil {
		return err
	}
	lock, err := lockStore(a, trusted, crtx.Owner{
		DeploymentID: a.deployment, OperatorPrincipalID: principal, RestoreIntentBLAKE3: digest,
	})
	if err != nil {
		return err
	}

	r := &restoration{store: a.store, intent: intent, lock: lock}
	if a.confirm {
		r.answers = bufio.NewReader(os.Stdin)
	}
	if err := r.run(backup{a.backup}); err != nil {
		if r.replaced { // half-done: the marker stays, and tells the next one
			err = errors.Join(err, lock.Leak())
		}
		return errors.Join(err, lock.Release())
	}
	if err := lock.Release(); err != nil {
		return err
	}
	fmt.Println("restored")
	return nil
}

// lockStore takes the lock: with an attestation from the restore that died, else from nobody.
func lockStore(a arguments, trusted []byte, owner crtx.Owner) (*crtx.Lock, error) {
	if a.attestation != "" {
		attestation, err := readSigned(a.attestation, trusted, a.deployment)
		if err != nil {
			return nil, err
		}
		lock, stale, err := crtx.Takeover(a.store.marker(), attestation, owner)
		if err == nil {
			fmt.Println("taken over; the old marker is", stale)
		}
		return lock, err
	}
	if a.wait <= 0 {
		return crtx.TryAcquire(a.store.marker(), owner)
	}
	// Ctrl-C ends the wait. During the restore itself it ends the process, as a crash does.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ctx, cancel := context.WithTimeout(ctx, a.wait)
	defer cancel()
	return crtx.Acquire(ctx, a.store.marker(), owner)
}

func (r *restoration) run(from backup) (err error) {
	giveBack, err := r.store.lockOut()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, giveBack()) }()

	if err := r.lock.Check(); err != nil {
		return err
	}
	if err := r.store.removeStaged(); err != nil {
		return err
	}
	database, err := stage(from.database(), r.store.database)
	defer os.Remove(database)
	if err != nil {
		return err
	}
	events, err := stage(from.eventLog(), r.store.eventLog())
	defer os.Remove(events)
	if err != nil {
		return err
	}
	// The copies, because the backup may have changed since it was looked at.
	err = errors.Join(
		wantDigest(database, r.intent.StagedSQLiteBLAKE3),
		wantDigest(events, r.intent.StagedJSONLBLAKE3),
		checkDatabase(database))
	if err != nil {
		return err
	}

	if err := r.replace(database, r.store.database); err != nil {
		return err
	}
	if err := r.replace(events, r.store.eventLog()); err != nil {
		return err
	}
	return errors.Join(
		wantDigest(r.store.database, r.intent.StagedSQLiteBLAKE3),
		wantDigest(r.store.eventLog(), r.intent.StagedJSONLBLAKE3))
}

// stage copies a file of the backup to a new name beside the active one, on the same filesystem.
func stage(from, active string) (path string, err error) {
	file, err := os.CreateTemp(filepath.Dir(active), filepath.Base(active)+staged)
	if err != nil {
		return "", err
	}
	err = copyDurably(from, file)
	return file.Name(), errors.Join(err, file.Close())
}

// replace puts a staged file in the place of the active one, if the lock is still ours.
func (r *restoration) replace(staged, active string) error {
	if r.answers != nil {
		fmt.Printf("about to replace %s; press Enter to go on\n", active)
		if _, err := r.answers.ReadString('\n'); err != nil {
			return fmt.Errorf("no answer: %w", err)
		}
	}
	if err := r.lock.Check(); err != nil {
		return err
	}
	if err := os.Rename(staged, active); err != nil {
		return err
	}
	r.replaced = true
	return syncPath(filepath.Dir(active))
}

func wantDigest(path, wanted string) error {
	found, err := crtx.BLAKE3File(path)
	if err == nil && found != wanted {
		err = fmt.Errorf("%s is %s, and %s was signed for", path, found, wanted)
	}
	return err
}
