// SPDX-License-Identifier: MIT OR Apache-2.0

package main

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

// The test program is the tool, too.
func TestMain(m *testing.M) {
	if os.Getenv("BBOLT_RESTORE_TOOL") != "" {
		main()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const deployment = "ledger-production"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A place is a directory with a store, its backup, and what it held when it was backed up. The store
// has gone wrong since.
type place struct {
	t         *testing.T
	directory string
	database  []byte
	eventLog  []byte
}

func (p *place) path(name string) string { return filepath.Join(p.directory, name) }

func (p *place) read(name string) []byte {
	p.t.Helper()
	content, err := os.ReadFile(p.path(name))
	must(p.t, err)
	return content
}

func newPlace(t *testing.T) *place {
	p := &place{t: t, directory: t.TempDir()}
	writeAccounts(t, p.path("ledger.bolt"), 0, 5000)
	must(t, os.WriteFile(p.path("ledger.bolt.events.jsonl"), []byte("{\"event\":\"day closed\"}\n"), 0o600))
	p.must("backup", "-store", "ledger.bolt", "-backup", "backup")
	p.database, p.eventLog = p.read("backup/store.bolt"), p.read("backup/events.jsonl")

	writeAccounts(t, p.path("ledger.bolt"), 2000, 3000)
	must(t, os.WriteFile(p.path("ledger.bolt.events.jsonl"), []byte("{\"event\":\"a bad clean-up\"}\n"), 0o600))
	p.must("keygen", "-key", "alice.seed")
	p.must("keygen", "-key", "mallory.seed")
	p.must("authorize", "-store", "ledger.bolt", "-backup", "backup", "-deployment", deployment,
		"-key", "alice.seed", "-intent", "intent")
	return p
}

// writeAccounts gives the accounts from first to last another balance.
func writeAccounts(t *testing.T, path string, first, last uint64) {
	t.Helper()
	database, err := bolt.Open(path, 0o600, nil)
	must(t, err)
	must(t, database.Update(func(tx *bolt.Tx) error {
		bucket, err := tx.CreateBucketIfNotExists([]byte("accounts"))
		for account := first; account < last && err == nil; account++ {
			key, value := binary.BigEndian.AppendUint64(nil, account), binary.BigEndian.AppendUint64(nil, account*100+first)
			err = bucket.Put(key, value)
		}
		return err
	}))
	must(t, database.Close())
}

// wantRestored looks at every byte, and into the store.
func (p *place) wantRestored() {
	p.t.Helper()
	if !bytes.Equal(p.read("ledger.bolt"), p.database) || !bytes.Equal(p.read("ledger.bolt.events.jsonl"), p.eventLog) {
		p.t.Fatal("the store is not what was backed up")
	}
	database, err := bolt.Open(p.path("ledger.bolt"), 0o600, &bolt.Options{ReadOnly: true})
	must(p.t, err)
	defer database.Close()
	must(p.t, database.View(func(tx *bolt.Tx) error {
		accounts := uint64(0)
		err := tx.Bucket([]byte("accounts")).ForEach(func(account, balance []byte) error {
			if binary.BigEndian.Uint64(account) != accounts || binary.BigEndian.Uint64(balance) != accounts*100 {
				p.t.Fatalf("account %x has %x", account, balance)
			}
			accounts++
			return nil
		})
		if accounts != 5000 {
			p.t.Fatalf("%d accounts", accounts)
		}
		return err
	}))
	p.wantNothingStaged()
}

func (p *place) wantNothingStaged() {
	p.t.Helper()
	if left, err := filepath.Glob(p.path("*" + staged + "*")); err != nil || len(left) != 0 {
		p.t.Fatalf("left: %v, %v", left, err)
	}
}

func (p *place) tool(arguments ...string) *exec.Cmd {
	command := exec.Command(os.Args[0], arguments...)
	command.Dir = p.directory
	command.Env = append(os.Environ(), "BBOLT_RESTORE_TOOL=1")
	return command
}

func (p *place) must(arguments ...string) string {
	p.t.Helper()
	output, err := p.tool(arguments...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("%v: %v\n%s", arguments, err, output)
	}
	return string(output)
}

// refuse demands exit code 1 and these words.
func (p *place) refuse(words string, arguments ...string) {
	p.t.Helper()
	command := p.tool(arguments...)
	output, _ := command.CombinedOutput()
	if code := command.ProcessState.ExitCode(); code != 1 || !strings.Contains(string(output), words) {
		p.t.Fatalf("%v: exit code %d, and not %q:\n%s", arguments, code, words, output)
	}
}

func restoring(more ...string) []string {
	return append([]string{"restore", "-store", "ledger.bolt", "-backup", "backup", "-deployment", deployment,
		"-trust", "alice.pub", "-intent", "intent"}, more...)
}

// A dialogue is a restore that asks, and that we answer.
type dialogue struct {
	*exec.Cmd
	t       *testing.T
	answers io.WriteCloser
	output  *bufio.Reader
}

func (p *place) begin(arguments ...string) *dialogue {
	p.t.Helper()
	d := &dialogue{Cmd: p.tool(restoring(append(arguments, "-confirm")...)...), t: p.t}
	d.Stderr = os.Stderr
	answers, err := d.StdinPipe()
	must(p.t, err)
	output, err := d.StdoutPipe()
	must(p.t, err)
	d.answers, d.output = answers, bufio.NewReader(output)
	must(p.t, d.Start())
	p.t.Cleanup(d.kill)
	return d
}

// waitFor reads until a line that ends so.
func (d *dialogue) waitFor(end string) {
	d.t.Helper()
	for {
		line, err := d.output.ReadString('\n')
		if err != nil {
			d.t.Fatalf("%v before %q", err, end)
		}
		if strings.HasSuffix(line, end+"\n") {
			return
		}
	}
}

func (d *dialogue) goOn() {
	d.t.Helper()
	_, err := io.WriteString(d.answers, "\n")
	must(d.t, err)
}

func (d *dialogue) kill() {
	_ = d.Process.Kill()
	_ = d.Wait()
}

const (
	asksForDatabase = "ledger.bolt; press Enter to go on"
	asksForEventLog = "ledger.bolt.events.jsonl; press Enter to go on"
)

func TestARestoreBringsBackEveryByte(t *testing.T) {
	p := newPlace(t)
	p.must(restoring()...)
	p.wantRestored()
	if state := p.must("status", "-store", "ledger.bolt"); state != "absent\n" {
		t.Fatal(state)
	}
}

func TestARestoreThatDiedHalfWayIsTakenOverOnTheOperatorsAttestationAlone(t *testing.T) {
	p := newPlace(t)
	d := p.begin()
	d.waitFor(asksForDatabase)
	d.goOn()
	d.waitFor(asksForEventLog)
	d.kill()
	if !bytes.Equal(p.read("ledger.bolt"), p.database) || bytes.Equal(p.read("ledger.bolt.events.jsonl"), p.eventLog) {
		t.Fatal("the store is not half restored")
	}

	p.refuse("CRTX_E_MARKER_EXISTS", restoring()...)
	p.refuse("CRTX_E_MARKER_EXISTS", restoring("-wait", "1h")...)
	if state := p.must("status", "-store", "ledger.bolt"); !strings.HasPrefix(state, "stale\nprocess ") {
		t.Fatal(state)
	}
	p.must("attest", "-store", "ledger.bolt", "-reason", "it was killed", "-key", "mallory.seed", "-attestation", "forged")
	p.refuse("CRTX_E_BAD_SIGNATURE", restoring("-attestation", "forged")...)
	p.must("attest", "-store", "ledger.bolt", "-reason", "it was killed", "-key", "alice.seed", "-attestation", "attested")
	p.must(restoring("-attestation", "attested")...)
	p.wantRestored()

	evidence := p.must("evidence", "-store", "ledger.bolt", "-trust", "alice.pub")
	if strings.Count(evidence, "holds: ") != 1 || !strings.Contains(evidence, "ledger.bolt.restore.stale-") {
		t.Fatal(evidence)
	}
	p.refuse("CRTX_E_BAD_SIGNATURE", "evidence", "-store", "ledger.bolt", "-trust", "mallory.pub")
	p.refuse("CRTX_E_MARKER_ABSENT", restoring("-attestation", "attested")...)
}

func TestALiveRestoreIsWaitedForAndNeverTakenOver(t *testing.T) {
	p := newPlace(t)
	d := p.begin()
	d.waitFor(asksForDatabase)
	p.refuse("CRTX_E_MARKER_EXISTS", restoring()...)
	p.refuse("context deadline exceeded", restoring("-wait", "50ms")...)
	p.must("attest", "-store", "ledger.bolt", "-reason", "impatience", "-key", "alice.seed", "-attestation", "attested")
	p.refuse("CRTX_E_CONTENDED", restoring("-attestation", "attested")...)

	next := p.begin("-wait", "1h")
	d.goOn()
	d.waitFor(asksForEventLog)
	d.goOn()
	d.waitFor("restored")
	next.waitFor(asksForDatabase)
	next.goOn()
	next.goOn()
	next.waitFor("restored")
	p.wantRestored()
}

func TestARestoreWhoseMarkerIsRemovedWritesNothingMore(t *testing.T) {
	p := newPlace(t)
	before := p.read("ledger.bolt")
	d := p.begin()
	d.waitFor(asksForDatabase)
	must(t, os.Remove(p.path("ledger.bolt.restore")))
	d.goOn()
	must(t, d.answers.Close())
	if err := d.Wait(); err == nil || !bytes.Equal(p.read("ledger.bolt"), before) {
		t.Fatalf("%v, or the store has changed", err)
	}
	p.wantNothingStaged()
}

func TestARestoreThatFailsKeepsItsMarkerOnlyIfSomethingWasReplaced(t *testing.T) {
	p := newPlace(t)
	d := p.begin()
	d.waitFor(asksForDatabase)
	must(t, d.answers.Close())
	if d.Wait() == nil || p.must("status", "-store", "ledger.bolt") != "absent\n" {
		t.Fatal("it failed before anything was replaced, and is not gone")
	}
	d = p.begin()
	d.waitFor(asksForDatabase)
	d.goOn()
	d.waitFor(asksForEventLog)
	must(t, d.answers.Close())
	if d.Wait() == nil || !strings.HasPrefix(p.must("status", "-store", "ledger.bolt"), "stale\n") {
		t.Fatal("it failed half-way, and left no marker")
	}
	p.wantNothingStaged()
}

func TestAStoreThatAnEngineHasOpenIsNotTouched(t *testing.T) {
	p := newPlace(t)
	before := p.read("ledger.bolt")
	engine, err := bolt.Open(p.path("ledger.bolt"), 0o600, &bolt.Options{Timeout: time.Second})
	must(t, err)
	p.refuse("stop the engine first", restoring()...)
	must(t, engine.Close())
	if !bytes.Equal(p.read("ledger.bolt"), before) || p.must("status", "-store", "ledger.bolt") != "absent\n" {
		t.Fatal("something has changed")
	}
	p.must(restoring()...)
	p.wantRestored()
}

func TestABrokenOrMissingStoreIsRestored(t *testing.T) {
	p := newPlace(t)
	must(t, os.WriteFile(p.path("ledger.bolt"), bytes.Repeat([]byte("garbage "), 4096), 0o600))
	p.must(restoring()...)
	p.wantRestored()
	must(t, os.Remove(p.path("ledger.bolt")))
	p.must(restoring()...)
	p.wantRestored()
	must(t, os.WriteFile(p.path("ledger.bolt"), nil, 0o600))
	p.must(restoring()...)
	p.wantRestored()
}

func TestOnlyWhatTheOperatorSignedForIsRestored(t *testing.T) {
	p := newPlace(t)
	before := p.read("ledger.bolt")
	must(t, os.Rename(p.path("backup"), p.path("signed")))
	p.must("backup", "-store", "ledger.bolt", "-backup", "backup")
	p.refuse("CRTX_E_DIGEST_MISMATCH", restoring()...)
	must(t, os.WriteFile(p.path("backup/store.bolt"), p.database, 0o600))
	p.refuse("the files beside it are not those that it lists", restoring()...)
	must(t, os.RemoveAll(p.path("backup")))
	must(t, os.Rename(p.path("signed"), p.path("backup")))

	p.refuse("CRTX_E_PATH_MISMATCH", "restore", "-store", "other.bolt", "-backup", "backup", "-deployment", deployment,
		"-trust", "alice.pub", "-intent", "intent")
	p.refuse("CRTX_E_BAD_SIGNATURE", "restore", "-store", "ledger.bolt", "-backup", "backup", "-deployment", deployment,
		"-trust", "mallory.pub", "-intent", "intent")
	p.refuse("CRTX_E_DEPLOYMENT_MISMATCH", "restore", "-store", "ledger.bolt", "-backup", "backup", "-deployment", "staging",
		"-trust", "alice.pub", "-intent", "intent")
	if !bytes.Equal(p.read("ledger.bolt"), before) {
		t.Fatal("the store has changed")
	}
}

func TestACommandLineThatIsNoneEndsWith2(t *testing.T) {
	p := &place{t: t, directory: t.TempDir()}
	for _, wrong := range [][]string{
		{}, {"help"}, {"status"}, {"status", "-store", ""}, {"status", "-store", "a", "b"},
		{"status", "-store", "a", "-key", "b"}, {"status", "-no-such-flag"},
	} {
		command := p.tool(wrong...)
		output, _ := command.CombinedOutput()
		if code := command.ProcessState.ExitCode(); code != 2 || !strings.Contains(string(output), "usage: bbolt-restore") {
			t.Errorf("%q: exit code %d\n%s", wrong, code, output)
		}
	}
}
