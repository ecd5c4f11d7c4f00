// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

// A store is a bbolt file and the files beside it. Its path is absolute, as restore intents want it.
type store struct{ database string }

func newStore(file string) store {
	absolute, err := filepath.Abs(file)
	if err != nil { // the working directory is gone: the next call will say so
		absolute = file
	}
	return store{absolute}
}

func (s store) eventLog() string { return s.database + ".events.jsonl" }
func (s store) marker() string   { return s.database + ".restore" }

// lockOut takes bbolt's own lock on the store, so that no engine has it open; the answer gives it
// back. A store that is missing or broken has no engine. Nothing is written: bbolt would make a
// database of an empty file, and write a free list if there is none.
func (s store) lockOut() (giveBack func() error, err error) {
	nothing := func() error { return nil }
	if file, err := os.Stat(s.database); err != nil || file.Size() == 0 {
		return nothing, nil
	}
	database, err := bolt.Open(s.database, 0o600, &bolt.Options{Timeout: time.Second, NoFreelistSync: true})
	switch {
	case errors.Is(err, bolterrors.ErrTimeout):
		return nil, fmt.Errorf("%s is open in another process: stop the engine first", s.database)
	case err != nil:
		fmt.Printf("the store cannot be opened, and is replaced all the same: %v\n", err)
		return nothing, nil
	}
	return database.Close, nil
}

// removeStaged removes what restores that died have left beside the store.
func (s store) removeStaged() error {
	names, err := os.ReadDir(filepath.Dir(s.database))
	for _, name := range names {
		path := filepath.Join(filepath.Dir(s.database), name.Name())
		if strings.HasPrefix(path, s.database+staged) || strings.HasPrefix(path, s.eventLog()+staged) {
			err = errors.Join(err, os.Remove(path))
		}
	}
	return err
}

// staged is in the names of the copies that wait for their turn.
const staged = ".staged-"

// copyDurably copies a file to one that is new, and returns when the copy is on the disk.
func copyDurably(from string, to *os.File) error {
	source, err := os.Open(from)
	if err != nil {
		return err
	}
	defer source.Close()
	if _, err := io.Copy(to, source); err != nil {
		return err
	}
	return to.Sync()
}

// syncPath returns when a file, or the names in a directory, are on the disk.
func syncPath(path string) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return file.Sync()
}

// checkDatabase reads all of a bbolt file, and demands that it is whole.
func checkDatabase(path string) (err error) {
	database, err := bolt.Open(path, 0o600, &bolt.Options{ReadOnly: true, Timeout: time.Second})
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	defer func() { err = errors.Join(err, database.Close()) }()
	return database.View(func(tx *bolt.Tx) error {
		var problems []error
		for problem := range tx.Check() {
			problems = append(problems, fmt.Errorf("%s: %w", path, problem))
		}
		return errors.Join(problems...)
	})
}
