// SPDX-License-Identifier: MIT OR Apache-2.0

package linktest

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestWithoutCgoTheCompilerSaysWhatToDo(t *testing.T) {
	here := at(consumer(t, filepath.Join(repository(t), "bindings/go")), "CGO_ENABLED=0")
	here.fail(t, "undefined: crtx_needs_cgo__set_CGO_ENABLED_1_and_install_a_C_compiler", "go", "build", ".")
}

func TestWithoutTheArchiveTheCompilerSaysWhatToDo(t *testing.T) {
	module := copyModule(t)
	must(t, os.Remove(filepath.Join(module, archive()+".h")))
	must(t, os.Remove(filepath.Join(module, archive()+".a")))
	here := at(consumer(t, module))
	here.fail(t, archive()+".a is missing: run 'make go' in the libcrtx repository, or build with -tags crtx_dynamic",
		"go", "build", ".")
}

func TestEachPlatformHasOneWayToLink(t *testing.T) {
	for platform, wanted := range map[string]string{
		"linux/amd64 1":               "link_linux_amd64.go",
		"linux/arm64 1":               "link_linux_arm64.go",
		"linux/amd64 1 crtx_dynamic":  "link_dynamic.go",
		"darwin/arm64 1":              "link_unsupported.go",
		"linux/riscv64 1":             "link_unsupported.go",
		"windows/amd64 1":             "link_unsupported.go",
		"darwin/arm64 1 crtx_dynamic": "link_dynamic.go",
		"linux/amd64 0":               "nocgo.go",
		"linux/amd64 0 crtx_dynamic":  "nocgo.go",
		"darwin/arm64 0":              "nocgo.go",
	} {
		words := strings.Fields(platform + " no_tag")
		system, architecture, _ := strings.Cut(words[0], "/")
		here := at(filepath.Join(repository(t), "bindings/go"),
			"GOOS="+system, "GOARCH="+architecture, "CGO_ENABLED="+words[1])
		files := here.run(t, "go", "list", "-tags", words[2], "-f", "{{.GoFiles}} {{.CgoFiles}}", ".")
		links := regexp.MustCompile(`\b(link_\w+|nocgo)\.go\b`).FindAllString(files, -1)
		if len(links) != 1 || links[0] != wanted {
			t.Errorf("%s: %v, not %s", platform, links, wanted)
		}
	}
}

func TestVetCatchesACopiedLock(t *testing.T) {
	at(".").fail(t, "passes lock by value: "+modulePath+".Lock", "go", "vet", "./testdata/copied")
}

// systemLibraries is what follows the words in the file's line.
func systemLibraries(t *testing.T, file, words string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(repository(t), file))
	must(t, err)
	for _, line := range strings.Split(string(content), "\n") {
		if _, libraries, found := strings.Cut(line, words); found {
			return libraries
		}
	}
	t.Fatalf("%s has no %q", file, words)
	return ""
}

func TestTheSystemLibrariesAreThoseOfPkgConfig(t *testing.T) {
	wanted := systemLibraries(t, "packaging/crtx.pc.in", "Libs.private: ")
	for _, architecture := range []string{"amd64", "arm64"} {
		name := "linux_" + architecture
		if found := systemLibraries(t, "bindings/go/link_"+name+".go", "libcrtx_"+name+".a "); found != wanted {
			t.Errorf("%s: %q, not %q", name, found, wanted)
		}
	}
}

func TestTheModuleRequiresNothing(t *testing.T) {
	manifest, err := os.ReadFile(filepath.Join(repository(t), "bindings/go/go.mod"))
	must(t, err)
	if string(manifest) != "module "+modulePath+"\n\ngo 1.21\n" {
		t.Fatalf("%s", manifest)
	}
}
