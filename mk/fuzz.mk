# SPDX-License-Identifier: MIT OR Apache-2.0
# libFuzzer targets, in fuzz/. Built without cargo-fuzz, on a stable toolchain.

TEST_STEPS += test-fuzz
.PHONY: test-fuzz fuzz-check fuzz

FUZZ_SECONDS ?= 600

test-fuzz: fuzz-check

fuzz-check: setup ## a bounded run of every fuzz target, over the committed corpora first
	@echo "== fuzz-check"
	@CRTX_BUILDDIR='$(TARGET)/fuzz' scripts/fuzz.sh check

fuzz: setup ## a long run of every fuzz target, FUZZ_SECONDS (600) each
	@CRTX_BUILDDIR='$(TARGET)/fuzz' scripts/fuzz.sh long '$(FUZZ_SECONDS)'
