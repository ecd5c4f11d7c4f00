// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

import (
	"math"
	"time"
)

// A SignedDocument is a takeover attestation or a restore intent as it was signed, and what to judge it
// by.
type SignedDocument struct {
	Payload      []byte    // the exact bytes that were signed, at most 64 KiB
	Signature    []byte    // detached Ed25519 signature: 64 raw bytes
	PublicKey    []byte    // the operator key that you trust: 32 bytes; never one that came with the document
	DeploymentID string    // this deployment
	Now          time.Time // the time to judge by; zero: the system clock
}

func (c *call) document(d SignedDocument, flags uint32) *C.crtx_signed_document {
	document := &C.crtx_signed_document{
		struct_size:   C.sizeof_crtx_signed_document,
		flags:         C.uint32_t(flags),
		deployment_id: c.text(d.DeploymentID),
		now_unix_ns:   unixNanoseconds(d.Now),
	}
	document.payload, document.payload_len = c.bytes(d.Payload)
	document.signature, document.signature_len = c.bytes(d.Signature)
	document.public_key, document.public_key_len = c.bytes(d.PublicKey)
	return document
}

// unixNanoseconds gives 0, which stands for the system clock, for the zero time alone.
func unixNanoseconds(t time.Time) C.int64_t {
	switch {
	case t.IsZero():
		return 0
	case t.Before(time.Unix(0, math.MinInt64)):
		return math.MinInt64
	case t.After(time.Unix(0, math.MaxInt64)):
		return math.MaxInt64
	case t.UnixNano() == 0:
		return 1
	}
	return C.int64_t(t.UnixNano())
}

// wholeSeconds rounds down; what does not fit becomes a number that the library refuses.
func wholeSeconds(d time.Duration) C.uint32_t {
	seconds := max(int64(d/time.Second), 0)
	return C.uint32_t(min(seconds, math.MaxUint32))
}

// documentGuess is room for most documents; others take a second call.
const documentGuess = 2048

// An Intent is what a restore intent authorizes. Paths are absolute, without "." and ".."; digests
// are "blake3:" and 64 lowercase hex digits. All are compared byte for byte.
type Intent struct {
	ActiveDBPath         string // the database that is going to be replaced
	ActiveEventLogPath   string // the event log that is going to be replaced
	BackupManifestBLAKE3 string // digest of the backup's manifest
	StagedSQLiteBLAKE3   string // digest of the staged database
	StagedJSONLBLAKE3    string // digest of the staged event log
}

func (c *call) intent(i Intent) *C.crtx_intent_expectation {
	return &C.crtx_intent_expectation{
		struct_size:            C.sizeof_crtx_intent_expectation,
		active_db_path:         c.text(i.ActiveDBPath),
		active_event_log_path:  c.text(i.ActiveEventLogPath),
		backup_manifest_blake3: c.text(i.BackupManifestBLAKE3),
		staged_sqlite_blake3:   c.text(i.StagedSQLiteBLAKE3),
		staged_jsonl_blake3:    c.text(i.StagedJSONLBLAKE3),
	}
}

// An IntentRequest is what BuildIntent writes a restore intent of.
type IntentRequest struct {
	Intent       Intent
	DeploymentID string
	PublicKey    []byte        // the operator's: 32 bytes
	ValidFor     time.Duration // from Now on: 1 second to 24 hours, in whole seconds
	Now          time.Time     // zero: the system clock
}

// BuildIntent builds a restore intent as JSON text, for Sign. It is valid from 300 seconds before
// the request's Now.
//
// Statuses: [ErrUntrustedKey], [ErrTooLarge].
func BuildIntent(request IntentRequest) ([]byte, error) {
	c := &call{}
	defer c.free()
	deployment, intent := c.text(request.DeploymentID), c.intent(request.Intent)
	key, keyLength := c.bytes(request.PublicKey)
	payload, err := c.output(documentGuess,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_intent_build(deployment, intent, key, keyLength, wholeSeconds(request.ValidFor),
				unixNanoseconds(request.Now), buffer, capacity, needed, details)
		})
	return payload, asError(err)
}

// VerifyIntent verifies a signed restore intent, and that it authorizes exactly what is expected. It
// gives the digest of the payload, for Owner.RestoreIntentBLAKE3.
//
// Statuses: [ErrTooLarge], and from [ErrUntrustedKey] to [ErrDigestMismatch] but for those of markers.
func VerifyIntent(document SignedDocument, expected Intent) (digest string, err error) {
	c := &call{}
	defer c.free()
	signed, intent := c.document(document, 0), c.intent(expected)
	text, failure := c.output(C.CRTX_DIGEST_SIZE,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_intent_verify(signed, intent, buffer, capacity, needed, details)
		})
	return string(text), asError(failure)
}

// A TakeoverRequest is what BuildTakeover writes an attestation of.
type TakeoverRequest struct {
	DeploymentID  string        // empty: the marker's own; required for a malformed marker
	PublicKey     []byte        // the operator's: 32 bytes
	Justification string        // one plain sentence, at most 1,024 bytes
	ValidFor      time.Duration // from Now on: 1 second to 24 hours, in whole seconds
	Now           time.Time     // zero: the system clock
}

// BuildTakeover builds the takeover attestation of the marker that is at path now, held or not, as JSON
// text, for Sign. It is valid from 300 seconds before the request's Now.
//
// Statuses: [ErrMarkerAbsent], [ErrJustificationInvalid], [ErrUntrustedKey], [ErrDeploymentMismatch],
// [ErrTooLarge], [ErrNotRegularFile], [ErrInsecurePermissions], [ErrNoParentDirectory],
// [ErrNameTooLong], [ErrIO].
func BuildTakeover(path string, request TakeoverRequest) ([]byte, error) {
	c := &call{path: path}
	defer c.free()
	name, deployment := c.text(path), c.optionalText(request.DeploymentID)
	justification := c.text(request.Justification)
	key, keyLength := c.bytes(request.PublicKey)
	payload, err := c.output(documentGuess,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_takeover_build(name, deployment, key, keyLength, justification,
				wholeSeconds(request.ValidFor), unixNanoseconds(request.Now), buffer, capacity, needed, details)
		})
	return payload, asError(err)
}
