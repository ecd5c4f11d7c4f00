// SPDX-License-Identifier: MIT OR Apache-2.0

package linktest

import (
	"debug/elf"
	"os"
	"path/filepath"
	"testing"
)

const sharedLibrary = "libcrtx.so.1"

func TestAModuleElsewhereLinksStaticallyThroughReplace(t *testing.T) {
	here := at(consumer(t, filepath.Join(repository(t), "bindings/go")))
	here.run(t, "go", "build", "-o", "ledger", ".")
	program := filepath.Join(here.directory, "ledger")
	wantRestored(t, program)
	if needed := neededLibraries(t, program); has(needed, sharedLibrary) {
		t.Fatalf("needs %v", needed)
	}
}

func TestAVendoredModuleNeedsNothingOfTheRepository(t *testing.T) {
	module := copyModule(t)
	here := at(consumer(t, module))
	here.run(t, "go", "mod", "vendor")
	must(t, os.RemoveAll(module))
	here.run(t, "go", "build", "-mod=vendor", "-o", "ledger", ".")
	wantRestored(t, filepath.Join(here.directory, "ledger"))
}

func TestAProgramMayBeStaticThroughAndThrough(t *testing.T) {
	probe := at(t.TempDir())
	must(t, os.WriteFile(filepath.Join(probe.directory, "probe.c"), []byte("int main(void) { return 0; }\n"), 0o644))
	if output, err := probe.try("cc", "-static", "-o", "probe", "probe.c"); err != nil {
		t.Skipf("the C library is not here to be linked statically: %s", output)
	}
	here := at(consumer(t, filepath.Join(repository(t), "bindings/go")))
	here.run(t, "go", "build", "-ldflags", "-linkmode external -extldflags -static", "-o", "ledger", ".")
	program := filepath.Join(here.directory, "ledger")
	file, err := elf.Open(program)
	must(t, err)
	defer file.Close()
	for _, segment := range file.Progs {
		if segment.Type == elf.PT_INTERP || segment.Type == elf.PT_DYNAMIC {
			t.Fatalf("it has a %v", segment.Type)
		}
	}
	wantRestored(t, program)
}

func TestATagLinksTheSharedLibraryThatPkgConfigFinds(t *testing.T) {
	module := copyModule(t)
	must(t, os.Remove(filepath.Join(module, archive()+".a")))
	must(t, os.Remove(filepath.Join(module, archive()+".h")))
	here := at(consumer(t, module), "PKG_CONFIG_PATH="+filepath.Join(installed(t), "lib/pkgconfig"))
	here.run(t, "go", "build", "-tags", "crtx_dynamic", "-o", "ledger", ".")
	program := filepath.Join(here.directory, "ledger")
	if needed := neededLibraries(t, program); !has(needed, sharedLibrary) {
		t.Fatalf("needs %v", needed)
	}
	wantRestored(t, program, "LD_LIBRARY_PATH="+filepath.Join(installed(t), "lib"))
}

// The go command knows nothing of archives: it is the stamp that makes it link again.
func TestANewArchiveIsLinkedAgain(t *testing.T) {
	module := copyModule(t)
	here := at(consumer(t, module))
	here.run(t, "go", "build", "-o", "before", ".")
	stamp := []byte("#define CRTX_ARCHIVE_STAMP \"another archive\"\n")
	must(t, os.WriteFile(filepath.Join(module, archive()+".h"), stamp, 0o644))
	here.run(t, "go", "build", "-o", "after", ".")
	if sameFile(t, filepath.Join(here.directory, "before"), filepath.Join(here.directory, "after")) {
		t.Fatal("the program was not linked again")
	}
}
