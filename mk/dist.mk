# SPDX-License-Identifier: MIT OR Apache-2.0
# The release files. Not a step of `make test`, because they are of a commit and not of the checkout's files: CI runs
# `make test-dist` beside it.
.PHONY: dist test-dist

# The same commit gives the same bytes.
dist: sbom ## the release files of this commit, in target/dist
	@echo "== dist"
	@CRTX_BUILDDIR='$(PYTHONDIR)' CARGO_TARGET_DIR='$(TARGET)' scripts/dist/build.sh '$(TARGET)/dist' '$(TARGET)/crtx.cdx.json'

test-dist: setup ## build the release files twice, elsewhere; compare, unpack and use them (leaves them in target/dist)
	@echo "== test-dist"
	@CRTX_BUILDDIR='$(PYTHONDIR)' scripts/dist/test.sh '$(TARGET)'
