# SPDX-License-Identifier: MIT OR Apache-2.0
# crtx.pc for the build tree: PKG_CONFIG_PATH=target/release/pkgconfig.

.PHONY: pkgconfig

pkgconfig: build ## crtx.pc for the library as it was built, in target/release/pkgconfig
	@mkdir -p '$(RELEASE)/pkgconfig'
	@scripts/pkgconfig.sh '$(CURDIR)' '$(RELEASE)' '$(INCLUDE)' >'$(RELEASE)/pkgconfig/crtx.pc'
