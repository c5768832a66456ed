#!/usr/bin/env python3
"""Lets clang analyse the use of locks (-Wthread-safety) wherever a build sees the project's Mutex; makes no code.

  scripts/check_locks.py BUILD_FOLDER

Exit codes: 0 no finding; 1 findings, which were printed; 2 wrong usage, or the build is not there.
"""
import concurrent.futures
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

MUTEX = "allocators/common/mutex.h"


def objects_with_locks(build):
    """The object files whose sources include the Mutex, by the dependencies that the build found."""
    listing = subprocess.run(["ninja", "-C", build, "-t", "deps"], capture_output=True, text=True, check=True).stdout
    objects, current = set(), None
    for line in listing.splitlines():
        if line and not line.startswith(" "):
            current = line.split(":")[0]
        elif line.strip().endswith(MUTEX):
            objects.add(current)
    return objects


def output_of(command):
    words = shlex.split(command["command"])
    return words[words.index("-o") + 1]


def flags_of(commands):
    """The language and the include folders of all commands: with one set of flags all sources share one precompiled header."""
    flags = {}
    for command in commands:
        words = shlex.split(command["command"])
        for i, word in enumerate(words):
            if word.startswith(("-I", "-D", "-std=")):
                flags[word] = None
            elif word == "-isystem":
                flags["-isystem" + words[i + 1]] = None
    return list(flags)


def includes_of(source):
    return re.findall(r'^#include ([<"][^>"]+[>"])', pathlib.Path(source).read_text(), re.MULTILINE)


def compiled_together(source):
    """The sources that one of CMake's unity builds includes; of any other, itself."""
    return [name.strip('"') for name in includes_of(source) if name.endswith('.cc"')] or [source]


def foreign_headers(sources):
    """What the sources include that is not the project's own, generated messages among it."""
    names = {name for source in sources for name in includes_of(source)}
    return sorted(name for name in names if not pathlib.Path(name.strip('<>"')).exists())


def main():
    if len(sys.argv) != 2 or not (pathlib.Path(sys.argv[1]) / "compile_commands.json").exists():
        print(__doc__, file=sys.stderr)
        return 2
    build = pathlib.Path(sys.argv[1])
    objects = objects_with_locks(build)
    commands = json.loads((build / "compile_commands.json").read_text())
    units = sorted({command["file"] for command in commands if output_of(command) in objects})
    sources = {source for unit in units for source in compiled_together(unit)}
    if not units:
        print(f"{build}: no source includes {MUTEX}; was it built?", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        header = pathlib.Path(folder) / "foreign.h"
        header.write_text("".join(f"#include {name}\n" for name in foreign_headers(sources)))
        clang = ["clang++", *flags_of(commands)]
        subprocess.run([*clang, "-x", "c++-header", header, "-o", f"{header}.pch"], check=True)

        def analyse(unit):
            checks = ["-include-pch", f"{header}.pch", "-fsyntax-only", "-Wthread-safety", "-Werror=thread-safety"]
            return subprocess.run([*clang, *checks, unit], capture_output=True, text=True, check=False)

        failed = 0
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            for result in pool.map(analyse, units):
                failed += result.returncode != 0
                sys.stderr.write(result.stderr)
    print(f"{len(sources)} sources in {len(units)} units see the Mutex, {failed} units use it wrongly")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
