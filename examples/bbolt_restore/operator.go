// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// How long a signed document is good for.
const validity = time.Hour

func makeKey(a arguments) error {
	seed := make([]byte, crtx.SeedSize)
	defer clear(seed)
	if _, err := rand.Read(seed); err != nil {
		return err
	}
	key, err := crtx.PublicKey(seed)
	if err != nil {
		return err
	}
	if err := writeNew(a.key, seed, 0o600); err != nil {
		return err
	}
	principal, err := crtx.OperatorPrincipal(key)
	if err != nil {
		return err
	}
	fmt.Println(principal)
	return writeNew(strings.TrimSuffix(a.key, ".seed")+".pub", key, 0o644)
}

// writeNew overwrites nothing.
func writeNew(path string, content []byte, mode os.FileMode) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	return errors.Join(err, file.Close())
}

// authorize signs for restoring this backup over that store.
func authorize(a arguments) error {
	intent, err := backup{a.backup}.intentFor(a.store)
	if err != nil {
		return err
	}
	return sign(a.key, a.intent, func(key []byte) ([]byte, error) {
		return crtx.BuildIntent(crtx.IntentRequest{
			Intent: intent, DeploymentID: a.deployment, PublicKey: key, ValidFor: validity,
		})
	})
}

// attest signs for taking over from the restore whose marker is there now.
func attest(a arguments) error {
	return sign(a.key, a.attestation, func(key []byte) ([]byte, error) {
		return crtx.BuildTakeover(a.store.marker(), crtx.TakeoverRequest{
			PublicKey: key, Justification: a.reason, ValidFor: validity,
		})
	})
}

// sign writes the document that build makes for the public key, and its signature.
func sign(seedFile, name string, build func(publicKey []byte) ([]byte, error)) error {
	seed, err := os.ReadFile(seedFile)
	if err != nil {
		return err
	}
	defer clear(seed)
	key, err := crtx.PublicKey(seed)
	if err != nil {
		return err
	}
	payload, err := build(key)
	if err != nil {
		return err
	}
	signature, err := crtx.Sign(seed, payload)
	if err != nil {
		return err
	}
	if err := os.WriteFile(name+".json", payload, 0o644); err != nil {
		return err
	}
	return os.WriteFile(name+".sig", signature, 0o644)
}

// readSigned reads a document to be judged by the key that is trusted here.
func readSigned(name string, trusted []byte, deployment string) (crtx.SignedDocument, error) {
	payload, err := os.ReadFile(name + ".json")
	if err != nil {
		return crtx.SignedDocument{}, err
	}
	signature, err := os.ReadFile(name + ".sig")
	return crtx.SignedDocument{
		Payload: payload, Signature: signature, PublicKey: trusted, DeploymentID: deployment,
	}, err
}
