# SPDX-License-Identifier: MIT OR Apache-2.0
# The protocol's model in Promela. (The one in Rust is tests/model.rs, which test-rust runs.)

TEST_STEPS += test-spin
.PHONY: test-spin model-large

test-spin: setup ## the protocol's Promela model and its mutants, with Spin if it is there
	@echo "== test-spin"
	@scripts/check-spin.sh

model-large: setup ## both models in their large configurations (minutes, and gigabytes of memory)
	@echo "== model-large"
	@CRTX_MODEL=large $(CARGO) test $(CARGO_FLAGS) --test model -- --nocapture
	@scripts/check-spin.sh --large
