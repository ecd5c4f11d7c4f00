// SPDX-License-Identifier: MIT OR Apache-2.0

package crtx_test

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"

	crtx "github.com/libcrtx/libcrtx/bindings/go"
)

func TestTheHeaderAndTheLicencesAreTheRepositorys(t *testing.T) {
	for name, original := range map[string]string{
		"crtx.h":         "../../include/crtx.h",
		"LICENSE-MIT":    "../../LICENSE-MIT",
		"LICENSE-APACHE": "../../LICENSE-APACHE",
	} {
		if !bytes.Equal(readFile(t, name), readFile(t, original)) {
			t.Errorf("%s is not the repository's", name)
		}
	}
}

// headerConstants are the numbers that crtx.h defines with this prefix.
func headerConstants(t *testing.T, prefix string) map[string]int64 {
	t.Helper()
	constants := map[string]int64{}
	define := regexp.MustCompile(`(?m)^#define (` + prefix + `\w*) (\d+)$`)
	for _, match := range define.FindAllStringSubmatch(string(readFile(t, "crtx.h")), -1) {
		number, err := strconv.ParseInt(match[2], 10, 64)
		must(t, err)
		constants[match[1]] = number
	}
	if len(constants) == 0 {
		t.Fatalf("crtx.h has no %s", prefix)
	}
	return constants
}

// goConstants are the exported constants that a source of this package gives a type, in order.
func goConstants(t *testing.T, file, kind string) (names []string, numbers []int64) {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	must(t, err)
	ast.Inspect(parsed, func(node ast.Node) bool {
		spec, ok := node.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 || fmt.Sprint(spec.Type) != kind {
			return true
		}
		number, err := strconv.ParseInt(spec.Values[0].(*ast.BasicLit).Value, 10, 64)
		must(t, err)
		names, numbers = append(names, spec.Names[0].Name), append(numbers, number)
		return true
	})
	return names, numbers
}

// plain takes from a name what the two languages write differently.
func plain(name string) string {
	return strings.ToLower(strings.ReplaceAll(name, "_", ""))
}

func TestEachStatusOfTheHeaderHasASentinelOfItsNameAndNumber(t *testing.T) {
	wanted := headerConstants(t, "CRTX_E_")
	names, numbers := goConstants(t, "status.go", "Status")
	if names[0] != "OK" || numbers[0] != 0 || len(names) != len(wanted)+1 {
		t.Fatalf("%d statuses of %d: %v", len(names), len(wanted)+1, names)
	}
	for i, name := range names[1:] {
		status := crtx.Status(numbers[i+1])
		number, known := wanted[status.Name()]
		if !known || number != numbers[i+1] || plain(status.Name()) != plain("CRTX_E_"+strings.TrimPrefix(name, "Err")) {
			t.Errorf("%s is %d, which the library calls %s", name, status, status.Name())
		}
	}
}

func TestEachStatusSaysWhatTheHeaderSays(t *testing.T) {
	header := string(readFile(t, "crtx.h"))
	for name, number := range headerConstants(t, "CRTX_E_") {
		sentence := crtx.Status(number).Error()
		if !strings.Contains(header, " * "+sentence+"\n */\n#define "+name+" ") {
			t.Errorf("%s: %s", name, sentence)
		}
	}
}

func TestStatesDurabilitiesFlagsAndSizesAreTheHeaders(t *testing.T) {
	for prefix, constants := range map[string]map[string]int64{
		"CRTX_MARKER_": {
			"ABSENT": int64(crtx.Absent), "HELD": int64(crtx.Held), "STALE": int64(crtx.Stale),
			"HELD_BY_THIS_PROCESS": int64(crtx.HeldByThisProcess), "MALFORMED": int64(crtx.Malformed),
		},
		"CRTX_DURABILITY_": {"FULL": int64(crtx.Full), "PROCESS_CRASH": int64(crtx.ProcessCrash)},
		"CRTX_ALLOW_": {
			"NETWORK_FILESYSTEM": int64(crtx.FlagsOf(crtx.WithAllowNetworkFilesystem())),
			"SHARED_DIRECTORY":   int64(crtx.FlagsOf(crtx.WithAllowSharedDirectory())),
		},
		"CRTX_SEED_":      {"SIZE": crtx.SeedSize},
		"CRTX_PUBLIC_":    {"KEY_SIZE": crtx.PublicKeySize},
		"CRTX_SIGNATURE_": {"SIZE": crtx.SignatureSize},
		"CRTX_ABI_":       {"VERSION": int64(crtx.ABIVersion())},
	} {
		wanted := headerConstants(t, prefix)
		if len(wanted) != len(constants) {
			t.Errorf("%s: %v, but here %v", prefix, wanted, constants)
		}
		for name, number := range constants {
			if found, ok := wanted[prefix+name]; !ok || found != number {
				t.Errorf("%s%s is %d, not %d", prefix, name, found, number)
			}
		}
	}
}

func TestTheVersionIsTheCrates(t *testing.T) {
	manifest := string(readFile(t, "../../Cargo.toml"))
	if !strings.Contains(manifest, "\nversion = \""+crtx.Version()+"\"\n") {
		t.Fatalf("not %s", crtx.Version())
	}
}
