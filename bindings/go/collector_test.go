// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"bytes"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// A journal is what the default logger wrote.
type journal struct {
	mutex   sync.Mutex
	content bytes.Buffer
}

func (j *journal) Write(line []byte) (int, error) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return j.content.Write(line)
}

func (j *journal) about(path string) []string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	var lines []string
	for _, line := range strings.Split(j.content.String(), "\n") {
		if strings.Contains(line, path) {
			lines = append(lines, line)
		}
	}
	return lines
}

func keepJournal(t *testing.T) *journal {
	t.Helper()
	j := &journal{}
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(j, nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return j
}

// collect runs the collector until it has found what is unreachable at this moment.
func collect(t *testing.T) {
	t.Helper()
	found := make(chan struct{})
	runtime.SetFinalizer(&struct{ room [64]byte }{}, func(any) { close(found) })
	for {
		runtime.GC()
		select {
		case <-found:
			return
		case <-time.After(time.Millisecond):
		}
	}
}

func TestTheCollectorLogsALostLockOnceAndNeverReleasesIt(t *testing.T) {
	j := keepJournal(t)
	path := markerPath(t)
	acquire(t, path) // and dropped
	for len(j.about(path)) == 0 {
		collect(t)
	}
	collect(t)
	collect(t)
	lines := j.about(path)
	if len(lines) != 1 || !strings.Contains(lines[0], "level=WARN") || !strings.Contains(lines[0], "without Release") {
		t.Fatalf("%q", lines)
	}
	wantState(t, path, crtx.HeldByThisProcess)
}

func TestTheCollectorIsSilentAboutLocksThatHaveEnded(t *testing.T) {
	j := keepJournal(t)
	path := markerPath(t)
	must(t, acquire(t, path).Release())
	must(t, acquire(t, path).Close())
	collect(t)
	collect(t)
	if lines := j.about(path); len(lines) != 0 {
		t.Fatalf("%q", lines)
	}
}
