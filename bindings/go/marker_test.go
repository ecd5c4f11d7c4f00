// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"testing"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

func TestAbsentAndMalformedAreStatesAndNoErrors(t *testing.T) {
	path := markerPath(t)
	marker, err := crtx.Inspect(path)
	if err != nil || marker != (crtx.Marker{State: crtx.Absent}) {
		t.Fatalf("%+v, %v", marker, err)
	}
	_, err = crtx.ReadMarker(path)
	refused(t, err, crtx.ErrMarkerAbsent, fs.ErrNotExist)

	must(t, os.WriteFile(path, nil, 0o644))
	marker, err = crtx.Inspect(path)
	if err != nil || marker != (crtx.Marker{State: crtx.Malformed, MarkerBLAKE3: emptyBLAKE3}) {
		t.Fatalf("%+v, %v", marker, err)
	}
}

func TestAMarkerIsReadByteForByteWhateverItsLength(t *testing.T) {
	path := markerPath(t)
	for _, length := range []int{0, 1, 4095, 4096, 4097, 4098, 100_000, 1 << 20} {
		content := bytes.Repeat([]byte("a\x00\xffz\n"), length/5+1)[:length]
		must(t, os.WriteFile(path, content, 0o644))
		read, err := crtx.ReadMarker(path)
		if err != nil || !bytes.Equal(read, content) {
			t.Fatalf("%d bytes: %d came back, %v", length, len(read), err)
		}
	}
	must(t, os.WriteFile(path, make([]byte, 1<<20+1), 0o644))
	_, err := crtx.ReadMarker(path)
	refused(t, err, crtx.ErrTooLarge)
}

func TestMarkerStatesHaveWords(t *testing.T) {
	words := ""
	for state := crtx.MarkerState(0); state <= 6; state++ {
		words += fmt.Sprint(state) + "; "
	}
	if words != "MarkerState(0); absent; held; held by this process; stale; malformed; MarkerState(6); " {
		t.Fatal(words)
	}
}
