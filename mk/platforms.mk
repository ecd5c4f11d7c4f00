# SPDX-License-Identifier: MIT OR Apache-2.0
# Platforms that are not this machine's: built here, and tested as far as they run here. (Windows: mk/windows.mk)

TEST_STEPS += test-platforms
.PHONY: test-platforms test-macos test-musl test-aarch64 test-i686

PLATFORMS := $(TARGET)/platforms

test-platforms: test-macos test-musl test-aarch64 test-i686 ## macOS type-checked and linked; musl, aarch64 and i686 tested

test-macos: setup-build ## macOS on x86_64 and aarch64: type-checked, and linked against libSystem's symbols
	@echo "== test-macos"
	@scripts/test-platform.sh macos '$(PLATFORMS)'

test-musl: setup-build ## Linux with musl: the Rust, C and C++ tests
	@echo "== test-musl"
	@scripts/test-platform.sh musl '$(PLATFORMS)'

test-aarch64: setup-build ## Linux on aarch64: the Rust, C and C++ tests, under qemu-user
	@echo "== test-aarch64"
	@scripts/test-platform.sh aarch64 '$(PLATFORMS)'

test-i686: setup-build ## 32-bit Linux: the Rust, C and C++ tests
	@echo "== test-i686"
	@scripts/test-platform.sh i686 '$(PLATFORMS)'
