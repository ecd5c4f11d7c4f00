// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// The test program starts itself again, to be another process.
const roleVariable, pathVariable = "CRTX_TEST_ROLE", "CRTX_TEST_PATH"

func TestMain(m *testing.M) {
	switch role := os.Getenv(roleVariable); role {
	case "":
		os.Exit(m.Run())
	case "hold":
		hold()
		select {}
	case "hold-and-start-another":
		hold()
		other := self("echo", "")
		other.Stdin, other.Stdout = os.Stdin, os.Stdout
		giveUpOn(other.Start())
		select {}
	case "echo":
		if _, err := io.Copy(os.Stdout, os.Stdin); err != nil {
			os.Exit(1)
		}
	case "list-descriptors":
		listDescriptors()
	default:
		giveUpOn(fmt.Errorf("no role %q", role))
	}
}

func giveUpOn(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// hold acquires the lock for as long as the process lives. The first line of output says "held".
func hold() {
	lock, err := crtx.TryAcquire(os.Getenv(pathVariable), owner)
	giveUpOn(err)
	held = lock
	fmt.Println("held")
}

var held *crtx.Lock

func listDescriptors() {
	entries, err := os.ReadDir("/proc/self/fd")
	giveUpOn(err)
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			fmt.Println(target)
		}
	}
}

func self(role, path string) *exec.Cmd {
	command := exec.Command(os.Args[0])
	command.Env = append(os.Environ(), roleVariable+"="+role, pathVariable+"="+path)
	command.Stderr = os.Stderr
	return command
}

// A peer is another process, with whom we talk line by line.
type peer struct {
	process *exec.Cmd
	input   io.WriteCloser
	output  *bufio.Reader
}

func start(t *testing.T, role, path string) *peer {
	t.Helper()
	command := self(role, path)
	input, err := command.StdinPipe()
	must(t, err)
	output, err := command.StdoutPipe()
	must(t, err)
	must(t, command.Start())
	p := &peer{command, input, bufio.NewReader(output)}
	t.Cleanup(func() { p.kill() })
	return p
}

func (p *peer) wantLine(t *testing.T, wanted string) {
	t.Helper()
	if line, err := p.output.ReadString('\n'); line != wanted+"\n" {
		t.Fatalf("the other process says %q (%v), not %q", line, err, wanted)
	}
}

// kill is SIGKILL, and the end of the process when it returns. Its output can still be read.
func (p *peer) kill() {
	_ = p.process.Process.Kill()
	_, _ = p.process.Process.Wait()
}

func TestAnotherProcessThatHoldsIsRefusedAndThatDiedLeavesAStaleMarker(t *testing.T) {
	path := markerPath(t)
	holder := start(t, "hold", path)
	holder.wantLine(t, "held")
	_, err := crtx.TryAcquire(path, owner)
	if failure := refused(t, err, crtx.ErrMarkerExists); failure.MarkerState != crtx.Held {
		t.Fatalf("found %v", failure.MarkerState)
	}
	marker, err := crtx.Inspect(path)
	must(t, err)
	if marker.State != crtx.Held || int(marker.PID) != holder.process.Process.Pid {
		t.Fatalf("%+v", marker)
	}
	holder.kill()
	wantState(t, path, crtx.Stale)
}

// Descriptors are close-on-exec, and Go's fork goes straight to exec.
func TestAProcessStartedByTheHolderDoesNotKeepTheLockHeld(t *testing.T) {
	path := markerPath(t)
	holder := start(t, "hold-and-start-another", path)
	holder.wantLine(t, "held")
	_, err := io.WriteString(holder.input, "are you there?\n")
	must(t, err)
	holder.wantLine(t, "are you there?") // so says the grandchild
	holder.kill()
	wantState(t, path, crtx.Stale)
	_, err = io.WriteString(holder.input, "still?\n")
	must(t, err)
	holder.wantLine(t, "still?")
	must(t, holder.input.Close())
}

func TestAStartedProcessInheritsNoDescriptorOfALock(t *testing.T) {
	path := markerPath(t)
	lock := acquire(t, path)
	defer lock.Close()
	output, err := self("list-descriptors", "").Output()
	must(t, err)
	if len(output) == 0 || strings.Contains(string(output), path) {
		t.Fatalf("open in the child:\n%s", output)
	}
	must(t, lock.Check())
}
