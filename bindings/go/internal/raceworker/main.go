// SPDX-License-Identifier: MIT OR Apache-2.0

// Command raceworker is a worker of the race, in Go: ctests/race/README.md has the commands that it
// obeys, the answers it gives, and the two files that it shares with the others.
//
//	raceworker MARKER STORE BOARD SLOT
package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

const deployment = "deployment:race"

type worker struct {
	marker string
	store  *os.File
	board  *board
}

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: raceworker MARKER STORE BOARD SLOT")
		os.Exit(2)
	}
	store, err := os.OpenFile(os.Args[2], os.O_RDWR, 0)
	must("open the store", err)
	file, err := os.OpenFile(os.Args[3], os.O_RDWR, 0)
	must("open the board", err)
	slot, err := strconv.Atoi(os.Args[4])
	must("read the slot", err)
	w := &worker{os.Args[1], store, &board{file, slot}}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		w.obey(lines.Text())
	}
}

// say writes one line, out at once: what was said before a crash must have been heard.
func say(format string, arguments ...any) {
	fmt.Fprintf(os.Stdout, format+"\n", arguments...)
}

func must(what string, err error) {
	if err != nil {
		say("wrong worker: %s: %v", what, err)
		os.Exit(1)
	}
}

func want(what string, err error) {
	if err != nil {
		say("wrong status: %s answered %s: %v", what, nameOf(err), err)
	}
}

func nameOf(err error) string {
	var status crtx.Status
	if errors.As(err, &status) {
		return status.Name()
	}
	return "no status"
}

func stateOf(err error) crtx.MarkerState {
	var failure *crtx.Error
	if errors.As(err, &failure) {
		return failure.MarkerState
	}
	return 0
}

func (w *worker) obey(line string) {
	command, rest, _ := strings.Cut(line, " ")
	number, file, _ := strings.Cut(rest, " ")
	count, _ := strconv.ParseUint(number, 10, 64)
	switch command {
	case "turn":
		w.turn(count)
	case "takeover":
		w.takeOver(count, file)
	case "quarantine":
		w.quarantine(rest)
	case "inspect":
		w.inspect(count)
	default:
		say("wrong worker: unknown command %s", line)
	}
}

// ---- the guarded section ----

// A section is one stay in it.
type section struct {
	dice     dice
	tookOver bool
	crashAt  uint64 // steps until this process kills itself; 0: never
}

func (s *section) step() {
	if s.crashAt > 0 {
		if s.crashAt--; s.crashAt == 0 {
			must("die", syscall.Kill(os.Getpid(), syscall.SIGKILL))
		}
	}
	if s.dice.below(6) == 0 {
		time.Sleep(time.Duration(s.dice.below(300)) * time.Microsecond)
	}
}

func (w *worker) work(s *section, lock *crtx.Lock) {
	w.board.enter()
	tornIsAllowed := w.board.takeTornIsAllowed() || s.tookOver
	found := readRecord(w.store)
	if !tornIsAllowed && !(found.whole && found.phase == "end  ") {
		say("wrong record: acquired after a death inside, at %v, and nobody took over", found)
	}
	if s.dice.below(8) == 0 {
		startAChild(s)
	}
	for _, phase := range []string{"begin", "end  "} {
		w.writeRecord(s, record{true, phase, w.board.slot, found.sequence + 1})
		want("check", lock.Check())
		w.board.lookAround()
	}
	s.step()
	w.board.leave()
	s.step()
}

func (w *worker) writeRecord(s *section, wanted record) {
	for block := 0; block < blocks; block++ {
		_, err := w.store.WriteAt([]byte(wanted.block()), int64(block*unit))
		must("write the store", err)
		s.step()
	}
	if found := readRecord(w.store); found != wanted {
		say("wrong record: wrote %v, and found %v", wanted, found)
	}
}

