# SPDX-License-Identifier: MIT OR Apache-2.0
"""Completions for fish."""

from __future__ import annotations

from crtx.cli.completion import Node, Option

_HEAD = """\
# fish completion for crtx; made by `crtx completion fish`
function __crtx_at -d 'Whether the words so far lead to this command'
    set -l path
    for word in (commandline -opc)[2..-1]
        switch $word
            case '--'
                set -a path --
                break
            case '-*'
                continue
            case '*'
                set -a path $word
        end
    end
    set -l count (count $argv)
    test (count $path) -ge $count
    and test \"$path[1..$count]\" = \"$argv\"
    and not contains -- -- $path
end
function __crtx_choosing -d 'Whether the next word is a subcommand of this one'
    set -l path
    for word in (commandline -opc)[2..-1]
        string match -q -- '-*' $word
        or set -a path $word
    end
    test \"$path\" = \"$argv\"
end
function __crtx_after_dashes -d 'Whether another program follows'
    contains -- -- (commandline -opc)
end
function __crtx_of_other -d 'What the program after -- would be completed with'
    set -l words (commandline -opc)
    set -l place (contains -i -- -- $words)
    set -l rest $words[(math $place + 1)..-1]
    complete -C (string join ' ' -- (string escape -- $rest) (commandline -ct))
end
complete -c crtx -f
complete -c crtx -n __crtx_after_dashes -a '(__crtx_of_other)'
"""


def script(root: Node) -> str:
    return _HEAD + "".join(line + "\n" for line in _lines(root))


def _lines(node: Node) -> list[str]:
    here = " ".join(node.path)
    at = f"-n '__crtx_at {here}'" if here else "-n '__crtx_choosing'"
    lines = [
        f"complete -c crtx -n '__crtx_choosing {here}'".replace(" '", " '").rstrip()
        + f" -a {child.path[-1]} -d '{_plain(child.summary)}'"
        for child in node.children
    ]
    for option in node.options:
        names = " ".join(_switch(name) for name in option.names)
        lines.append(f"complete -c crtx {at} {names}{_value(option)} -d '{_plain(option.summary)}'")
    if node.positional is not None and not node.children:
        lines.append(f"complete -c crtx {at}{_positional(node.positional)}")
    for child in node.children:
        lines += _lines(child)
    return lines


def _plain(text: str) -> str:
    return text.replace("'", "").replace("`", "")


def _switch(name: str) -> str:
    return f"-l {name[2:]}" if name.startswith("--") else f"-s {name[1:]}"


def _value(option: Option) -> str:
    if option.value == "words":
        return f" -x -a '{' '.join(option.words)}'"
    return {
        "files": " -r -F",
        "directories": " -x -a '(__fish_complete_directories)'",
        "text": " -x",
    }.get(option.value, "")


def _positional(option: Option) -> str:
    if option.value == "words":
        return f" -a '{' '.join(option.words)}'"
    return " -F" if option.value == "files" else ""
