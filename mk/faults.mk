# SPDX-License-Identifier: MIT OR Apache-2.0
TEST_STEPS += test-faults
.PHONY: test-faults

test-faults: build ## kill the process, and fail its system calls, one after the other (CRTX_KILLS=5000)
	@echo "== test-faults"
	@CRTX_LIBDIR='$(RELEASE)' CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_BUILDDIR='$(TARGET)/faults' \
	  ctests/faults/run.sh
