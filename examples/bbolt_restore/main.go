// SPDX-License-Identifier: MIT OR Apache-2.0

// Bbolt-restore backs a bbolt store up and restores it under the lock of libcrtx: an operator signs what
// may be restored over what, nobody else restores meanwhile, and a restore that dies leaves a marker
// that only an operator's signature gets past.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

const usage = `usage: bbolt-restore COMMAND FLAGS

On the server:
  backup    -store FILE -backup DIR
  restore   -store FILE -backup DIR -deployment NAME -trust KEY.pub -intent NAME
            [-attestation NAME] [-wait 10s] [-confirm]
  status    -store FILE
  evidence  -store FILE -trust KEY.pub
On the operator's machine, or wherever her key is:
  keygen    -key KEY.seed                 (and KEY.pub beside it)
  authorize -store FILE -backup DIR -deployment NAME -key KEY.seed -intent NAME
  attest    -store FILE -reason TEXT -key KEY.seed -attestation NAME

A store is a bbolt FILE and its event log, FILE.events.jsonl. While it is restored, the marker
FILE.restore is there. A signed document NAME is two files, NAME.json and NAME.sig. With
-confirm, restore asks before each step that replaces a file of the store.
`

// arguments are the flags of all commands; each takes those that it names.
type arguments struct {
	store       store
	backup      string
	deployment  string
	key         string
	trust       string
	intent      string
	attestation string
	reason      string
	wait        time.Duration
	confirm     bool
}

// A command, and the flags that it cannot do without.
type command struct {
	run      func(arguments) error
	required string
	optional string
}

var commands = map[string]command{
	"backup":    {takeBackup, "store backup", ""},
	"restore":   {restore, "store backup deployment trust intent", "attestation wait confirm"},
	"status":    {status, "store", ""},
	"evidence":  {evidence, "store trust", ""},
	"keygen":    {makeKey, "key", ""},
	"authorize": {authorize, "store backup deployment key intent", ""},
	"attest":    {attest, "store reason key attestation", ""},
}

func main() {
	if len(os.Args) < 2 {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	chosen, known := commands[os.Args[1]]
	if !known {
		fmt.Fprint(os.Stderr, usage)
		os.Exit(2)
	}
	if err := chosen.run(parse(os.Args[1], chosen, os.Args[2:])); err != nil {
		fmt.Fprintln(os.Stderr, explain(err))
		os.Exit(1)
	}
}

// parse ends the program with 2 if the command line is not one.
func parse(name string, chosen command, words []string) arguments {
	var a arguments
	all := flag.NewFlagSet(name, flag.ExitOnError)
	file := all.String("store", "", "the bbolt file")
	all.StringVar(&a.backup, "backup", "", "the backup's directory")
	all.StringVar(&a.deployment, "deployment", "", "the deployment that the store belongs to")
	all.StringVar(&a.key, "key", "", "the operator's secret seed")
	all.StringVar(&a.trust, "trust", "", "the public key of the operator who is trusted")
	all.StringVar(&a.intent, "intent", "", "the signed restore intent")
	all.StringVar(&a.attestation, "attestation", "", "the signed takeover attestation")
	all.StringVar(&a.reason, "reason", "", "why the old restore may be taken over")
	all.DurationVar(&a.wait, "wait", 0, "how long to wait for another restore to end")
	all.BoolVar(&a.confirm, "confirm", false, "ask before each file is replaced")
	all.Usage = func() { fmt.Fprint(os.Stderr, usage) }
	_ = all.Parse(words) // it ends the program itself

	given := map[string]bool{}
	all.Visit(func(f *flag.Flag) { given[f.Name] = f.Value.String() != "" })
	ok := all.NArg() == 0
	for _, required := range strings.Fields(chosen.required) {
		ok = ok && given[required]
		delete(given, required)
	}
	for _, optional := range strings.Fields(chosen.optional) {
		delete(given, optional)
	}
	if !ok || len(given) > 0 {
		all.Usage()
		os.Exit(2)
	}
	a.store = newStore(*file)
	return a
}

// explain puts the status's name before the library's sentence.
func explain(err error) string {
	var status crtx.Status
	if errors.As(err, &status) {
		return fmt.Sprintf("bbolt-restore: %s: %v", status.Name(), err)
	}
	return fmt.Sprintf("bbolt-restore: %v", err)
}

func status(a arguments) error {
	marker, err := crtx.Inspect(a.store.marker())
	if err != nil {
		return err
	}
	fmt.Println(marker.State)
	if marker.PID != 0 {
		fmt.Printf("process %d on %q, since %s\nfor %s, restoring %s\n",
			marker.PID, marker.Host, marker.AcquiredAtText, marker.OperatorPrincipalID, marker.DeploymentID)
	}
	return nil
}

func evidence(a arguments) error {
	key, err := os.ReadFile(a.trust)
	if err != nil {
		return err
	}
	markers, err := crtx.ListEvidence(a.store.marker())
	if err != nil {
		return err
	}
	for _, stale := range markers {
		if err := crtx.VerifyEvidence(stale, key); err != nil {
			return err
		}
		fmt.Println("holds:", stale)
	}
	return nil
}
