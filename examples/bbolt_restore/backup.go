// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	bolt "go.etcd.io/bbolt"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// A backup is a directory of three files.
type backup struct{ directory string }

func (b backup) database() string { return filepath.Join(b.directory, "store.bolt") }
func (b backup) eventLog() string { return filepath.Join(b.directory, "events.jsonl") }
func (b backup) manifest() string { return filepath.Join(b.directory, "MANIFEST.json") }

// A manifest has the digests of a backup's files.
type manifest struct {
	Database string `json:"store.bolt"`
	EventLog string `json:"events.jsonl"`
}

// takeBackup makes a backup of a store that may be in use by a program that opened it read-only.
func takeBackup(a arguments) error {
	b := backup{a.backup}
	if err := os.Mkdir(b.directory, 0o700); err != nil {
		return err
	}
	database, err := bolt.Open(a.store.database, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("%s: %w", a.store.database, err)
	}
	err = database.View(func(tx *bolt.Tx) error { return tx.CopyFile(b.database(), 0o600) })
	if err := errors.Join(err, database.Close()); err != nil {
		return err
	}
	events, err := os.Create(b.eventLog())
	if err != nil {
		return err
	}
	err = copyDurably(a.store.eventLog(), events)
	if err := errors.Join(err, events.Close()); err != nil {
		return err
	}
	content, err := b.describe()
	if err != nil {
		return err
	}
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if err := os.WriteFile(b.manifest(), append(text, '\n'), 0o600); err != nil {
		return err
	}
	return errors.Join(syncPath(b.database()), syncPath(b.manifest()), syncPath(b.directory))
}

// describe computes the digests anew.
func (b backup) describe() (m manifest, err error) {
	if m.Database, err = crtx.BLAKE3File(b.database()); err != nil {
		return m, err
	}
	m.EventLog, err = crtx.BLAKE3File(b.eventLog())
	return m, err
}

// intentFor says what it is to restore this backup over that store. The manifest must fit its files.
func (b backup) intentFor(s store) (crtx.Intent, error) {
	var said manifest
	text, err := os.ReadFile(b.manifest())
	if err != nil {
		return crtx.Intent{}, err
	}
	if err := json.Unmarshal(text, &said); err != nil {
		return crtx.Intent{}, fmt.Errorf("%s: %w", b.manifest(), err)
	}
	found, err := b.describe()
	if err != nil {
		return crtx.Intent{}, err
	}
	if found != said {
		return crtx.Intent{}, fmt.Errorf("%s: the files beside it are not those that it lists", b.manifest())
	}
	digest, err := crtx.BLAKE3File(b.manifest())
	return crtx.Intent{
		ActiveDBPath:         s.database,
		ActiveEventLogPath:   s.eventLog(),
		BackupManifestBLAKE3: digest,
		StagedSQLiteBLAKE3:   found.Database, // the format's name for it; any database will do
		StagedJSONLBLAKE3:    found.EventLog,
	}, err
}
