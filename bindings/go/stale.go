// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

import "strings"

// Quarantine moves a stale marker aside, on the strength of an operator's signed takeover attestation:
// it renames it to path + ".stale-TIME", which it returns, and keeps payload and signature beside it
// as evidence. Nothing is ever overwritten, and all is synced.
//
// Statuses: [ErrContended] (the holder lives: no signature overrides it), [ErrMarkerAbsent],
// [ErrMarkerMalformed], [ErrLost], those of the document from [ErrUntrustedKey] to
// [ErrJustificationInvalid], and those of the files from [ErrIO] to [ErrTooLarge].
func Quarantine(path string, attestation SignedDocument, options ...Option) (stalePath string, err error) {
	c := &call{path: path}
	defer c.free()
	name, document := c.text(path), c.document(attestation, settingsOf(options).flags)
	text, failure := c.output(len(path)+C.CRTX_STALE_PATH_EXTRA,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_quarantine(name, document, buffer, capacity, needed, details)
		})
	return string(text), asError(failure)
}

// Takeover quarantines a stale marker as [Quarantine] does, and acquires the lock in the same step:
// nobody can get in between. It never waits.
//
// Statuses: those of Quarantine and of [TryAcquire]; [ErrDeploymentMismatch] also if owner names
// another deployment than the document. If it fails after the old marker was moved, and it could not
// be moved back, the new path is in Error.StalePath, and the message says what stands where.
func Takeover(
	path string, attestation SignedDocument, owner Owner, options ...Option,
) (lock *Lock, stalePath string, err error) {
	c := &call{path: path}
	defer c.free()
	s := settingsOf(options)
	name, document, lockOptions := c.text(path), c.document(attestation, s.flags), c.lockOptions(owner, s)
	handle := new(C.crtx_lock)
	stale := make([]C.char, len(path)+C.CRTX_STALE_PATH_EXTRA)
	failure := c.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_takeover(name, document, lockOptions, handle, &stale[0], C.size_t(len(stale)), nil, details)
	})
	stalePath = fieldText(stale)
	if failure != nil {
		failure.StalePath = stalePath
		return nil, "", failure
	}
	return newLock(*handle, path), stalePath, nil
}

// VerifyTakeover asks what Quarantine would answer now. It changes nothing on disk.
//
// Statuses: those of [Quarantine].
func VerifyTakeover(path string, attestation SignedDocument, options ...Option) error {
	c := &call{path: path}
	defer c.free()
	name, document := c.text(path), c.document(attestation, settingsOf(options).flags)
	return asError(c.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_takeover_verify(name, document, details)
	}))
}

// evidenceGuess is room for a few paths; longer lists take a second call.
const evidenceGuess = 1024

// ListEvidence gives the paths of the quarantined markers of the marker at path, oldest first. It reads
// the whole directory.
//
// Statuses: [ErrNoParentDirectory], [ErrNameTooLong], [ErrIO].
func ListEvidence(path string) ([]string, error) {
	c := &call{path: path}
	defer c.free()
	name := c.text(path)
	list, err := c.output(evidenceGuess,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_evidence_list(name, buffer, capacity, needed, details)
		})
	if err != nil {
		return nil, err
	}
	// Each path is ended by a NUL; output took off the one that ends the list.
	paths := strings.Split(string(list), "\x00")
	return paths[:len(paths)-1], nil
}

// VerifyEvidence proves that a quarantined marker, one path of ListEvidence, was moved aside by an
// attestation that publicKey signed and that names this very marker. The time is not checked: the
// attestation was valid when it was used.
//
// Statuses: [ErrBadSignature], [ErrUntrustedKey], [ErrEvidenceInvalid] (missing, or anything else
// that does not fit), [ErrNoParentDirectory], [ErrNameTooLong], [ErrIO].
func VerifyEvidence(stalePath string, publicKey []byte) error {
	c := &call{path: stalePath}
	defer c.free()
	name := c.text(stalePath)
	key, keyLength := c.bytes(publicKey)
	return asError(c.run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_evidence_verify(name, key, keyLength, details)
	}))
}
