#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# A restore of a PostgreSQL cluster under `crtx hold` that is killed half-way, and what may and may
# not follow. As root it becomes the user postgres (or nobody): a server does not run as root.
# CRTX_LIBRARY is libcrtx.so, by its absolute path.
set -euo pipefail

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
# Not in TMPDIR: the path of a server's socket may have 107 bytes.
place=$(mktemp -d /tmp/crtx-demo-XXXXXX)
trap 'rm -rf "$place"' EXIT

# A copy of what is needed: that user may not be able to enter this checkout.
mkdir "$place/program"
cp "$here/story.sh" "$here/restore.py" "$place/program/"
cp -r "$here/../../bindings/python/src/crtx" "$place/program/"
cp "$CRTX_LIBRARY" "$place/program/libcrtx.so"

as_user=()
if [ "$(id -u)" -eq 0 ]; then
  user=postgres
  id "$user" >/dev/null 2>&1 || user=nobody
  chown -R "$user" "$place"
  as_user=(runuser -u "$user" --)
fi
# Should the story be killed, its server finds postmaster.pid gone, and ends within a minute.
cd "$place"
"${as_user[@]}" timeout -k 5 100 bash "$place/program/story.sh" "$place"
