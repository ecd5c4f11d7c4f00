// SPDX-License-Identifier: MIT OR Apache-2.0

//go:build cgo

package crtx

import (
	"context"
	"fmt"
	"syscall"
)

// Error says why a call failed. Every error of this package is an *Error.
type Error struct {
	// Op is the step that failed, such as "marker publish".
	Op string
	// Path is the path that the call was about, as the caller gave it; empty if there was none.
	Path string
	// Status is what the library answered.
	Status Status
	// Errno is the operating system's reason, 0 if it had no part in it.
	Errno syscall.Errno
	// Message is the library's sentence. It names the file, and is fit for a terminal or a log.
	Message string
	// MarkerState is what was found, for the statuses 20 to 23 (ErrMarkerExists to ErrLost), else 0.
	MarkerState MarkerState
	// StalePath is where the old marker is, if a Takeover failed after it had moved it and could
	// not move it back; Message then says what stands where. Else it is empty.
	StalePath string

	ended []error // why Acquire stopped waiting: the context's error, and its cause if there is one
}

// Error gives the library's sentence, and after it the context's error if Acquire gave up.
func (e *Error) Error() string {
	switch {
	case len(e.ended) == 0:
		return e.Message
	case e.Message == "":
		return fmt.Sprintf("%s %q: %v", e.Op, e.Path, e.ended[0])
	default:
		return fmt.Sprintf("%s: %v", e.Message, e.ended[0])
	}
}

// Unwrap gives the status, the errno and the context's error, as far as they are there.
func (e *Error) Unwrap() []error {
	var causes []error
	if e.Status != OK {
		causes = append(causes, e.Status)
	}
	if e.Errno != 0 {
		causes = append(causes, e.Errno)
	}
	return append(causes, e.ended...)
}

// gaveUp is the last refusal, nil if there was none, together with the end of the context.
func gaveUp(ctx context.Context, path string, refusal *Error) *Error {
	if refusal == nil {
		refusal = &Error{Op: "lock acquire", Path: path}
	}
	refusal.ended = []error{ctx.Err()}
	if cause := context.Cause(ctx); cause != ctx.Err() {
		refusal.ended = append(refusal.ended, cause)
	}
	return refusal
}
