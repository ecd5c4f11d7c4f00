// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// processes are the steps of another process, which holds a lock.
var processes = map[string]func(*run, *words) (results, error){
	"hold":  hold,
	"free":  free,
	"await": func(r *run, _ *words) (results, error) { return nil, r.reap() },
	"kill":  kill,
}

var errNoHolder = errors.New("there is no holder")

// holderWords are what a holder is told of the step that started it.
var holderWords = []string{
	"path", "deployment_id", "operator_principal_id", "restore_intent_blake3", "host", "durability", "allow",
}

// A holder is another process of this program.
type holder struct {
	process *exec.Cmd
	input   io.WriteCloser
	answers *bufio.Reader
}

func hold(r *run, w *words) (results, error) {
	r.endHolder()
	arguments := []string{"--hold"}
	for _, name := range holderWords {
		if value, ok := w.optional(name); ok {
			arguments = append(arguments, name+"="+value)
		}
	}
	process := exec.Command("/proc/self/exe", arguments...)
	input, err := process.StdinPipe()
	if err != nil {
		return nil, err
	}
	output, err := process.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := process.Start(); err != nil {
		return nil, err
	}
	r.holder = &holder{process, input, bufio.NewReader(output)}
	if err := r.holder.expectOK(); err != nil {
		return nil, err
	}
	r.variables["child"] = variable{strconv.Itoa(process.Process.Pid), true}
	fmt.Fprintf(r.transcript, "child %d\n", process.Process.Pid)
	return nil, nil
}

func (h *holder) expectOK() error {
	line, err := h.answers.ReadString('\n')
	if line != "CRTX_OK\n" {
		return fmt.Errorf("the holder answered %q (%v)", line, err)
	}
	return nil
}

func free(r *run, w *words) (results, error) {
	if r.holder == nil {
		return nil, errNoHolder
	}
	if _, err := fmt.Fprintln(r.holder.input, w.number("after_ms")); err != nil {
		return nil, err
	}
	if _, later := w.optional("after_ms"); later {
		return nil, nil
	}
	return nil, r.reap()
}

// reap waits for the answer to what the holder was told.
func (r *run) reap() error {
	if r.holder == nil {
		return errNoHolder
	}
	err := r.holder.expectOK()
	r.endHolder()
	return err
}

func kill(r *run, _ *words) (results, error) {
	if r.holder == nil {
		return nil, errNoHolder
	}
	r.endHolder()
	return nil, nil
}

func (r *run) endHolder() {
	if r.holder != nil {
		_ = r.holder.process.Process.Kill()
		_ = r.holder.process.Wait()
		r.holder = nil
	}
}

// beAHolder acquires, says so, waits to be told after how many milliseconds to release, and says so.
func beAHolder(arguments []string) int {
	w := &words{variables: variables{}}
	for _, argument := range arguments {
		name, value, _ := strings.Cut(argument, "=")
		w.own = append(w.own, pair{name, '=', value})
	}
	lock, err := crtx.TryAcquire(w.text("path"), owner(w), options(w)...)
	fmt.Println(answer(nil, err).status)
	var after int64
	if _, err := fmt.Scanln(&after); err != nil {
		return 1 // the runner has gone; the marker is to stay, as a crash would leave it
	}
	time.Sleep(time.Duration(after) * time.Millisecond)
	fmt.Println(answer(nil, lock.Release()).status)
	return 0
}
