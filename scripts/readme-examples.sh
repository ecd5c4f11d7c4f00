#!/usr/bin/env bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# The pages tell the truth. In README.md, CONTRIBUTING.md, docs/embedding.md and the bindings' README.md
# - a code block whose preceding line is `<!-- test: FILE -->` is that file, but for its SPDX line,
#   and with `<!-- test: FILE#NAME -->` what is between the lines with "begin: NAME" and "end: NAME" in
#   it, but for common indentation (`make examples` and `make engines` compile and run the files);
#   every C, C++, Python and Go block has such a line;
# - every command of a `sh` block is one that .ci/run runs, or that scripts/readme-commands.txt
#   lists, one a line, each under a comment that says what covers it.
set -euo pipefail
cd "$(dirname "$0")/.."

covered=scripts/readme-commands.txt
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
problems=0

problem() {
  echo "$*" >&2
  problems=$((problems + 1))
}

# Splits a page into $work/block-N.text, and prints "N language file-or-dash line" for each.
split_blocks() {
  awk -v work="$work" '
    inside && /^[ ]*```[ ]*$/ { close(out); inside = 0; next }
    inside { print > out; next }
    /^[ ]*```[a-z+]/ {
      language = $0; sub(/^[ ]*```/, "", language); sub(/[^a-z+].*/, "", language)
      file = "-"
      if (previous ~ /<!-- test: [^ ]+ -->/) {
        file = previous; sub(/.*<!-- test: /, "", file); sub(/ -->.*/, "", file)
      }
      out = work "/block-" ++count ".text"; printf "" > out
      print count, language, file, NR
      inside = 1
    }
    { previous = $0 }
  ' "$1"
}

# What FILE, or FILE#NAME, has for a page. The file may show its SPDX line and the page leaves it out;
# the lines that mark other fragments are not shown either.
quoted() {
  local file=${1%%#*} name=
  [ "$file" = "$1" ] || name=${1#*#}
  awk -v name="$name" '
    function is_mark(kind) { return match($0, "(/\\*|//|#) " kind ": " name "( \\*/)?$") }
    name == "" { if (!/SPDX-License-Identifier/) print; next }
    is_mark("end") { inside = 0 }
    inside && !/(\/\*|\/\/|#) (begin|end): [a-z-]+( \*\/)?$/ {
      lines[++count] = $0
      match($0, /^ */)
      if ($0 != "" && (indent == "" || RLENGTH < indent)) indent = RLENGTH
    }
    is_mark("begin") { inside = 1 }
    END {
      while (count > 0 && lines[count] == "") count--
      for (i = 1; i <= count; i++) print substr(lines[i], indent + 1)
    }
  ' "$file"
}

check_same() {
  local block=$1 source=$2 where=$3
  if [ ! -f "${source%%#*}" ]; then
    problem "$where: there is no ${source%%#*}"
  elif [ -z "$(quoted "$source")" ]; then
    problem "$where: there is no $source"
  elif ! diff -u --label "$where" --label "$source" "$block" <(quoted "$source"); then
    problem "$where: the block is not $source"
  fi
}

is_covered() {
  grep -qxF -- "$1" "$work/covered" || grep -qxF -- "run $1" .ci/run
}

check_commands() {
  local block=$1 where=$2 command
  while IFS= read -r command; do
    command=${command#"${command%%[![:space:]]*}"}
    command=${command#'$ '}
    command=${command%%[[:space:]]#*}
    command=${command%"${command##*[![:space:]]}"}
    case $command in '' | '#'*) continue ;; esac
    printf '%s\n' "$command" >>"$work/commands"
    is_covered "$command" || problem "$where: CI does not run \"$command\" (see $covered)"
  done <"$block"
}

check_page() {
  local page=$1 number language file line
  while read -r number language file line; do
    local block=$work/block-$number.text where=$page:$line
    if [ "$file" != - ]; then
      check_same "$block" "$file" "$where"
    elif [[ " c cpp python go " == *" $language "* ]]; then
      problem "$where: a $language block without <!-- test: FILE --> on the line before"
    elif [ "$language" = sh ]; then
      check_commands "$block" "$where"
    fi
  done < <(split_blocks "$page")
}

touch "$work/commands"
grep -vE '^(#|$)' "$covered" >"$work/covered" || true
for page in README.md CONTRIBUTING.md docs/embedding.md bindings/*/README.md; do
  [ ! -f "$page" ] || check_page "$page"
done
while IFS= read -r command; do
  grep -qxF -- "$command" "$work/commands" || problem "$covered: no page has \"$command\" any more"
done <"$work/covered"

[ "$problems" -eq 0 ] || exit 1
echo "readme: code blocks are the files, $(sort -u "$work/commands" | wc -l) commands are covered"
