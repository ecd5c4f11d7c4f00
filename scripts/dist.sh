#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Writes the release files of the commit that is checked out: the source archive, the bill of materials,
# and their checksums. Usage: scripts/dist.sh TARGET-DIRECTORY (which has crtx.cdx.json: `make sbom`)
set -euo pipefail
cd "$(dirname "$0")/.."

target=$1
dist=$target/dist
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
name=libcrtx-$version

rm -rf "$dist"
mkdir -p "$dist"
# The archive's times are the commit's; gzip without its own.
git archive --format=tar --prefix="$name/" HEAD | gzip -9 -n >"$dist/$name.tar.gz"
cp "$target/crtx.cdx.json" "$dist/$name.cdx.json"
(cd "$dist" && sha256sum "$name.tar.gz" "$name.cdx.json" >SHA256SUMS)
echo "dist: $(cd "$dist" && echo *)"
