# SPDX-License-Identifier: MIT OR Apache-2.0
# Races: between processes, and between threads under ThreadSanitizer.

TEST_STEPS += test-race test-tsan
.PHONY: test-race test-tsan

# The debug profile for the worker in Rust, because test-rust has built all that it needs.
test-race: build ## processes fight for one lock, crash and take over (CRTX_RACE_ROUNDS, CRTX_RACE_SEED)
	@echo "== test-race"
	@$(CARGO) build $(CARGO_FLAGS) --quiet --example race_worker
	@CRTX_LIBDIR='$(RELEASE)' CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_BUILDDIR='$(TARGET)/race' \
	  ctests/race/run.sh '$(TARGET)/debug/examples/race_worker'

test-tsan: setup ## the thread tests under ThreadSanitizer
	@echo "== test-tsan"
	@CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_BUILDDIR='$(TARGET)/tsan' ctests/tsan.sh
