// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build cgo

package crtx

import (
	"context"
	"math/rand"
	"time"
)

// Acquire acquires the lock: it publishes the marker at path and holds its OS locks. The directory of
// path must exist.
//
// The first attempt is made at once. While the lock is held or contended, others follow until ctx ends;
// a stale or malformed marker, or any other failure, is answered at once. When ctx ends, the
// error matches the last refusal ([ErrMarkerExists], [ErrContended]), ctx.Err(), and the context's
// cause if it has one. If ctx has ended already, no attempt is made, and the error matches the
// context's alone. An attempt under way is not cut short: if it succeeds, the lock is returned,
// even though ctx may have ended meanwhile.
//
// Statuses: those of [TryAcquire].
func Acquire(ctx context.Context, path string, owner Owner, options ...Option) (*Lock, error) {
	s := settingsOf(options)
	var refusal *Error
	for wait := s.shortestWait; ctx.Err() == nil; wait += min(wait, s.longestWait-wait) {
		var lock *Lock
		lock, refusal = tryAcquire(path, owner, s)
		if refusal == nil {
			return lock, nil
		}
		if !refusal.passes() {
			return nil, refusal
		}
		sleep(ctx, wait-time.Duration(rand.Int63n(int64(wait)/2)))
	}
	return nil, gaveUp(ctx, path, refusal)
}

// TryAcquire makes one attempt to acquire the lock, and does not wait for a holder.
//
// Statuses: [ErrMarkerExists] (Error.MarkerState tells whether it is held, stale or malformed),
// [ErrContended], [ErrNoParentDirectory], [ErrNotRegularFile], [ErrInsecurePermissions],
// [ErrUnsupportedFilesystem], [ErrNameTooLong], [ErrIO]. A failed call leaves no marker of its own.
func TryAcquire(path string, owner Owner, options ...Option) (*Lock, error) {
	lock, err := tryAcquire(path, owner, settingsOf(options))
	return lock, asError(err)
}

// passes tells whether the refusal may pass without anybody's decision: a live holder goes.
func (e *Error) passes() bool {
	switch e.Status {
	case ErrContended:
		return true
	case ErrMarkerExists:
		return e.MarkerState == Held || e.MarkerState == HeldByThisProcess
	}
	return false
}

func sleep(ctx context.Context, wait time.Duration) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
