# SPDX-License-Identifier: MIT OR Apache-2.0
# Restores of real engines, with each engine as the distribution packages it.

.PHONY: engines setup-engines engine-rocksdb engine-lmdb engine-postgres

setup-engines:
	@scripts/setup.sh engines

engines: setup-engines demo engine-rocksdb engine-lmdb engine-postgres ## SQLite, RocksDB, LMDB, PostgreSQL: restores that die half-way

engine-rocksdb: setup-engines build $(BUILD)/rocksdb_restore
	@echo "== engine-rocksdb"
	@timeout -k 5 120 $(BUILD)/rocksdb_restore

engine-lmdb: setup-engines build $(BUILD)/lmdb_restore
	@echo "== engine-lmdb"
	@timeout -k 5 120 $(BUILD)/lmdb_restore

engine-postgres: setup-engines build
	@echo "== engine-postgres"
	@CRTX_LIBRARY='$(RELEASE)/libcrtx.so' examples/postgres_restore/run.sh

KIT         := $(wildcard examples/kit/*.c)
KIT_OBJECTS  = $(KIT:examples/kit/%.c=$(BUILD)/kit-%.o)
KIT_HEADERS := examples/kit/kit.h include/crtx.h
ROCKSDB     := $(wildcard examples/rocksdb_restore/*.cpp)
LMDB        := $(wildcard examples/lmdb_restore/*.c)
LMDB_LIBS    = $(shell pkg-config --cflags --libs lmdb)

$(BUILD)/kit-%.o: examples/kit/%.c $(KIT_HEADERS) | $(BUILD)
	@$(CC) $(C99) $(CFLAGS) -I'$(INCLUDE)' -c $< -o $@

$(BUILD)/lmdb_restore: $(LMDB) examples/lmdb_restore/ledger.h $(KIT) $(KIT_HEADERS) \
                       | setup-engines build $(BUILD)
	@$(CC) $(C99) $(CFLAGS) $(LMDB) $(KIT) -o $@ $(LINK) $(LMDB_LIBS)

# Not RocksDB's pkg-config file: it adds nothing but -lrocksdb, and newer ones ask for C++20.
$(BUILD)/rocksdb-%.o: examples/rocksdb_restore/%.cpp $(wildcard examples/rocksdb_restore/*.hpp) \
                      include/crtx.hpp $(KIT_HEADERS) | setup-engines $(BUILD)
	@$(CXX) $(CXX17) $(CXXFLAGS) -I'$(INCLUDE)' -c $< -o $@

$(BUILD)/rocksdb_restore: $(ROCKSDB:examples/rocksdb_restore/%.cpp=$(BUILD)/rocksdb-%.o) \
                          $(KIT_OBJECTS) | build $(BUILD)
	@$(CXX) $^ -o $@ $(LINK) -lrocksdb
