# SPDX-License-Identifier: MIT OR Apache-2.0
# Installing for C and C++. PREFIX, LIBDIR, INCLUDEDIR and MANDIR say where; DESTDIR is put before them, for
# packagers.

PREFIX     ?= /usr/local
LIBDIR     ?= $(PREFIX)/lib
INCLUDEDIR ?= $(PREFIX)/include
MANDIR     ?= $(PREFIX)/share/man
DESTDIR    ?=

TEST_STEPS += test-install test-cinstall
.PHONY: install uninstall test-install test-cinstall

INSTALL = PREFIX='$(PREFIX)' LIBDIR='$(LIBDIR)' INCLUDEDIR='$(INCLUDEDIR)' MANDIR='$(MANDIR)' DESTDIR='$(DESTDIR)' \
          scripts/install.sh

# It builds only what is missing: `make build && sudo make install` needs no cargo for root.
install: $(if $(wildcard $(RELEASE)/libcrtx.so),,build) ## install library, headers, crtx.pc, CMake package, man page
	@$(INSTALL) install '$(RELEASE)'

uninstall: ## remove what install has put there
	@$(INSTALL) uninstall '$(RELEASE)'

test-install: setup build ## install into scratch roots, and build against only that
	@echo "== test-install"
	@CRTX_BUILDDIR='$(TARGET)/install' ctests/install/run.sh '$(RELEASE)'

# cargo-c is built from its sources, some minutes long, unless it is there.
CARGO_C := 0.10.24+cargo-0.98.0
test-cinstall: setup ## cargo cinstall installs the same files (fetches and builds cargo-c if it is not there)
	@echo "== test-cinstall"
	@CRTX_BUILDDIR='$(TARGET)/cinstall' ctests/install/cinstall.sh '$(CARGO_C)'
