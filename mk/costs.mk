# SPDX-License-Identifier: MIT OR Apache-2.0
TEST_STEPS += test-costs
.PHONY: test-costs

test-costs: setup build ## what each call costs: system calls, flushes, allocations, instructions; size, memory
	@echo "== test-costs"
	@CRTX_LIBDIR='$(RELEASE)' CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_BUILDDIR='$(TARGET)/costs' ctests/costs/run.sh
