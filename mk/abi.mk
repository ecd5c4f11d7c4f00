# SPDX-License-Identifier: MIT OR Apache-2.0
# The ABI gate: docs/abi.md.

TEST_STEPS += abi-check test-abi-gate
.PHONY: abi abi-check test-abi-gate build-abi

# With the debug information that abidiff compares by.
build-abi: setup
	@$(CARGO) build $(CARGO_FLAGS) --quiet --profile abi

abi: build-abi symbols ## record the library's ABI anew, in abi/
	@scripts/abi-check.sh '$(TARGET)/abi/libcrtx.so' include/crtx.h --write

abi-check: build-abi ## nothing that abi/ records was removed or changed
	@scripts/abi-check.sh '$(TARGET)/abi/libcrtx.so' include/crtx.h

test-abi-gate: setup ## known-bad libraries, which the ABI gate must refuse
	@echo "== test-abi-gate"
	@scripts/abi-gate-test.sh '$(TARGET)/abi-gate'
