// SPDX-License-Identifier: MIT OR Apache-2.0

package linktest

import (
	"bytes"
	"debug/elf"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

const modulePath = "github.com/libcrtx/libcrtx/bindings/go"

// repository is the root of the checkout.
func repository(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs("../../../..")
	must(t, err)
	return root
}

// installed is where the library was installed, for the shared library and its crtx.pc.
func installed(t *testing.T) string {
	if prefix := os.Getenv("CRTX_PREFIX"); prefix != "" {
		return prefix
	}
	return filepath.Join(repository(t), "target/go/installed")
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// A place is a directory in which commands run. Nothing may have to be fetched.
type place struct {
	directory   string
	environment []string
}

func at(directory string, environment ...string) place {
	return place{directory, append([]string{"GOPROXY=off", "GOFLAGS=", "GOWORK=off", "GOTOOLCHAIN=local"}, environment...)}
}

// try gives what the command says, standard error included.
func (p place) try(name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Dir = p.directory
	command.Env = append(os.Environ(), p.environment...)
	output, err := command.CombinedOutput()
	return string(output), err
}

func (p place) run(t *testing.T, name string, arguments ...string) string {
	t.Helper()
	output, err := p.try(name, arguments...)
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(arguments, " "), err, output)
	}
	return output
}

// fail demands that the command fails, and that it says so in these words.
func (p place) fail(t *testing.T, words string, name string, arguments ...string) {
	t.Helper()
	output, err := p.try(name, arguments...)
	if err == nil || !strings.Contains(output, words) {
		t.Fatalf("%s %s: %v, and it does not say %q:\n%s", name, strings.Join(arguments, " "), err, words, output)
	}
}

// consumer makes a module of somebody else's: the README's program, with this module in that
// directory.
func consumer(t *testing.T, module string) string {
	t.Helper()
	directory := t.TempDir()
	copyFile(t, filepath.Join(repository(t), "examples/hello.go"), filepath.Join(directory, "main.go"))
	manifest := "module example.com/ledger\n\ngo 1.21\n\nrequire " + modulePath + " v0.0.0\n\n" +
		"replace " + modulePath + " => " + module + "\n"
	must(t, os.WriteFile(filepath.Join(directory, "go.mod"), []byte(manifest), 0o644))
	return directory
}

// wantRestored runs the README's program in a directory of its own.
func wantRestored(t *testing.T, program string, environment ...string) {
	t.Helper()
	if output := at(t.TempDir(), environment...).run(t, program); output != "restored\n" {
		t.Fatalf("the program says %q", output)
	}
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	must(t, err)
	must(t, os.MkdirAll(filepath.Dir(to), 0o755))
	must(t, os.WriteFile(to, content, 0o644))
}

// copyModule copies this module, archive included, to a directory outside of the repository.
func copyModule(t *testing.T) string {
	t.Helper()
	from, to := filepath.Join(repository(t), "bindings/go"), t.TempDir()
	must(t, filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(from, path)
		must(t, err)
		copyFile(t, path, filepath.Join(to, relative))
		return nil
	}))
	return to
}

func archive() string {
	return "libcrtx_" + runtime.GOOS + "_" + runtime.GOARCH
}

// neededLibraries are the shared libraries that the program wants at its start.
func neededLibraries(t *testing.T, program string) []string {
	t.Helper()
	file, err := elf.Open(program)
	must(t, err)
	defer file.Close()
	names, err := file.ImportedLibraries()
	must(t, err)
	return names
}

func has(list []string, wanted string) bool {
	for _, found := range list {
		if found == wanted {
			return true
		}
	}
	return false
}

func sameFile(t *testing.T, one, other string) bool {
	t.Helper()
	first, err := os.ReadFile(one)
	must(t, err)
	second, err := os.ReadFile(other)
	must(t, err)
	return bytes.Equal(first, second)
}
