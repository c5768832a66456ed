#!/usr/bin/python3
"""Man pages and a completion script out of what the programs say of themselves.

    man_pages.py VERSION ALLOCLAB ALLOCLABD DIRECTORY

Writes alloclab.1.gz, with every command, alloclabd.8.gz and alloclab.bash."""

import gzip
import os
import pathlib
import re
import subprocess
import sys


def said(*command):
    environment = {**os.environ, "COLUMNS": "72", "NO_COLOR": "1"}  # man indents
    for name in [name for name in environment if name.startswith("ALLOCLAB_")]:
        del environment[name]  # they would be shown as defaults
    return subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout


def escaped(line):
    text = line.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def verbatim(text):
    return [".nf", *map(escaped, text.strip("\n").split("\n")), ".fi"]


def subcommands(text):
    """The names under "Commands:" or "Subcommands:"."""
    found = re.search(r"^(?:Commands|Subcommands):\n((?:  .*\n?)+)", text, re.M)
    return re.findall(r"^  ([a-z][a-z-]*) ", found.group(1), re.M) if found else []


def sections(program, words):
    """(words of a command, its help), of that command and all below it."""
    text = said(program, *words, "--help")
    yield words, text
    for name in subcommands(text):
        if name not in ("help", "version"):
            yield from sections(program, [*words, name])


def page(program, name, section, version, summary):
    title = f'.TH {name.upper()} {section} "" "alloclab {version}" "alloclab"'
    lines = [title, ".SH NAME", f"{name} \\- {escaped(summary)}", ".SH SYNOPSIS", f".B {name}", escaped("COMMAND [OPTIONS]")]
    first = True
    for words, text in sections(program, []):
        lines += [".SH DESCRIPTION"] if first else [f".SH {escaped(' '.join([name, *words]).upper())}"]
        lines += verbatim(text)
        first = False
    other = "alloclabd (8)" if section == 1 else "alloclab (1)"
    lines += [".SH SEE ALSO", f".BR {other}", ".br", escaped("/usr/share/doc/alloclab")]
    return "\n".join(lines) + "\n"


def main(version, alloclab, alloclabd, directory):
    to = pathlib.Path(directory)
    to.mkdir(parents=True, exist_ok=True)
    pages = {
        "alloclab.1": page(alloclab, "alloclab", 1, version, "the command line of the memory allocator lab"),
        "alloclabd.8": page(alloclabd, "alloclabd", 8, version, "the server of the memory allocator lab"),
    }
    for name, text in pages.items():
        (to / f"{name}.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    (to / "alloclab.bash").write_text(said(alloclab, "completion", "bash"))


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
