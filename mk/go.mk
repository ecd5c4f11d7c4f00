# SPDX-License-Identifier: MIT OR Apache-2.0
# The Go binding, in bindings/go, and the examples in Go.

TEST_STEPS += test-go
.PHONY: go test-go lint-go fmt-go examples-go

WITH_GO := '$(CURDIR)/scripts/with-go.sh'
GO_TEST := '$(CURDIR)/scripts/go-test.sh'
GO_LOGS := $(TARGET)/go
GO_FUZZ_RUNS ?= 3000

# What go.mod promises, and what staticcheck wants.
GO        := $(WITH_GO) at-least 1.21
GO_OLDEST := $(WITH_GO) exactly 1.21.13
GO_NEWER  := $(WITH_GO) at-least 1.26
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

go_vet     = $(GO_NEWER) go vet $(1) && $(GO_NEWER) go run $(STATICCHECK) $(1)

GO_SOURCES = bindings/go benches/go examples/hello.go $(wildcard examples/*/*.go)

# The shared library is tested as it is installed.
GO_INSTALLED := $(GO_LOGS)/installed
GO_INSTALL    = PREFIX='$(GO_INSTALLED)' LIBDIR='$(GO_INSTALLED)/lib' INCLUDEDIR='$(GO_INSTALLED)/include' \
                MANDIR='$(GO_INSTALLED)/man' DESTDIR= scripts/install.sh install '$(RELEASE)'
GO_SHARED     = PKG_CONFIG_PATH='$(GO_INSTALLED)/lib/pkgconfig' LD_LIBRARY_PATH='$(GO_INSTALLED)/lib'

go: build ## the static archive that the Go package links, in bindings/go
	@scripts/go-archive.sh '$(RELEASE)/libcrtx.a'

test-go: setup go ## the Go tests: race detector, cgocheck2, shared library, oldest Go, fuzz targets, example
	@echo "== test-go"
	@mkdir -p '$(GO_LOGS)' && $(GO_INSTALL)
	@cd bindings/go && CRTX_PREFIX='$(GO_INSTALLED)' $(GO) $(GO_TEST) 'race detector' '$(GO_LOGS)/race.log' -race ./...
	@cd bindings/go && GOEXPERIMENT=cgocheck2 $(GO) $(GO_TEST) 'cgocheck2' '$(GO_LOGS)/cgocheck2.log' .
	@cd bindings/go && $(GO_SHARED) $(GO) $(GO_TEST) 'shared library' '$(GO_LOGS)/shared.log' -tags crtx_dynamic .
	@cd bindings/go && $(GO_OLDEST) $(GO_TEST) 'oldest Go' '$(GO_LOGS)/oldest.log' .
	@cd bindings/go && for target in FuzzPaths FuzzMarkers FuzzDocuments; do \
	  $(GO) $(GO_TEST) "$$target" "$(GO_LOGS)/$$target.log" -run '^$$' -fuzz "^$$target\$$" -fuzztime $(GO_FUZZ_RUNS)x . || exit 1; \
	done
	@cd examples/bbolt_restore && $(GO_NEWER) $(GO_TEST) 'bbolt_restore' '$(GO_LOGS)/bbolt_restore.log' .

lint: lint-go
lint-go: setup go
	@echo "== lint-go"
	@unformatted=$$($(GO) gofmt -l $(GO_SOURCES)) && [ -z "$$unformatted" ] || \
	  { echo "not as gofmt writes it (make fmt): $$unformatted" >&2; exit 1; }
	@cd bindings/go && $(call go_vet,./...) && $(call go_vet,../../examples/hello.go)
	@cd examples/bbolt_restore && $(call go_vet,./...)

fmt: fmt-go
fmt-go:
	@$(GO) gofmt -w $(GO_SOURCES)

examples: examples-go
examples-go: go | $(BUILD)
	@echo "== examples-go"
	@cd bindings/go && $(GO) go build -buildvcs=false -o '$(BUILD)/hello-go' ../../examples/hello.go
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT && cd "$$place" && '$(BUILD)/hello-go'
