# SPDX-License-Identifier: MIT OR Apache-2.0
"""Completions for zsh, on top of its own ``_arguments``."""

from __future__ import annotations

from crtx.cli.completion import Node, Option

_HEAD = """\
#compdef crtx
# zsh completion for crtx; made by `crtx completion zsh`
"""

# Autoloaded from fpath the file is the function's body; sourced, it has to announce itself.
_TAIL = """\
if [[ $funcstack[1] == _crtx ]]; then
  _crtx_root "$@"
else
  compdef _crtx_root crtx
fi
"""


def script(root: Node) -> str:
    return _HEAD + "\n".join(_functions(root)) + "\n" + _TAIL


def _name(node: Node) -> str:
    return "_crtx_" + "_".join(node.path or ["root"])


def _functions(node: Node) -> list[str]:
    lines: list[str] = []
    for child in node.children:
        lines += _functions(child)
    lines += [f"{_name(node)}() {{", "  local state line context", "  typeset -A opt_args"]
    specs = [spec for option in node.options for spec in _specs(option)]
    if node.children:
        specs += ["'1: :->command'", "'*:: :->rest'"]
    elif node.runs_another:
        # `*::` would end the options; a dash alone begins COMMAND's own words.
        lines += [
            "  integer dashes=${words[(I)--]}",
            "  if ((dashes && CURRENT > dashes)); then",
            "    shift dashes words",
            "    ((CURRENT -= dashes))",
            "    _normal",
            "    return",
            "  fi",
        ]
        specs.append(f"'*:{_positional(node)}'")
    elif node.positional is not None:
        specs.append(f"'*:{_positional(node)}'")
    lines.append("  _arguments -S \\")
    lines.append(" \\\n".join(f"    {spec}" for spec in specs))
    if node.children:
        lines += ["  case $state in", "    command)", "      local -a commands=("]
        lines += [f"        '{child.path[-1]}:{_plain(child.summary)}'" for child in node.children]
        lines += [
            "      )",
            "      _describe command commands ;;",
            "    rest)",
            "      case $line[1] in",
        ]
        lines += [f"        {child.path[-1]}) {_name(child)} ;;" for child in node.children]
        lines += ["      esac ;;", "  esac"]
    return [*lines, "}"]


def _plain(text: str) -> str:
    return text.replace("'", "").replace("`", "").replace(":", "")


def _positional(node: Node) -> str:
    option = node.positional
    return " :" if option is None else f" :{_action(option)}"


def _specs(option: Option) -> list[str]:
    value = f": :{_action(option)}" if option.value else ""
    return [f"'*{name}[{_plain(option.summary)}]{value}'" for name in option.names]


def _action(option: Option) -> str:
    if option.value == "words":
        return f"({' '.join(option.words)})"
    return {"files": "_files", "directories": "_files -/"}.get(option.value, "")
