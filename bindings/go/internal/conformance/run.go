// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

// An outcome is what a step gave: its status, if it has one, and its outputs by name.
type outcome struct {
	status  string
	results map[string]string
}

// A run is one case while it runs.
type run struct {
	table      *table
	directory  string
	variables  variables
	locks      map[string]*crtx.Lock
	holder     *holder
	transcript *bufio.Writer
	place      string
	complaints []string
}

// runCase gives what went wrong in the case: nothing, if all is well.
func runCase(t *table, c *block, transcript *bufio.Writer) ([]string, error) {
	directory, err := newDirectory()
	if err != nil {
		return nil, err
	}
	r := &run{table: t, directory: directory, variables: maps.Clone(t.variables), transcript: transcript}
	r.locks = map[string]*crtx.Lock{}
	for name, value := range map[string]string{
		"dir": directory, "self": strconv.Itoa(os.Getpid()),
		"fixtures": os.Getenv(fixtures), "network": os.Getenv(network),
	} {
		r.variables[name] = variable{value, true}
	}
	fmt.Fprintf(transcript, "case %s\ndir %s\nself %d\n", c.name, directory, os.Getpid())
	if err := transcript.Flush(); err != nil { // whoever finds a dead runner sees the case
		return nil, err
	}
	if err := r.steps(c.steps); err != nil {
		r.complain("%v", err)
	}
	r.endHolder()
	for _, lock := range r.locks {
		_ = lock.Close()
	}
	if err := os.Chdir("/"); err != nil {
		return nil, err
	}
	return r.complaints, os.RemoveAll(directory)
}

// newDirectory makes one whose path is as long as the other runners', because messages shorten long
// ones, and goes there. (The names of os.MkdirTemp differ in length.)
func newDirectory() (string, error) {
	name := make([]byte, 3)
	if _, err := rand.Read(name); err != nil {
		return "", err
	}
	path, err := filepath.EvalSymlinks(os.TempDir())
	if err != nil {
		return "", err
	}
	path = filepath.Join(path, "crtx-conformance-"+hex.EncodeToString(name))
	if err := os.Mkdir(path, 0o700); err != nil {
		return "", err
	}
	return path, os.Chdir(path)
}

func (r *run) complain(format string, arguments ...any) {
	r.complaints = append(r.complaints, r.place+": "+fmt.Sprintf(format, arguments...))
}

func (r *run) steps(steps []*step) error {
	for _, s := range steps {
		r.place = s.place
		var err error
		switch s.verb {
		case "let":
			r.variables[s.arguments[0].name] = variable{text: s.arguments[0].value}
		case "do":
			block, ok := r.table.steps[s.arguments[0].value]
			if !ok {
				return fmt.Errorf("there are no steps %s", s.arguments[0].value)
			}
			err = r.steps(block.steps)
		default:
			err = r.step(s)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *run) step(s *step) error {
	w := &words{s.arguments, r.table.defaults[s.verb], r.variables, nil}
	o := r.act(s.verb, w)
	if w.err != nil {
		return fmt.Errorf("%s: %w", s.verb, w.err)
	}
	r.write(s.verb, o)
	if name, ok := w.optional("save"); ok {
		for key, value := range o.results {
			r.variables[name+"."+key] = variable{value, true}
		}
	}
	return r.check(s, o)
}

// act leaves in w.err what is wrong with the step itself.
func (r *run) act(verb string, w *words) outcome {
	if call, ok := calls[verb]; ok {
		return answer(call(r, w))
	}
	act, ok := neutral[verb]
	if !ok {
		act, ok = processes[verb]
	}
	if !ok {
		w.fail(fmt.Errorf("the verb is not known"))
		return outcome{}
	}
	results, err := act(r, w)
	w.fail(err)
	return outcome{results: results}
}

func (r *run) write(verb string, o outcome) {
	if o.status == "" && len(o.results) == 0 {
		return
	}
	status := o.status
	if status == "" {
		status = "-"
	}
	fmt.Fprintf(r.transcript, "step %s %s\n", verb, status)
	var names []string
	for name := range o.results {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(r.transcript, "  %s %s\n", name, escaped(o.results[name]))
	}
}

func (r *run) check(s *step, o outcome) error {
	wanted, err := r.variables.expand(s.status)
	if err != nil {
		return err
	}
	if o.status != "" && o.status != wanted {
		r.complain("%s answered %s, not %s: %s", s.verb, o.status, wanted, escaped(o.results["message"]))
		return nil
	}
	for _, p := range s.expected {
		if err := r.checkResult(p, o); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) checkResult(p pair, o outcome) error {
	wanted, err := r.variables.expand(p.value)
	if err != nil {
		return err
	}
	if p.name == "names" { // the message names a path
		p.name, p.relation, wanted = "message", '~', `"`+wanted+`"`
	}
	found, ok := o.results[p.name]
	if !ok {
		r.complain("there is no %s", p.name)
		return nil
	}
	if holds := found == wanted || p.relation == '~' && strings.Contains(found, wanted); !holds {
		r.complain("%s\n  expected %c %s\n  is         %s", p.name, p.relation, escaped(wanted), escaped(found))
	}
	return nil
}
