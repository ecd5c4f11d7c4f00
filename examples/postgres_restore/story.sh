#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The story itself: story.sh DIRECTORY. The first promise that does not hold ends it with 1.
set -Eeuo pipefail

place=$1
rows=300000
data=$place/data
backup=$place/backup
marker=$place/ledger.restore # beside the data directory: what is in it, a restore replaces
keys=$place/keys
# What crtx runs under the lock: the very process that writes.
writer=(python3 "$place/program/restore.py"
  "$data" "$backup" "$place/restore.intent.json" "$keys/operator.pub")
log=$place/log
half=$place/half-way
export LC_ALL=C PGHOST=$place/socket PGUSER=postgres PGDATABASE=postgres
export CRTX_LIBRARY=$place/program/libcrtx.so PYTHONPATH=$place/program PYTHONDONTWRITEBYTECODE=1
# Debian keeps the server's programs out of PATH, in a directory for each version.
initdb=$(command -v initdb || printf '%s\n' /usr/lib/postgresql/*/bin/initdb | sort -V | tail -n 1)
PATH=$place/bin:${initdb%/*}:$PATH

# -- what is shown ---------------------------------------------------------------------------------

steps=0
shown=0

grouped() { sed -E ':again; s/([0-9])([0-9]{3})\b/\1,\2/; t again' <<<"$1"; }
step() { printf '%2d  %-12s %s\n' "$((steps += 1))" "$1" "$2"; }
line() { printf '%17s%s\n' '' "$1"; }
# From standard input, as wide as the page.
paragraph() { fold -s -w 63 | sed 's/^/                 /; s/ *$//'; }
shows() {
  shown=$((shown + 1))
  line "ok  $1"
}
# fails WHAT: it is not so.
fails() {
  echo "NOT SO: $1" >&2
  [ ! -s "$log" ] || sed 's/^/  log: /' "$log" | tail -n 30 >&2
  printf '\n%s passed, 1 failed\n' "$shown"
  exit 1
}
# expect_status WANTED WHAT COMMAND...: what it writes is in $log.
expect_status() {
  local wanted=$1 what=$2 status=0
  shift 2
  "$@" >"$log" 2>&1 || status=$?
  [ "$status" -eq "$wanted" ] || fails "$what (exit status $status instead of $wanted)"
}

status_name() { grep -o -m 1 'CRTX_E_[A-Z_]*' "$log"; }

# The same facts for both locks: postmaster.pid is PostgreSQL's own, the marker is ours.
show_both_locks() {
  local process who=free state pid
  if [ -e "$data/postmaster.pid" ]; then
    process=$(head -n 1 "$data/postmaster.pid")
    who="held by process $process"
    kill -0 "$process" 2>/dev/null || who="process $process, which is dead: free for the next start"
  fi
  read -r state pid < <(crtx inspect --json "$marker" |
    sed -E 's/.*"state": "([a-z]+)", "marker": (null|.*"pid": ([0-9]+)).*/\1 \3/')
  case $state in
    absent) state='no marker' ;;
    held) state="held by process $pid" ;;
    stale) state="stale, left by process $pid" ;;
  esac
  line "$(printf '%-11s %-15s %s' PostgreSQL postmaster.pid "$who")"
  line "$(printf '%-11s %-15s %s' libcrtx "$(basename "$marker")" "$state")"
}

# -- the server ------------------------------------------------------------------------------------

# start_unguarded DIRECTORY
start_unguarded() {
  pg_ctl start -s -w -t 30 -D "$1" -l "$place/server.log" \
    -o "-c listen_addresses='' -k '$place/socket' -c max_wal_size=8MB"
}
stop() { pg_ctl stop -s -w -t 30 -m fast -D "$1"; }

# begin: open
# Look, start, look again. The first look keeps PostgreSQL off a cluster that is half-written, which
# it would recover; the second finds a restore that began before postmaster.pid was there. From then
# on the restore finds that. A service manager has the looks before and after the start.
start_guarded() {
  crtx inspect --check "$marker" || return
  start_unguarded "$data" || return
  crtx inspect --check "$marker" && return
  stop "$data"
  return 1
}
# end: open

# Each argument is one statement, and a transaction of its own.
ask() {
  local statement
  for statement; do psql -X -q -A -t -v ON_ERROR_STOP=1 -c "$statement"; done
}
census() { ask "SELECT count(*), sum(cents), md5(string_agg(memo, '' ORDER BY id)) FROM entry"; }

