// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

import (
	"log/slog"
	"runtime"
	"sync"
)

// A Lock is a lock that this process holds. Its methods may be called from any goroutine, several at
// once too. It is not to be copied (go vet tells); the zero Lock and the nil *Lock hold nothing,
// and their methods answer [ErrBadHandle].
type Lock struct {
	handle C.crtx_lock
	path   string

	ending sync.Mutex // one release at a time, so that Close knows whether there is one to do
	ended  bool
}

func newLock(handle C.crtx_lock, path string) *Lock {
	lock := &Lock{handle: handle, path: path}
	runtime.SetFinalizer(lock, (*Lock).reportLost)
	return lock
}

// reportLost is called once by the collector. It does not release: who dropped the lock may have
// left the store half-done.
func (l *Lock) reportLost() {
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.ended {
		return
	}
	path, err := l.MarkerPath()
	if err != nil {
		path = l.path
	}
	slog.Warn("crtx: a lock was dropped without Release: this process holds it until it ends, and its marker stays",
		"path", path)
}

func tryAcquire(path string, owner Owner, s settings) (*Lock, *Error) {
	c := &call{path: path}
	defer c.free()
	marker, options := c.text(path), c.lockOptions(owner, s)
	handle := new(C.crtx_lock)
	err := c.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_lock_acquire(marker, options, handle, details)
	})
	if err != nil {
		return nil, err
	}
	return newLock(*handle, path), nil
}

// orNone makes a nil *Lock the zero Lock, which the library refuses.
func (l *Lock) orNone() *Lock {
	if l == nil {
		return new(Lock)
	}
	return l
}

func (l *Lock) run(function func(details *C.crtx_error) C.crtx_status) *Error {
	return (&call{path: l.path}).run(function)
}

// Check asks whether marker and companion on disk are still this lock's own. Call it before each
// step that writes to the store. It changes nothing.
//
// Statuses: [ErrLost] (stop writing to the store), [ErrBadHandle], [ErrIO].
func (l *Lock) Check() error {
	l = l.orNone()
	return asError(l.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_lock_check(l.handle, details)
	}))
}

// Leak makes Release and Close keep the marker, for a restore whose rollback failed. Until then
// the lock is still held. Calling it twice is fine.
//
// Statuses: [ErrBadHandle].
func (l *Lock) Leak() error {
	l = l.orNone()
	return asError(l.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_lock_leak(l.handle, details)
	}))
}

// Release removes the marker durably, then the companion, and unlocks; after Leak it keeps both
// files. What is not this lock's own is left alone. A second Release answers [ErrBadHandle].
//
// Statuses: [ErrLost] (the lock has ended), [ErrIO], [ErrBadHandle]. After ErrIO, release once more:
// if the marker could not be removed, the lock is still held, and nothing has changed; if it
// answers ErrBadHandle, the marker was removed, but may come back after a power cut.
func (l *Lock) Release() error {
	l = l.orNone()
	l.ending.Lock()
	defer l.ending.Unlock()
	return asError(l.release())
}

// Close is Release for a deferred call: it answers nil if the lock has ended already.
func (l *Lock) Close() error {
	l = l.orNone()
	l.ending.Lock()
	defer l.ending.Unlock()
	if l.ended {
		return nil
	}
	return asError(l.release())
}

func (l *Lock) release() *Error {
	err := l.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_lock_release(l.handle, details)
	})
	l.ended = l.handle.opaque != 0 && (err == nil || !l.lives())
	return err
}

// lives asks the library whether the handle is still one: a release that failed may have left it so.
func (l *Lock) lives() bool {
	_, err := l.marker()
	return err == nil || err.Status != ErrBadHandle
}

// Marker gives the marker as this lock wrote it. The disk is not read: see Check and [Inspect] for
// that.
//
// Statuses: [ErrBadHandle].
func (l *Lock) Marker() (Marker, error) {
	marker, err := l.orNone().marker()
	return marker, asError(err)
}

func (l *Lock) marker() (Marker, *Error) {
	found := newCMarker()
	err := l.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_lock_marker(l.handle, found, details)
	})
	if err != nil {
		return Marker{}, err
	}
	return markerOf(found), nil
}

// MarkerPath gives the absolute path of the marker.
//
// Statuses: [ErrBadHandle].
func (l *Lock) MarkerPath() (string, error) {
	l = l.orNone()
	path, err := (&call{path: l.path}).output(pathGuess,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_lock_marker_path(l.handle, buffer, capacity, needed, details)
		})
	return string(path), asError(err)
}

// CompanionPath gives the absolute path of the companion, the file that carries the OS lock.
//
// Statuses: [ErrBadHandle].
func (l *Lock) CompanionPath() (string, error) {
	l = l.orNone()
	path, err := (&call{path: l.path}).output(pathGuess,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_lock_companion_path(l.handle, buffer, capacity, needed, details)
		})
	return string(path), asError(err)
}

// pathGuess is room for most paths; others take a second call.
const pathGuess = 256
