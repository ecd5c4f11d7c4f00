# SPDX-License-Identifier: MIT OR Apache-2.0
# The power cut test; `make test` runs it last.
TEST_STEPS += test-powercut

.PHONY: test-powercut
test-powercut: build ## the power cut at every write, on ext4, xfs and btrfs (as root; CRTX_POWERCUT=long for more)
	@CRTX_LIBDIR='$(RELEASE)' CRTX_INCLUDEDIR='$(INCLUDE)' CRTX_BUILDDIR='$(TARGET)/powercut' ctests/powercut/run.sh
