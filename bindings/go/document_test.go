// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// Files that the reference implementation made; see the README there.
const fixtures = "../../tests/fixtures/cortex-0.1.2"

const fixtureDeployment = "deployment:d502e2058818d72d82370f7aa8124cd13c0d11641ca12590c1ad75f529a50556"

// A time at which both documents are valid.
var fixtureNow = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

var fixtureIntent = crtx.Intent{
	ActiveDBPath:         "/srv/cortex-fixture/cortex.db",
	ActiveEventLogPath:   "/srv/cortex-fixture/events.jsonl",
	BackupManifestBLAKE3: "blake3:2099db2be71ebffb4bf25ef191113b89d1010b54219bda4d5fee9e0b91337fa3",
	StagedSQLiteBLAKE3:   emptyBLAKE3,
	StagedJSONLBLAKE3:    emptyBLAKE3,
}

func fixtureDocument(t testing.TB, name string) crtx.SignedDocument {
	return crtx.SignedDocument{
		Payload:      readFile(t, fixtures, name+".json"),
		Signature:    readFile(t, fixtures, name+".sig"),
		PublicKey:    readFile(t, fixtures, "operator.pub"),
		DeploymentID: fixtureDeployment,
		Now:          fixtureNow,
	}
}

func TestTheReferencesIntentIsVerifiedAndGivesTheDigestInItsMarker(t *testing.T) {
	intent := fixtureDocument(t, "RESTORE_INTENT")
	digest, err := crtx.VerifyIntent(intent, fixtureIntent)
	must(t, err)

	path := markerPath(t)
	must(t, os.WriteFile(path, readFile(t, fixtures, "active-store.lock"), 0o644))
	marker, err := crtx.Inspect(path)
	must(t, err)
	if marker.State != crtx.Stale || marker.RestoreIntentBLAKE3 != digest || marker.PID != 5641 ||
		marker.Host != "fixture-host" || marker.AcquiredAtText != "2026-11-23T00:40:55.469509729+00:00" ||
		!marker.AcquiredAt.Equal(time.Date(2026, 11, 23, 0, 40, 55, 469509729, time.UTC)) {
		t.Fatalf("%+v", marker)
	}
	if file, err := crtx.BLAKE3File(filepath.Join(fixtures, "RESTORE_INTENT.json")); err != nil || file != digest {
		t.Fatalf("%q, %v", file, err)
	}

	other := fixtureIntent
	other.ActiveDBPath = "/srv/cortex-fixture/other.db"
	_, err = crtx.VerifyIntent(intent, other)
	refused(t, err, crtx.ErrPathMismatch)
	other = fixtureIntent
	other.StagedJSONLBLAKE3 = fixtureIntent.BackupManifestBLAKE3
	_, err = crtx.VerifyIntent(intent, other)
	refused(t, err, crtx.ErrDigestMismatch)
	intent.Now = time.Time{}
	if time.Now().After(fixtureNow.AddDate(0, 0, 1)) {
		_, err = crtx.VerifyIntent(intent, fixtureIntent)
		refused(t, err, crtx.ErrExpired)
	}
	_, err = crtx.VerifyIntent(fixtureDocument(t, "TAKEOVER"), fixtureIntent)
	refused(t, err, crtx.ErrKindMismatch)
}

func TestTheReferencesMarkerIsTakenOverOnItsOwnAttestation(t *testing.T) {
	path, attestation := markerPath(t), fixtureDocument(t, "TAKEOVER")
	must(t, os.WriteFile(path, readFile(t, fixtures, "active-store.lock"), 0o644))
	successor := owner
	successor.DeploymentID = fixtureDeployment
	lock, stale, err := crtx.Takeover(path, attestation, successor)
	must(t, err)
	must(t, lock.Close())
	wantEvidence(t, path, attestation.PublicKey, stale)
}

func TestKeysAndSignaturesAreThoseOfCryptoEd25519(t *testing.T) {
	for first := byte(0); first < 8; first++ {
		alice := newOperator(t, first)
		theirs := ed25519.NewKeyFromSeed(alice.seed)
		if !bytes.Equal(alice.publicKey, theirs.Public().(ed25519.PublicKey)) {
			t.Fatal("another public key")
		}
		for _, payload := range [][]byte{nil, {}, {first}, bytes.Repeat([]byte{first}, 65536)} {
			if !bytes.Equal(alice.sign(t, payload).Signature, ed25519.Sign(theirs, payload)) {
				t.Fatalf("another signature of %d bytes", len(payload))
			}
		}
	}
	_, err := crtx.Sign(make([]byte, 31), nil)
	refused(t, err, crtx.ErrInvalidArgument)
	_, err = crtx.PublicKey(nil)
	refused(t, err, crtx.ErrInvalidArgument)
	_, err = crtx.Sign(make([]byte, 32), make([]byte, 65537))
	refused(t, err, crtx.ErrTooLarge)
}

