# SPDX-License-Identifier: MIT OR Apache-2.0
"""Completions for bash. They need bash alone, not the bash-completion package."""

from __future__ import annotations

import shlex

from crtx.cli.completion import Node, Option

_HEAD = """\
# bash completion for crtx; made by `crtx completion bash`
_crtx_files() {
  compopt -o filenames 2>/dev/null
  mapfile -t COMPREPLY < <(compgen "$1" -- "$current")
}
_crtx_words() { mapfile -t COMPREPLY < <(compgen -W "$1" -- "$current"); }
_crtx() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]}
  local command= place word
  COMPREPLY=()
  for ((place = 1; place < COMP_CWORD; place++)); do
    word=${COMP_WORDS[place]}
    case $command$word in
"""

_TAIL = """\
  esac
}
complete -F _crtx crtx
"""


def script(root: Node) -> str:
    lines = [_HEAD.rstrip("\n")]
    nodes = _all(root)
    lines += [
        f"      {_key(node)[:-1]}) command={shlex.quote(_key(node))} ;;"
        for node in nodes
        if node.path
    ]
    runners = "|".join(_key(node) + "--" for node in nodes if node.runs_another)
    lines += [
        f"      {runners})",
        "        # What follows is another program's: its name, then files.",
        "        if ((COMP_CWORD == place + 1)); then _crtx_files -c; else _crtx_files -f; fi",
        "        return ;;",
        "    esac",
        "  done",
        "  case $command$previous in",
    ]
    for node in nodes:
        for option in node.options:
            if option.value:
                pattern = "|".join(_key(node) + name for name in option.names)
                lines.append(f"    {pattern}) {_action(option)}; return ;;")
    lines += ["  esac", "  case $command in"]
    for node in nodes:
        words = [name for option in node.options for name in option.names]
        children = [child.path[-1] for child in node.children]
        lines.append(f"    {shlex.quote(_key(node))})")
        lines.append(
            f"      if [[ $current == -* ]]; then _crtx_words {shlex.quote(' '.join(words))}"
        )
        if children:
            lines.append(f"      else _crtx_words {shlex.quote(' '.join(children))}; fi ;;")
        elif node.positional is not None:
            lines.append(f"      else {_action(node.positional)}; fi ;;")
        else:
            lines.append("      fi ;;")
    return "\n".join(lines) + "\n" + _TAIL


def _all(node: Node) -> list[Node]:
    return [node, *(found for child in node.children for found in _all(child))]


def _key(node: Node) -> str:
    """What the script keeps to know where it is: ``intent/build/``."""
    return "".join(f"{name}/" for name in node.path)


def _action(option: Option) -> str:
    if option.value == "words":
        return f"_crtx_words {shlex.quote(' '.join(option.words))}"
    return {"files": "_crtx_files -f", "directories": "_crtx_files -d"}.get(option.value, ":")
