#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Every crate that the library is built of comes from crates.io, under a licence that deny.toml allows.
# (cargo-deny checks more, advisories above all, where it is installed: `cargo deny check`.)
set -euo pipefail
cd "$(dirname "$0")/.."

cargo=${CARGO:-cargo}
allowed=$(sed -n 's/^allow = \[\(.*\)\]$/\1/p' deny.toml | tr -d '",')
banned=$(sed -n 's/^deny = \[\(.*\)\]$/\1/p' deny.toml | tr -d '",')
problems=0

# In "A OR B" one must be allowed, in "A AND B" each.
is_allowed() {
  local expression=$1 part
  expression=${expression//\// OR }
  expression=${expression//[()]/}
  while IFS= read -r part; do
    local any=no choice
    while IFS= read -r choice; do
      choice=${choice# }
      choice=${choice% }
      case " $allowed " in *" $choice "*) any=yes ;; esac
    done < <(printf '%s\n' "${part// OR /$'\n'}")
    [ "$any" = yes ] || return 1
  done < <(printf '%s\n' "${expression// AND /$'\n'}")
}

count=0
while IFS='|' read -r crate licence; do
  count=$((count + 1))
  licence=${licence% (\*)}
  if ! is_allowed "$licence"; then
    echo "$crate: deny.toml does not allow the licence \"$licence\"" >&2
    problems=$((problems + 1))
  fi
  case " $banned " in *" ${crate%% *} "*)
    echo "$crate: deny.toml bans it" >&2
    problems=$((problems + 1))
    ;;
  esac
done < <("$cargo" tree --locked --quiet --all-features --target all -e normal,build --prefix none --format '{p}|{l}' | sort -u)

if grep '^source = ' Cargo.lock | grep -v '^source = "registry+https://github.com/rust-lang/crates.io-index"$'; then
  echo "Cargo.lock: a crate does not come from crates.io" >&2
  problems=$((problems + 1))
fi
[ "$problems" -eq 0 ] || exit 1
echo "dependencies: $count crates, all from crates.io under licences that deny.toml allows"