// Memory that C is lent may be a part of something that has Go pointers in it.
func TestASeedMayLieBesidePointers(t *testing.T) {
	key := &struct {
		owner *string
		seed  [crtx.SeedSize]byte
		next  map[string]int
	}{owner: new(string), next: map[string]int{"a": 1}}
	public, err := crtx.PublicKey(key.seed[:])
	must(t, err)
	_, err = crtx.Sign(key.seed[:], key.seed[1:5])
	must(t, err)
	_, err = crtx.OperatorPrincipal(public)
	must(t, err)
}

func TestTheOperatorPrincipalIsTheReferences(t *testing.T) {
	principal, err := crtx.OperatorPrincipal(readFile(t, fixtures, "operator.pub"))
	if err != nil || principal != "operator:4718b4ce16a67de3058dc11ffee75090e5cdc96e57de6d6386d228e4b30f4441" {
		t.Fatalf("%q, %v", principal, err)
	}
	_, err = crtx.OperatorPrincipal(make([]byte, 32))
	refused(t, err, crtx.ErrUntrustedKey)
}

// window is what a document says of its own validity.
type window struct {
	NotBefore time.Time `json:"not_before"`
	NotAfter  time.Time `json:"not_after"`
}

func TestADocumentIsValidForAsLongAsItsRequestSays(t *testing.T) {
	alice := newOperator(t, 1)
	request := crtx.IntentRequest{
		Intent: fixtureIntent, DeploymentID: owner.DeploymentID, PublicKey: alice.publicKey,
		ValidFor: 90*time.Second + 999*time.Millisecond, Now: fixtureNow,
	}
	payload, err := crtx.BuildIntent(request)
	must(t, err)
	var built window
	must(t, json.Unmarshal(payload, &built))
	if !built.NotBefore.Equal(fixtureNow.Add(-300*time.Second)) || !built.NotAfter.Equal(fixtureNow.Add(90*time.Second)) {
		t.Fatalf("%s", payload)
	}
	intent := alice.sign(t, payload)
	for moment, wanted := range map[time.Duration]crtx.Status{
		-301 * time.Second: crtx.ErrNotYetValid, 0: crtx.OK, 91 * time.Second: crtx.ErrExpired,
	} {
		intent.Now = fixtureNow.Add(moment)
		if _, err := crtx.VerifyIntent(intent, fixtureIntent); wanted != crtx.OK {
			refused(t, err, wanted)
		} else {
			must(t, err)
		}
	}

	for _, wrong := range []time.Duration{
		0, time.Second - 1, -time.Second, -1 << 63, 24*time.Hour + time.Second, (1 << 32) * time.Second,
		(1<<32 + 60) * time.Second, 1<<63 - 1,
	} {
		request.ValidFor = wrong
		_, err := crtx.BuildIntent(request)
		refused(t, err, crtx.ErrInvalidArgument)
	}
}

func TestAnAttestationOfAMalformedMarkerNeedsADeployment(t *testing.T) {
	path, alice := markerPath(t), newOperator(t, 1)
	must(t, os.WriteFile(path, []byte("torn"), 0o644))
	request := crtx.TakeoverRequest{PublicKey: alice.publicKey, Justification: "a torn marker", ValidFor: time.Minute}
	_, err := crtx.BuildTakeover(path, request)
	refused(t, err, crtx.ErrInvalidArgument)
	request.DeploymentID = owner.DeploymentID
	payload, err := crtx.BuildTakeover(path, request)
	must(t, err)
	stale, err := crtx.Quarantine(path, alice.sign(t, payload))
	must(t, err)
	wantEvidence(t, path, alice.publicKey, stale)
	request.Justification = " "
	_, err = crtx.BuildTakeover(stale, request)
	refused(t, err, crtx.ErrJustificationInvalid)
}

// A document of more than the first guess.
func TestALongDocumentComesBackWhole(t *testing.T) {
	path, alice := markerPath(t), newOperator(t, 1)
	leaveStale(t, path)
	payload, err := crtx.BuildTakeover(path, crtx.TakeoverRequest{
		PublicKey: alice.publicKey, ValidFor: time.Minute, Justification: string(bytes.Repeat([]byte(`"`), 1024)),
	})
	must(t, err)
	if len(payload) < 2048 || !json.Valid(payload) {
		t.Fatalf("%d bytes: %s", len(payload), payload)
	}
	must(t, crtx.VerifyTakeover(path, alice.sign(t, payload)))
}
