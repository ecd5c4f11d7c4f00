# SPDX-License-Identifier: MIT OR Apache-2.0
# The Python package, in bindings/python. Tools come from PyPI, pinned, into venvs below PYTHONDIR.
TEST_STEPS += test-python test-packaging
.PHONY: test-python test-packaging lint-python fmt-python wheel sdist

PYTHONDIR := $(TARGET)/python
WHEELS    := $(TARGET)/wheels

# The crate's release library serves the tests and the plain wheel, so that it is built once.
test-python: setup build ## the Python tests, on the newest and the oldest interpreter (CRTX_PYTHONS=all)
	@echo "== test-python"
	@CRTX_LIBRARY='$(RELEASE)/libcrtx.so' CRTX_BUILDDIR='$(PYTHONDIR)' scripts/python/test.sh

test-packaging: setup build wheel sdist ## the wheels and the sdist: contents, and what pip makes of them in fresh venvs
	@echo "== test-packaging"
	@CRTX_LIBRARY='$(RELEASE)/libcrtx.so' CRTX_BUILDDIR='$(PYTHONDIR)' CRTX_DIST='$(WHEELS)' \
	  CARGO_TARGET_DIR='$(TARGET)' scripts/python/test-packaging.sh

lint: lint-python

lint-python: setup ## ruff and mypy --strict over bindings/python
	@echo "== lint-python"
	@CRTX_BUILDDIR='$(PYTHONDIR)' scripts/python/lint.sh

fmt-python: setup ## format bindings/python, and mend what ruff can mend
	@CRTX_BUILDDIR='$(PYTHONDIR)' scripts/python/lint.sh --fix

wheel: setup ## the portable Python wheel (glibc 2.17), in target/wheels
	@echo "== wheel"
	@CRTX_BUILDDIR='$(PYTHONDIR)' CARGO_TARGET_DIR='$(TARGET)' scripts/python/wheel.sh wheel '$(WHEELS)'

sdist: setup ## the Python source distribution, in target/wheels
	@echo "== sdist"
	@CRTX_BUILDDIR='$(PYTHONDIR)' scripts/python/wheel.sh sdist '$(WHEELS)'
