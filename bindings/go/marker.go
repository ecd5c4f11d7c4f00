// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

import (
	"fmt"
	"time"
)

// MarkerState is how a marker stands.
type MarkerState uint32

const (
	// Absent: there is none, and the store is free.
	Absent MarkerState = 1
	// Held: somebody is at work; nobody may take over.
	Held MarkerState = 2
	// HeldByThisProcess: a Lock of this very process owns it, whichever goroutine acquired it.
	HeldByThisProcess MarkerState = 3
	// Stale: its holder died, or kept the marker on purpose. Only a signed attestation moves it aside.
	Stale MarkerState = 4
	// Malformed: nobody holds it, and its text cannot be parsed. It is not free.
	Malformed MarkerState = 5
)

// String gives the state in words.
func (s MarkerState) String() string {
	switch s {
	case Absent:
		return "absent"
	case Held:
		return "held"
	case HeldByThisProcess:
		return "held by this process"
	case Stale:
		return "stale"
	case Malformed:
		return "malformed"
	}
	return fmt.Sprintf("MarkerState(%d)", uint32(s))
}

// A Marker is a marker as it was found. If it is absent or malformed, all but State and MarkerBLAKE3
// is zero. Process, host and time are evidence for people; only State tells who is alive.
type Marker struct {
	State               MarkerState
	PID                 uint32    // the process that wrote it
	AcquiredAt          time.Time // UTC
	AcquiredAtText      string    // RFC 3339, exactly as it stands in the marker
	Host                string
	DeploymentID        string
	OperatorPrincipalID string
	Scope               string // "production"
	RestoreIntentBLAKE3 string // "blake3:" and 64 hex digits
	MarkerBLAKE3        string // digest of the marker's own bytes; of a malformed one too, up to 1 MiB
}

func newCMarker() *C.crtx_marker {
	return &C.crtx_marker{struct_size: C.sizeof_crtx_marker}
}

func markerOf(found *C.crtx_marker) Marker {
	marker := Marker{
		State:               MarkerState(found.state),
		PID:                 uint32(found.pid),
		AcquiredAtText:      fieldText(found.acquired_at[:]),
		Host:                fieldText(found.host[:]),
		DeploymentID:        fieldText(found.deployment_id[:]),
		OperatorPrincipalID: fieldText(found.operator_principal_id[:]),
		Scope:               fieldText(found.scope[:]),
		RestoreIntentBLAKE3: fieldText(found.restore_intent_blake3[:]),
		MarkerBLAKE3:        fieldText(found.marker_blake3[:]),
	}
	if marker.AcquiredAtText != "" {
		marker.AcquiredAt = time.Unix(0, int64(found.acquired_at_unix_ns)).UTC()
	}
	return marker
}

// Inspect tells how the marker at path stands, and what it says. It changes nothing on disk and does
// not wait. Absent and malformed are states, not errors. The answer is true at one instant only:
// never delete a marker on the strength of it.
//
// Statuses: [ErrNotRegularFile], [ErrInsecurePermissions], [ErrNoParentDirectory],
// [ErrNameTooLong], [ErrContended] (the files kept changing), [ErrIO].
func Inspect(path string) (Marker, error) {
	c := &call{path: path}
	defer c.free()
	name, found := c.text(path), newCMarker()
	err := c.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_marker_inspect(name, found, details)
	})
	if err != nil {
		return Marker{}, err
	}
	return markerOf(found), nil
}

// markerGuess is room for every well-formed marker and its NUL.
const markerGuess = 4097

// ReadMarker gives the marker's bytes as they are, held or not, well-formed or not.
//
// Statuses: [ErrMarkerAbsent], [ErrTooLarge] (over 1 MiB), [ErrNotRegularFile],
// [ErrInsecurePermissions], [ErrNoParentDirectory], [ErrNameTooLong], [ErrIO].
func ReadMarker(path string) ([]byte, error) {
	c := &call{path: path}
	defer c.free()
	name := c.text(path)
	content, err := c.output(markerGuess,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_marker_read(name, buffer, capacity, needed, details)
		})
	return content, asError(err)
}
