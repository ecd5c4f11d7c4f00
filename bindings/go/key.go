// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx

// #include "crtx.h"
import "C"

// Sizes in bytes.
const (
	SeedSize      = 32 // an Ed25519 seed, the secret
	PublicKeySize = 32
	SignatureSize = 64
)

// Sign signs payload, at most 64 KiB, with the Ed25519 key of seed, and gives the detached signature. The
// library wipes its own copies of the secret; yours is yours to wipe.
//
// Statuses: [ErrTooLarge].
func Sign(seed, payload []byte) ([]byte, error) {
	secret, secretLength := borrowed(seed)
	message, messageLength := borrowed(payload)
	signature := make([]byte, SignatureSize)
	room, capacity := borrowed(signature)
	err := (&call{}).run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_sign(secret, secretLength, message, messageLength, room, capacity, details)
	})
	if err != nil {
		return nil, err
	}
	return signature, nil
}

// PublicKey derives the public key of an Ed25519 seed.
func PublicKey(seed []byte) ([]byte, error) {
	secret, secretLength := borrowed(seed)
	key := make([]byte, PublicKeySize)
	room, capacity := borrowed(key)
	err := (&call{}).run(func(details *C.crtx_error) C.crtx_status {
		return C.crtx_public_key(secret, secretLength, room, capacity, details)
	})
	if err != nil {
		return nil, err
	}
	return key, nil
}

// OperatorPrincipal gives the name of a public key's owner, "operator:" and 64 hex digits, for
// Owner.OperatorPrincipalID.
//
// Statuses: [ErrUntrustedKey].
func OperatorPrincipal(publicKey []byte) (string, error) {
	key, keyLength := borrowed(publicKey)
	principal, err := (&call{}).output(C.CRTX_PRINCIPAL_SIZE,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_operator_principal(key, keyLength, buffer, capacity, needed, details)
		})
	return string(principal), asError(err)
}

// BLAKE3File gives the digest of a regular file of any size, "blake3:" and 64 hex digits. Symlinks are
// followed.
//
// Statuses: [ErrNotRegularFile], [ErrIO].
func BLAKE3File(path string) (string, error) {
	c := &call{path: path}
	defer c.free()
	name := c.text(path)
	digest, err := c.output(C.CRTX_DIGEST_SIZE,
		func(buffer *C.char, capacity C.size_t, needed *C.size_t, details *C.crtx_error) C.crtx_status {
			return C.crtx_blake3_file(name, buffer, capacity, needed, details)
		})
	return string(digest), asError(err)
}