# -- the restore tool ------------------------------------------------------------------------------

server_runs() { pg_ctl status -D "$data" >/dev/null; }

# begin: hold
# The look before the lock spares an operator's signature where a server runs; the look that counts
# is restore.py's, under the lock. --leak-on-failure: a restore that fails keeps its marker.
restore() {
  if server_runs; then
    echo "restore: the server runs: $(pg_ctl status -D "$data" | head -n 1)"
    return 75
  fi
  restore_under_lock "$@"
}

restore_under_lock() {
  crtx hold "$marker" --deployment-id ledger-production --public-key "$keys/operator.pub" \
    --intent "$place/restore.intent.json" --leak-on-failure -- "${writer[@]}" "$@"
}
# end: hold

# begin: takeover
# Both are given the directory with the attestation.
restore_by_takeover() {
  crtx takeover "$marker" --attestation "$1/ledger.restore.attestation.json" \
    --deployment-id ledger-production --public-key "$keys/operator.pub" \
    --intent "$place/restore.intent.json" --leak-on-failure -- "${writer[@]}"
}

quarantine() {
  crtx quarantine "$marker" --attestation "$1/ledger.restore.attestation.json" \
    --deployment-id ledger-production --public-key "$keys/operator.pub"
}
# end: takeover

# begin: attest
# attest WHO DIRECTORY: an operator signs, at a machine of hers, for the marker that is there now.
attest() {
  mkdir "$2"
  crtx attest "$marker" --seed "$keys/$1.seed" --output-dir "$2" --yes \
    --justification 'the restore was killed; nobody else is at work'
}
# end: attest

# -- the story -------------------------------------------------------------------------------------

build() {
  mkdir "$place/bin" "$place/socket" "$keys" "$backup"
  printf '#!/bin/sh\nexec python3 -m crtx "$@"\n' >"$place/bin/crtx"
  chmod 700 "$place/bin/crtx" "$place/socket" "$keys"
  expect_status 0 "initdb" initdb -D "$data" -U postgres --auth=trust --encoding=UTF8 \
    --locale=C --wal-segsize=1 --no-sync
  expect_status 0 "the server starts" start_guarded
  ask "CREATE TABLE entry (id int PRIMARY KEY, cents bigint NOT NULL, memo text NOT NULL)" \
    "INSERT INTO entry SELECT i, i::bigint * 104729 % 1000003,
       'checked by clerk ' || i % 97 || ' and booked the same day, as it should be'
     FROM generate_series(1, $rows) AS i" \
    "VACUUM (FREEZE, ANALYZE) entry"
  whole=$(census)
  stop "$data"
  step Build "$(grouped "$rows") rows in a cluster of $(du -sm "$data" | cut -f 1) MiB"
}

# Cold: the files of a stopped cluster, with the write-ahead log apart, and a manifest of all.
back_up() {
  tar --sort=name --exclude=./pg_wal -C "$data" -cf "$backup/base.tar" .
  tar --sort=name -C "$data/pg_wal" -cf "$backup/pg_wal.tar" .
  (cd "$data" && find . -type f -printf '%P\0' | sort -z | xargs -0 sha256sum) \
    >"$backup/manifest.sha256"
  step "Back up" "the files of the stopped cluster, $(wc -l <"$backup/manifest.sha256") of them"
}

# begin: intent
authorize() {
  crtx keygen "$keys/operator"
  crtx intent build --seed "$keys/operator.seed" --yes --output-dir "$place" "$@"
  crtx intent verify --public-key "$keys/operator.pub" --intent "$place/restore.intent.json" "$@"
}
# end: intent

authorize_restore() {
  expect_status 0 "an intent is signed and verified" authorize \
    --deployment-id ledger-production --active-db "$data" --active-event-log "$data/pg_wal" \
    --backup-manifest "$backup/manifest.sha256" --staged-sqlite "$backup/base.tar" \
    --staged-jsonl "$backup/pg_wal.tar"
  step Authorize "restore intent signed and verified: $(grep -o -m 1 'blake3:.\{12\}' "$log")..."
  expect_status 0 "another key" crtx keygen "$keys/intruder"
}

damage() {
  start_guarded >/dev/null
  ask "DELETE FROM entry WHERE id % 4 <> 0" "VACUUM (FREEZE) entry"
  [ "$(ask 'SELECT count(*) FROM entry')" -eq $((rows / 4)) ] || fails "three of four rows are gone"
}