// startAChild starts one that may outlive the section, or even this process: some for longer than the
// driver waits for a dead worker's marker to become stale.
func startAChild(s *section) {
	seconds := "0.01"
	if s.dice.below(3) == 0 {
		seconds = "8"
	}
	child := exec.Command("sleep", seconds)
	must("start a child", child.Start())
	go func() { _ = child.Wait() }()
}

func (w *worker) workAndLetGo(s *section, lock *crtx.Lock) {
	leave := s.dice.below(16) == 0
	if s.dice.below(5) == 0 {
		s.crashAt = 1 + s.dice.below(2*blocks+2)
	}
	w.work(s, lock)
	if leave {
		want("leak", lock.Leak())
	}
	want("release", lock.Release())
	if leave {
		say("left")
	} else {
		say("done")
	}
}

// ---- commands ----

var owner = crtx.Owner{
	DeploymentID:        deployment,
	OperatorPrincipalID: "operator:race",
	RestoreIntentBLAKE3: "blake3:" + strings.Repeat("0", 64),
}

func durabilityOf(s *section) crtx.Option {
	if s.dice.below(2) == 0 {
		return crtx.WithDurability(crtx.Full)
	}
	return crtx.WithDurability(crtx.ProcessCrash)
}

func (w *worker) acquire(s *section) (*crtx.Lock, error) {
	timeout := []time.Duration{0, 50 * time.Millisecond, 500 * time.Millisecond}[s.dice.below(3)]
	if timeout == 0 {
		return crtx.TryAcquire(w.marker, owner, durabilityOf(s))
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return crtx.Acquire(ctx, w.marker, owner, durabilityOf(s))
}

func (w *worker) turn(seed uint64) {
	s := &section{dice: dice(seed)}
	lock, err := w.acquire(s)
	switch {
	case err == nil:
		w.workAndLetGo(s, lock)
		return
	case errors.Is(err, crtx.ErrMarkerExists) && stateOf(err) == crtx.Stale:
		say("stale")
		return
	// A stopped worker's time may be over before its first attempt.
	case errors.Is(err, crtx.ErrContended), stateOf(err) == crtx.Held, errors.Is(err, context.DeadlineExceeded):
	default:
		want("acquire", err)
	}
	say("busy")
}

func load(path string) []byte {
	content, err := os.ReadFile(path)
	must("load a document", err)
	return content
}

func documentOf(file string) crtx.SignedDocument {
	return crtx.SignedDocument{
		Payload:      load(file),
		Signature:    load(file + ".sig"),
		PublicKey:    load(file + ".pub"),
		DeploymentID: deployment,
	}
}

// sayLate: another one was faster, or somebody is at work.
func sayLate(what string, err error) {
	usual := false
	for _, status := range []crtx.Status{
		crtx.ErrContended, crtx.ErrMarkerAbsent, crtx.ErrStalePIDMismatch, crtx.ErrStaleTimeMismatch,
		crtx.ErrStaleDigestMismatch,
	} {
		usual = usual || errors.Is(err, status)
	}
	if !usual {
		want(what, err)
	}
	say("late %s", nameOf(err))
}

func (w *worker) takeOver(seed uint64, file string) {
	s := &section{dice: dice(seed), tookOver: true}
	lock, stalePath, err := crtx.Takeover(w.marker, documentOf(file), owner, durabilityOf(s))
	if err != nil {
		sayLate("takeover", err)
		return
	}
	say("taken %s", stalePath)
	w.workAndLetGo(s, lock)
}

func (w *worker) quarantine(file string) {
	stalePath, err := crtx.Quarantine(w.marker, documentOf(file))
	if err != nil {
		sayLate("quarantine", err)
		return
	}
	say("moved %s", stalePath)
}

func (w *worker) inspect(count uint64) {
	for ; count > 0; count-- {
		found, err := crtx.Inspect(w.marker)
		switch {
		case errors.Is(err, crtx.ErrContended):
		case err != nil:
			want("inspect", err)
		case found.State != crtx.Absent && found.State != crtx.Held && found.State != crtx.Stale:
			say("wrong state: inspected %v", found.State)
		}
	}
	say("seen")
}
