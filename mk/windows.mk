# SPDX-License-Identifier: MIT OR Apache-2.0
# Windows, built with MinGW and run under Wine.

TEST_STEPS += test-windows
.PHONY: test-windows

test-windows: setup-build ## the Rust, C and C++ tests on Windows: MinGW and Wine, below target/windows
	@echo "== test-windows"
	@scripts/test-windows.sh '$(TARGET)/windows'
