# SPDX-License-Identifier: MIT OR Apache-2.0
# GNU make. On a fresh machine with cargo and a C compiler: `make test`, `make demo`.

CARGO       ?= cargo
CARGO_FLAGS ?= --locked
CFLAGS      ?= -O2 -g
CXXFLAGS    ?= -O2 -g
WARNINGS    := -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror
C99         := -std=c99 $(WARNINGS) -Wstrict-prototypes -Wmissing-prototypes
CXX17       := -std=c++17 $(WARNINGS)

TARGET   := $(abspath $(or $(CARGO_TARGET_DIR),target))
RELEASE  := $(TARGET)/release
PANICDIR := $(TARGET)/panic/debug
BUILD    := $(TARGET)/c
SONAME   := libcrtx.so.1
INCLUDE  := $(CURDIR)/include
LINK      = -I'$(INCLUDE)' -L'$(RELEASE)' -lcrtx -Wl,-rpath,'$(RELEASE)'
SQLITE    = $(shell pkg-config --cflags --libs sqlite3)

# What `make test` runs, in this order. A file in mk/ adds a step with `TEST_STEPS += test-name`,
# and may define targets of its own.
TEST_STEPS := test-rust test-c test-readme check-symbols check-unsafe check-dependencies
-include $(sort $(wildcard mk/*.mk))

export CARGO CC CXX
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# The steps share cargo's target directory, and their output is to be read in order.
.NOTPARALLEL:
.PHONY: help setup build build-panic test test-rust test-c test-readme demo header \
        header-check symbols check-symbols check-unsafe check-dependencies sbom examples fmt lint clean \
        setup-build setup-demo

help: ## list the targets
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/  \1|\2/p' $(MAKEFILE_LIST) | \
	  awk -F'|' '{ printf "%-19s %s\n", $$1, $$2 }'

setup: ## install what the tests need (as root), or name it
	@scripts/setup.sh test

setup-build:
	@scripts/setup.sh build

setup-demo:
	@scripts/setup.sh demo

build: setup-build ## the release library: libcrtx.so, its SONAME link, libcrtx.a
	@echo "== build"
	@$(CARGO) build $(CARGO_FLAGS) --release
	@ln -sf libcrtx.so '$(RELEASE)/$(SONAME)'

test: $(TEST_STEPS) ## all tests: Rust, C, C++, the README's examples, symbols, unsafe code
	@echo "== test: all steps passed: $(TEST_STEPS)"

demo: setup-demo build $(BUILD)/sqlite_restore ## a SQLite restore that dies half-way, and what may follow
	@$(BUILD)/sqlite_restore

# The debug profile, because it checks for overflow.
test-rust: setup ## the crate's own tests
	@echo "== test-rust"
	@$(CARGO) test $(CARGO_FLAGS) --no-fail-fast --quiet

# A library with a function that panics, to show that no panic crosses the C boundary.
build-panic: setup
	@echo "== build-panic"
	@$(CARGO) build $(CARGO_FLAGS) --features test-panic --target-dir '$(TARGET)/panic'
	@ln -sf libcrtx.so '$(PANICDIR)/$(SONAME)'

test-c: setup build build-panic ## the C test programs and the tests of the C++ wrapper
	@echo "== test-c"
	@CRTX_LIBDIR='$(RELEASE)' CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_PANIC_LIBDIR='$(PANICDIR)' \
	  CRTX_BUILDDIR='$(TARGET)/ctests' ctests/run.sh all

test-readme: examples ## the README's code is that of examples/, and its commands are run by CI
	@scripts/readme-examples.sh

header: setup ## write include/crtx.h anew from the Rust sources
	@scripts/header.sh --write

header-check: setup ## include/crtx.h is what the Rust sources say
	@scripts/header.sh --check

symbols: build ## write abi/symbols.txt anew from the library
	@scripts/check-symbols.sh '$(RELEASE)/libcrtx.so' --write

check-symbols: build ## the library exports what abi/symbols.txt lists, and nothing else
	@scripts/check-symbols.sh '$(RELEASE)/libcrtx.so'

check-unsafe: ## unsafe code is only in src/ffi and src/sys
	@scripts/check-unsafe.sh

check-dependencies: sbom ## every crate is from crates.io, under a licence of deny.toml
	@scripts/check-dependencies.sh

sbom: setup ## the bill of materials: target/crtx.cdx.json (CycloneDX)
	@mkdir -p '$(TARGET)' && scripts/sbom.py '$(TARGET)/crtx.cdx.json'

# They run in a directory of their own, because the checkout may be on a network filesystem.
examples: setup-demo build $(BUILD)/hello-c $(BUILD)/hello-cpp $(BUILD)/sqlite_restore ## build the examples, run the small ones
	@echo "== examples"
	@place=$$(mktemp -d) && trap 'rm -rf "$$place"' EXIT && cd "$$place" && \
	  '$(BUILD)/hello-c' && '$(BUILD)/hello-cpp' && \
	  PYTHONPATH='$(CURDIR)/bindings/python/src' PYTHONDONTWRITEBYTECODE=1 CRTX_LIBRARY='$(RELEASE)/libcrtx.so' \
	  python3 -W error '$(CURDIR)/examples/hello.py'

fmt: ## format the Rust sources
	@$(CARGO) fmt

lint: setup ## formatting, clippy and rustdoc, with every warning an error
	@echo "== lint"
	@$(CARGO) fmt --check
	@$(CARGO) clippy $(CARGO_FLAGS) --quiet --all-targets -- -D warnings
	@$(CARGO) clippy $(CARGO_FLAGS) --quiet --all-targets --features test-panic,header -- -D warnings
	@RUSTDOCFLAGS=-Dwarnings $(CARGO) doc $(CARGO_FLAGS) --quiet --no-deps
	@scripts/check-windows.sh '$(TARGET)/windows'

clean: ## remove everything that was built
	@$(CARGO) clean

$(BUILD):
	@mkdir -p $@

HEADERS := include/crtx.h
DEMO    := $(wildcard examples/sqlite_restore/*.c examples/kit/*.c)

$(BUILD)/sqlite_restore: $(DEMO) examples/sqlite_restore/demo.h examples/kit/kit.h $(HEADERS) | build $(BUILD)
	@$(CC) $(C99) $(CFLAGS) $(DEMO) -o $@ $(LINK) $(SQLITE)

$(BUILD)/hello-c: examples/hello.c $(HEADERS) | build $(BUILD)
	@$(CC) $(C99) $(CFLAGS) $< -o $@ $(LINK)

$(BUILD)/hello-cpp: examples/hello.cpp include/crtx.hpp $(HEADERS) | build $(BUILD)
	@$(CXX) $(CXX17) $(CXXFLAGS) $< -o $@ $(LINK)
