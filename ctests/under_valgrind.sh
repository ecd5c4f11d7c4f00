#!/bin/sh
# SPDX-License-Identifier: MIT OR Apache-2.0
# under_valgrind.sh LOG-DIRECTORY PROGRAM: runs one test program under memcheck. It fails for an error,
# for a definite leak, and for a descriptor left open at the end.
#
# Possible leaks are shown but do not fail: a child that was forked beside other threads has their
# stacks as such (see valgrind.supp too). Errors in forked children count, as they change the child's exit status, which the
# tests check. Programs that the tests execute run without valgrind. Nothing has to be skipped: valgrind
# makes forks of vfork and of raw clone, and the children still answer as unseen ones.
set -eu

log=$1/$(basename -- "$2").memcheck
rm -f -- "$log".*

valgrind -q --log-file="$log.%p" --leak-check=full --show-leak-kinds=definite,possible \
    --errors-for-leak-kinds=definite --error-exitcode=9 \
    --suppressions="$(dirname -- "$0")/valgrind.supp" --track-fds=yes --fair-sched=yes "$2" &
main=$!
result=0
wait "$main" || result=$?

# Only the program itself: its children may end as a crashed holder does, with everything open.
awk '/Open (file descriptor|AF_)/ {
         what = $0
         getline
         if ($0 !~ /<inherited from parent>/) { print "left open: " what; left = 1 }
     }
     END { exit left }' "$log.$main" || result=9

if [ "$result" -ne 0 ]; then
    grep -lE 'Invalid|ninitialised|lost in loss record|Syscall param|Mismatched|overlap' "$log".* |
        while read -r file; do cat "$file"; done
fi
exit "$result"
