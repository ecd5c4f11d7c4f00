// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

import "io/fs"

// Status is what a call came to, by the number that the C library gives it. It is an error, so that
// errors.Is(err, crtx.ErrMarkerExists) asks for one, and errors.As(err, &status) gets it. Numbers
// are never reused; a newer library may answer with one that is not listed here.
type Status int32

// The statuses, as in crtx.h, which says for each call which of them it may come to.
const (
	// OK: the call succeeded. No error has it, but for an Acquire whose context had ended before
	// the first attempt.
	OK Status = 0

	// ErrInvalidArgument: an argument is missing, out of range, not UTF-8, or a reserved name.
	ErrInvalidArgument Status = 1
	// ErrBadHandle: the lock was released before, or never acquired.
	ErrBadHandle Status = 2
	// ErrForked: the lock belongs to the parent process. (Go programs do not fork without exec.)
	ErrForked Status = 3
	// ErrBufferTooSmall is dealt with by this package, but for outputs that never stop growing.
	ErrBufferTooSmall Status = 4

	// ErrMarkerExists: a marker is there, held or stale; Error.MarkerState tells which.
	ErrMarkerExists Status = 20
	// ErrContended: somebody holds the OS lock at this moment; nobody may take over.
	ErrContended Status = 21
	// ErrMarkerAbsent: there is no marker to read, to quarantine or to take over.
	ErrMarkerAbsent Status = 22
	// ErrLost: marker or companion is gone or no longer ours; stop writing to the store.
	ErrLost Status = 23

	// ErrIO: the operating system refused a step; Error.Op and Error.Errno tell which and why.
	ErrIO Status = 40
	// ErrNoParentDirectory: the directory that should hold the marker does not exist.
	ErrNoParentDirectory Status = 41
	// ErrNotRegularFile: a lock file is a symlink, FIFO, device or the like, or has several links.
	ErrNotRegularFile Status = 42
	// ErrInsecurePermissions: everybody may write to the directory, or a lock file is another user's.
	ErrInsecurePermissions Status = 43
	// ErrUnsupportedFilesystem: a network filesystem, where OS locks cannot be trusted.
	ErrUnsupportedFilesystem Status = 44
	// ErrNameTooLong: the marker's name leaves no room for the 44 bytes that derived names add.
	ErrNameTooLong Status = 45
	// ErrTooLarge: a file or document is over its size limit.
	ErrTooLarge Status = 46
	// ErrMarkerMalformed: the marker cannot be parsed, and the attestation does not name its digest.
	ErrMarkerMalformed Status = 47

	// ErrUntrustedKey: the public key is not a proper Ed25519 key of 32 bytes.
	ErrUntrustedKey Status = 60
	// ErrSignatureLength: the signature is not exactly 64 raw bytes.
	ErrSignatureLength Status = 61
	// ErrBadSignature: the signature does not hold for these bytes and this key.
	ErrBadSignature Status = 62
	// ErrPayloadMalformed: the payload is not the strict JSON object that its kind demands.
	ErrPayloadMalformed Status = 63
	// ErrKindMismatch: the document is of another kind than this call wants.
	ErrKindMismatch Status = 64
	// ErrSchemaMismatch: the document has a schema version that the library does not know.
	ErrSchemaMismatch Status = 65
	// ErrPrincipalMismatch: the document's operator principal is not that of the verifying key.
	ErrPrincipalMismatch Status = 66
	// ErrDeploymentMismatch: document, marker and caller do not name the same deployment.
	ErrDeploymentMismatch Status = 67
	// ErrNotYetValid: the document is not valid yet.
	ErrNotYetValid Status = 68
	// ErrExpired: the document has expired.
	ErrExpired Status = 69
	// ErrWindowInvalid: the document's window ends before it begins, or is longer than 86,700 s.
	ErrWindowInvalid Status = 70
	// ErrStalePIDMismatch: the attestation names another process than the marker on disk.
	ErrStalePIDMismatch Status = 71
	// ErrStaleTimeMismatch: the attestation names another time than the marker on disk.
	ErrStaleTimeMismatch Status = 72
	// ErrStaleDigestMismatch: the attestation names another digest than that of the marker on disk.
	ErrStaleDigestMismatch Status = 73
	// ErrJustificationInvalid: blank, over 1,024 bytes, or with control characters.
	ErrJustificationInvalid Status = 74
	// ErrPathMismatch: the intent authorizes another path than the one to be restored.
	ErrPathMismatch Status = 75
	// ErrDigestMismatch: the intent authorizes other bytes than those that are staged.
	ErrDigestMismatch Status = 76
	// ErrEvidenceInvalid: the evidence is missing, or does not fit the quarantined marker.
	ErrEvidenceInvalid Status = 77

	// ErrInternal: the library caught a fault of its own; the lock, if any, still exists.
	ErrInternal Status = 120
)

// Name gives the status's name in the C header, such as "CRTX_E_CONTENDED", and "CRTX_E_UNKNOWN" for
// a number that the library does not know.
func (s Status) Name() string {
	return C.GoString(C.crtx_status_name(C.crtx_status(s)))
}

// Error gives one sentence: what the status means and what to do.
func (s Status) Error() string {
	return C.GoString(C.crtx_status_message(C.crtx_status(s)))
}

// Is makes ErrMarkerAbsent and ErrNoParentDirectory match fs.ErrNotExist, and ErrMarkerExists
// fs.ErrExist.
func (s Status) Is(target error) bool {
	switch target {
	case fs.ErrNotExist:
		return s == ErrMarkerAbsent || s == ErrNoParentDirectory
	case fs.ErrExist:
		return s == ErrMarkerExists
	}
	return false
}