# The server still runs after the damage.
restore_beside_server() {
  local before
  damage
  before=$(census)
  step "In use" "after a bad clean-up job; the server is up"
  show_both_locks
  expect_status 75 "a restore is refused" restore
  [ ! -e "$marker" ] || fails "there is no marker"
  shows "a restore is refused, by PostgreSQL's own lock:"
  paragraph <"$log"
  expect_status 75 "under the lock" restore_under_lock
  [ "$(census)" = "$before" ] || fails "nothing was written"
  shows "one that came past that look is refused under libcrtx's lock; nothing is written:"
  grep '^restore: ' "$log" | paragraph
  expect_status 20 "its marker" crtx inspect --check "$marker"
  expect_status 0 "an attestation" attest operator "$place/unharmed"
  expect_status 0 "quarantine" quarantine "$place/unharmed"
  shows "it failed, so its marker stays, until the operator signs that all is well"
}

show_content() {
  expect_status 0 "the guarded start" start_guarded
  [ "$(census)" = "$whole" ] || fails "every row is as before"
  stop "$data"
  shows "the guarded start lets us in: $(grouped "$rows") rows, sums and texts as before"
  expect_status 0 "the store is free" crtx inspect --check "$marker"
}

restore_normally() {
  stop "$data"
  step Restore "the same with the server stopped"
  expect_status 0 "restored" restore
  shows "every file is the backup's, by its manifest; the marker is gone"
  show_content
}

# As a tool leaves it that dies between the creation and the write. Without --leak-on-failure:
# nothing is written, so nothing is left to sign for.
refuse_empty_pid_file() {
  local before
  : >"$data/postmaster.pid"
  before=$(digest_of_files)
  expect_status 75 "an empty postmaster.pid" crtx hold "$marker" \
    --deployment-id ledger-production --public-key "$keys/operator.pub" \
    --intent "$place/restore.intent.json" -- "${writer[@]}"
  [ "$(digest_of_files)" = "$before" ] || fails "nothing was written"
  shows "an empty postmaster.pid, of nobody knows whom, is not replaced; nothing is written:"
  grep '^restore: postmaster.pid names no process' "$log" | paragraph
  rm "$data/postmaster.pid"
}
digest_of_files() { (cd "$data" && find . -type f -exec sha256sum {} + | sort | sha256sum); }

compare_with_backup() (
  cd "$data" && sha256sum -c --quiet "$backup/manifest.sha256"
)
mebibytes() { awk '{ printf "%d of %d", $1 / 1048576, $2 / 1048576 }' "$1"; }

# In the background; it stops half-way, until $half is removed.
start_restore() {
  { restore --stop-half-way "$half" || exit; } >"$place/background" 2>&1 &
  for _ in $(seq 300); do [ -s "$half" ] && break || sleep 0.1; done
  [ -s "$half" ] || fails "the restore comes half-way"
}

crash() {
  local holder restorer files
  damage
  stop "$data"
  start_restore
  step Crash "another restore"
  show_both_locks
  holder=$(sed -n 's/^pid[^0-9]*//p' "$marker")
  restorer=$(head -n 1 "$data/postmaster.pid")
  try_against_live_holder
  kill -KILL "$holder"
  for _ in $(seq 100); do kill -0 "$restorer" 2>/dev/null || break; sleep 0.1; done
  ! kill -0 "$restorer" 2>/dev/null || fails "the kernel kills restore.py with crtx"
  wait || true
  line "SIGKILL of crtx, and so of restore.py, after $(mebibytes "$half") MiB"
  expect_status 1 "it is half-written" compare_with_backup
  rm "$half"
  files=$(wc -l <"$backup/manifest.sha256")
  shows "half-written: $(grep -c FAILED "$log") of $files files are not the backup's"
}

try_against_live_holder() {
  # Straight to crtx: the look before it would find restore.py's postmaster.pid already.
  expect_status 20 "a second restore" crtx hold "$marker" --deployment-id ledger-production \
    --public-key "$keys/operator.pub" --intent "$place/restore.intent.json" -- false
  shows "a second restore meanwhile is refused: $(status_name), held"
  expect_status 21 "a guarded start" start_guarded
  shows "a guarded start meanwhile is refused"
  expect_status 1 "an unguarded start" start_unguarded "$data"
  grep -q 'lock file "postmaster.pid" already exists' "$place/server.log" || fails "it says why"
  shows "one that does not look is refused too, by postmaster.pid, while restore.py lives"
  expect_status 0 "an attestation" attest operator "$place/too-early"
  expect_status 21 "a takeover" restore_by_takeover "$place/too-early"
  shows "a signed takeover meanwhile is refused: $(status_name)"
}

