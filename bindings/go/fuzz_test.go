// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// known demands that an error is one of the library's, about this path.
func known(t *testing.T, err error, path string) crtx.Status {
	t.Helper()
	if err == nil {
		return crtx.OK
	}
	var failure *crtx.Error
	if !errors.As(err, &failure) || failure.Status.Name() == "CRTX_E_UNKNOWN" || failure.Status == crtx.ErrInternal ||
		failure.Status == crtx.ErrBufferTooSmall || failure.Message == "" || failure.Path != path {
		t.Fatalf("%+v", err)
	}
	return failure.Status
}

func FuzzPaths(f *testing.F) {
	for _, name := range []string{
		"", "marker", "a/b", "marker.flock", "marker.new", ".", "..", "x/", "\x00", "a\x00b", "\xff\xfe", "\n", "é",
		strings.Repeat("n", 211), strings.Repeat("n", 212), strings.Repeat("d/", 2100), "name.stale-20260101T000000Z",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, name string) {
		directory := t.TempDir()
		path := directory + "/" + name
		if !strings.HasPrefix(filepath.Clean(path)+"/", directory+"/") {
			return // outside of the directory
		}
		if strings.Contains(name, "\x00") {
			_, err := crtx.TryAcquire(path, owner)
			refused(t, err, crtx.ErrInvalidArgument)
			return
		}
		_, err := crtx.ReadMarker(path)
		known(t, err, path)
		_, err = crtx.BLAKE3File(path)
		known(t, err, path)
		_, err = crtx.ListEvidence(path)
		known(t, err, path)
		known(t, crtx.VerifyEvidence(path, nil), path)
		marker, err := crtx.Inspect(path)
		free := known(t, err, path) == crtx.OK && marker.State == crtx.Absent

		lock, err := crtx.TryAcquire(path, owner, crtx.WithDurability(crtx.ProcessCrash))
		if status := known(t, err, path); status == crtx.OK {
			if absolute, err := lock.MarkerPath(); err != nil || filepath.Clean(absolute) != filepath.Clean(path) {
				t.Fatalf("%q is not %q, %v", absolute, path, err)
			}
			wantState(t, path, crtx.HeldByThisProcess)
			must(t, lock.Release())
		} else if free && status != crtx.ErrInvalidArgument && status != crtx.ErrNameTooLong {
			t.Fatalf("free, but %v", err)
		}
		left, err := os.ReadDir(directory)
		must(t, err)
		if len(left) != 0 {
			t.Fatalf("left: %v", left)
		}
	})
}

// render is the marker's text by its description, which a stale marker has byte for byte.
func render(m crtx.Marker) string {
	return fmt.Sprintf("cortex-restore-active-store-lock-v1\npid=%d\nhost=%s\ndeployment_id=%s\noperator_principal_id=%s\n"+
		"acquired_at=%s\nscope=%s\nrestore_intent_blake3=%s\n",
		m.PID, m.Host, m.DeploymentID, m.OperatorPrincipalID, m.AcquiredAtText, m.Scope, m.RestoreIntentBLAKE3)
}

func FuzzMarkers(f *testing.F) {
	fixture := readFile(f, fixtures, "active-store.lock")
	f.Add(fixture)
	f.Add([]byte{})
	f.Add(fixture[:len(fixture)-1])
	f.Add(bytes.Replace(fixture, []byte("pid=5641"), []byte("pid=4294967295"), 1))
	f.Add(bytes.Replace(fixture, []byte("host=fixture-host"), []byte("host="), 1))
	f.Add(bytes.Replace(fixture, []byte("+00:00"), []byte("Z"), 1))
	f.Add(bytes.Replace(fixture, []byte("fixture"), []byte("fix\x00ure"), 1))
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "marker")
		must(t, os.WriteFile(path, content, 0o644))
		read, err := crtx.ReadMarker(path)
		if known(t, err, path) != crtx.OK || !bytes.Equal(read, content) {
			t.Fatalf("%q, %v", read, err)
		}
		digest, err := crtx.BLAKE3File(path)
		must(t, err)
		marker, err := crtx.Inspect(path)
		must(t, err)
		switch {
		case marker.MarkerBLAKE3 != digest:
			t.Fatalf("%+v is not %s", marker, digest)
		case marker.State == crtx.Stale:
			if text := render(marker); text != string(content) {
				t.Fatalf("%q is not %q", text, content)
			}
			if at, err := time.Parse(time.RFC3339Nano, marker.AcquiredAtText); err == nil && !at.Equal(marker.AcquiredAt) {
				t.Fatalf("%q is not %v", marker.AcquiredAtText, marker.AcquiredAt)
			}
		case marker != crtx.Marker{State: crtx.Malformed, MarkerBLAKE3: digest}:
			t.Fatalf("%+v", marker)
		}
	})
}

func FuzzDocuments(f *testing.F) {
	now := fixtureNow.UnixNano()
	for _, name := range []string{"TAKEOVER", "RESTORE_INTENT"} {
		d := fixtureDocument(f, name)
		f.Add(d.Payload, d.Signature, d.PublicKey, d.DeploymentID, now)
	}
	f.Add([]byte(nil), []byte(nil), []byte(nil), "", int64(0))
	f.Add([]byte("{}"), make([]byte, 64), make([]byte, 32), "a\x00b", int64(-1<<63))
	marker := readFile(f, fixtures, "active-store.lock")
	seed := readFile(f, fixtures, "operator.seed")
	f.Fuzz(func(t *testing.T, payload, signature, key []byte, deployment string, now int64) {
		path := filepath.Join(t.TempDir(), "marker")
		must(t, os.WriteFile(path, marker, 0o644))
		document := crtx.SignedDocument{
			Payload: payload, Signature: signature, PublicKey: key, DeploymentID: deployment, Now: time.Unix(0, now),
		}
		digest, err := crtx.VerifyIntent(document, fixtureIntent)
		intent := known(t, err, "")
		takeover := known(t, crtx.VerifyTakeover(path, document), path)
		holds := len(key) == ed25519.PublicKeySize && ed25519.Verify(key, payload, signature)
		if (intent == crtx.OK || takeover == crtx.OK) && !holds {
			t.Fatalf("accepted without a signature that holds: intent %v, takeover %v", intent, takeover)
		}
		if intent == crtx.OK && takeover == crtx.OK || (digest != "") != (intent == crtx.OK) {
			t.Fatalf("intent %v, takeover %v, %q", intent, takeover, digest)
		}

		// Past the signature: what the operator signed is judged by its content.
		signature, err = crtx.Sign(seed, payload)
		if len(payload) > 65536 {
			refused(t, err, crtx.ErrTooLarge)
			return
		}
		must(t, err)
		document.Signature, document.PublicKey = signature, readFile(t, fixtures, "operator.pub")
		_, err = crtx.VerifyIntent(document, fixtureIntent)
		intent = known(t, err, "")
		stale, err := crtx.Quarantine(path, document)
		takeover = known(t, err, path)
		if intent == crtx.ErrBadSignature || takeover == crtx.ErrBadSignature {
			t.Fatalf("intent %v, takeover %v", intent, takeover)
		}
		if takeover == crtx.OK {
			must(t, crtx.VerifyEvidence(stale, document.PublicKey))
		} else if !bytes.Equal(readFile(t, path), marker) {
			t.Fatal("refused, but the marker has changed")
		}
	})
}
