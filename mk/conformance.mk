# SPDX-License-Identifier: MIT OR Apache-2.0
# What all languages have in common: the conformance cases, and a race between processes of all of them.
# (mk/go.mk has the target `go` and $(GO), mk/python.mk the choice of interpreters.)

TEST_STEPS += test-conformance test-polyglot
.PHONY: test-conformance test-polyglot

CONFORMANCE := $(TARGET)/conformance

test-conformance: setup build go ## the conformance cases in C, Rust, Python and Go, and their transcripts compared
	@echo "== test-conformance"
	@mkdir -p '$(CONFORMANCE)'
	@cd bindings/go && $(GO) go build -buildvcs=false -o '$(CONFORMANCE)/runner-go' ./internal/conformance
	@CRTX_LIBDIR='$(RELEASE)' CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_BUILDDIR='$(CONFORMANCE)' \
	  CRTX_GO_RUNNER='$(CONFORMANCE)/runner-go' ctests/conformance/run.sh

test-polyglot: setup build go ## processes in C, Rust, Python and Go race for one lock, crash and take over from each other
	@echo "== test-polyglot"
	@mkdir -p '$(TARGET)/race'
	@$(CARGO) build $(CARGO_FLAGS) --quiet --example race_worker
	@cd bindings/go && $(GO) go build -buildvcs=false -o '$(TARGET)/race/worker-go' ./internal/raceworker
	@CRTX_LIBDIR='$(RELEASE)' CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_BUILDDIR='$(TARGET)/race' \
	  ctests/race/polyglot.sh '$(TARGET)/debug/examples/race_worker' '$(TARGET)/race/worker-go'