refuse() {
  step Refused "until an operator has signed"
  expect_status 20 "the next restore" restore
  shows "the next restore is refused:"
  head -n 1 "$log" | paragraph
  expect_status 20 "the guarded start" start_guarded
  shows "the guarded start is refused:"
  head -n 1 "$log" | paragraph
}

# On a copy, so that the takeover finds what the crash has left.
show_that_postgres_is_not_enough() {
  local copy=$place/copy found
  step "Unguarded" "on a copy: the lock of a dead process is no lock to PostgreSQL"
  show_both_locks
  cp -a "$data" "$copy"
  expect_status 0 "an unguarded start" start_unguarded "$copy"
  shows "a start that does not look succeeds, and says nothing"
  if ask "SELECT count(*) FROM entry" >"$log" 2>&1; then
    found="$(grouped "$(cat "$log")") rows"
  else
    found=$(head -n 1 "$log")
  fi
  [ "$found" != "$(grouped "$rows") rows" ] || fails "the cluster is not whole"
  shows "what it serves is neither the backup nor what was there: $found"
  pg_ctl stop -s -w -t 30 -m immediate -D "$copy"
}

take_over() {
  step "Take over" "on the operator's attestation for this very marker"
  expect_status 0 "an attestation" attest intruder "$place/wrong"
  expect_status 62 "a wrong one" restore_by_takeover "$place/wrong"
  shows "signed by another key: $(status_name)"
  expect_status 0 "an attestation" attest operator "$place/right"
  expect_status 0 "verify" crtx takeover "$marker" --dry-run --deployment-id ledger-production \
    --attestation "$place/right/ledger.restore.attestation.json" \
    --public-key "$keys/operator.pub" --intent "$place/restore.intent.json"
  expect_status 0 "the right one" restore_by_takeover "$place/right"
  shows "signed by the operator: accepted, and restored to the end"
  show_content
}

remove_marker_under_a_restore() {
  local status=0
  damage
  stop "$data"
  start_restore
  step Meddling "somebody deletes the marker while a restore is at work"
  rm "$marker" "$half"
  wait $! || status=$?
  expect_status 1 "restore.py stops, and the cluster is half-written" compare_with_backup
  cp "$place/background" "$log"
  [ "$status" -eq 23 ] || fails "crtx says that the lock was lost (exit status $status)"
  shows "restore.py stops, and crtx ends with $(status_name):"
  grep '^restore: ' "$log" | paragraph
  expect_status 0 "restored" restore
  shows "no marker closes the half-written cluster, so it is restored again at once"
  show_content
}

audit() {
  step Audit "what stays beside the store"
  expect_status 0 "the evidence" crtx evidence verify "$marker" --public-key "$keys/operator.pub"
  [ "$(grep -c '^HOLDS' "$log")" -eq 2 ] || fails "as much evidence as attestations were used"
  sed -n 's/^HOLDS  *//p' "$log" | while read -r kept; do line "$(basename "$kept")"; done
  shows "the operator signed for both"
  expect_status 62 "with another key" \
    crtx evidence verify "$marker" --public-key "$keys/intruder.pub"
}

trap 'fails "line $LINENO: $BASH_COMMAND"' ERR
# No server outlives the story.
stop_all() {
  for each in "$data" "$place/copy"; do
    pg_ctl stop -s -m immediate -D "$each" >/dev/null 2>&1 || true
  done
}
trap stop_all EXIT
version=$(postgres --version | grep -o '[0-9][0-9.]*' | head -n 1)
printf 'PostgreSQL: a restore that dies half-way, with %s and PostgreSQL %s\n\n' \
  "$(python3 -m crtx --version | grep -o 'libcrtx [0-9.]*')" "$version"
build
back_up
authorize_restore
restore_beside_server
restore_normally
refuse_empty_pid_file
crash
refuse
show_that_postgres_is_not_enough
take_over
remove_marker_under_a_restore
audit
printf '\n%s passed, 0 failed\n' "$shown"
