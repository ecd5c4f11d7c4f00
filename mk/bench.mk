# SPDX-License-Identifier: MIT OR Apache-2.0
# The benchmark, in benches/: docs/performance.md.

TEST_STEPS += bench-smoke
.PHONY: setup-bench bench-parts bench bench-smoke bench-page check-performance lint-bench fmt-bench

BENCH      := $(TARGET)/bench
BENCH_C    := $(BENCH)/c
BENCH_ENV   = CRTX_LIBDIR='$(RELEASE)' CRTX_BENCH_CDIR='$(BENCH_C)'
BENCH_CARGO = --locked --quiet --manifest-path benches/Cargo.toml --target-dir '$(BENCH)/cargo'
BENCH_C99   = $(C99) -D_GNU_SOURCE -O2
BENCH_FLOOR := lock look stale others
BENCH_PEERS := lmdb sqlite rocksdb
BENCH_OBJECTS = $(BENCH_FLOOR:%=$(BENCH_C)/%.o) $(BENCH_PEERS:%=$(BENCH_C)/%.o)

setup-bench:
	@scripts/setup.sh bench

bench: bench-parts ## measure side by side (as root also on ext4, xfs, btrfs), into target/bench; BENCH_WRITE=1: into docs/ too
	@CRTX_BUILDDIR='$(BENCH)' CRTX_LIBDIR='$(RELEASE)' scripts/bench.sh run

bench-smoke: bench-parts ## a few rounds of the benchmark: every row and peer once, no look at times
	@echo "== bench-smoke"
	@$(BENCH_ENV) $(CARGO) test $(BENCH_CARGO) --release
	@CRTX_BUILDDIR='$(BENCH)' CRTX_LIBDIR='$(RELEASE)' scripts/bench.sh smoke

bench-page: ## docs/performance.md's tables and chart anew, from docs/performance.json and costs.txt
	@benches/report.py write

test-readme: check-performance
check-performance:
	@benches/report.py check

bench-parts: setup-bench build go $(BENCH_C)/libcrtxbench.a $(BENCH_C)/load $(BENCH_C)/libempty.so
	@$(BENCH_ENV) $(CARGO) build $(BENCH_CARGO) --release
	@scripts/bench.sh venv '$(BENCH)/venv'
	@cd benches/go && $(GO) go build -buildvcs=false -o '$(BENCH)/peers-go' .

$(BENCH_C):
	@mkdir -p $@

$(BENCH_C)/%.o: benches/floor/%.c $(wildcard benches/floor/*.h) | setup-bench $(BENCH_C)
	@$(CC) $(BENCH_C99) -c $< -o $@

$(BENCH_C)/%.o: benches/peers/%.c benches/peers/peers.h | setup-bench $(BENCH_C)
	@$(CC) $(BENCH_C99) -c $< -o $@

$(BENCH_C)/rocksdb.o: benches/peers/rocksdb.cpp benches/peers/peers.h | setup-bench $(BENCH_C)
	@$(CXX) $(CXX17) -O2 -c $< -o $@

$(BENCH_C)/libcrtxbench.a: $(BENCH_OBJECTS)
	@rm -f $@ && $(AR) rcs $@ $^

$(BENCH_C)/load: benches/floor/load.c | setup-bench $(BENCH_C)
	@$(CC) $(BENCH_C99) $< -o $@ -ldl

$(BENCH_C)/libempty.so: benches/floor/empty.c | setup-bench $(BENCH_C)
	@$(CC) $(BENCH_C99) -shared -fPIC $< -o $@

lint: lint-bench
lint-bench: setup go
	@echo "== lint-bench"
	@$(CARGO) fmt --manifest-path benches/Cargo.toml --check
	@$(BENCH_ENV) $(CARGO) clippy $(BENCH_CARGO) --all-targets -- -D warnings
	@cd benches/go && $(call go_vet,./...)

fmt: fmt-bench
fmt-bench:
	@$(CARGO) fmt --manifest-path benches/Cargo.toml
