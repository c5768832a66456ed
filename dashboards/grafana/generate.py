#!/usr/bin/python3
"""Writes json/*.json from dashboards.py. With --check: writes nothing, and fails if what is there differs."""

import json
import pathlib
import sys

from dashboards import all_dashboards

FOLDER = pathlib.Path(__file__).resolve().parent / "json"


def main():
    check = sys.argv[1:] == ["--check"]
    if sys.argv[1:] and not check:
        sys.exit(f"usage: {sys.argv[0]} [--check]")
    expected = {name: json.dumps(content, indent=1) + "\n" for name, content in all_dashboards().items()}
    present = {path.name: path.read_text() for path in FOLDER.glob("*.json")}
    if check and present != expected:
        differing = sorted(name for name in expected.keys() | present.keys() if expected.get(name) != present.get(name))
        sys.exit(f"{FOLDER}: not what generate.py makes: {', '.join(differing)}")
    if not check:
        FOLDER.mkdir(exist_ok=True)
        for name in present.keys() - expected.keys():
            (FOLDER / name).unlink()
        for name, text in expected.items():
            (FOLDER / name).write_text(text)
    print(f"{len(expected)} dashboards, {sum(len(d['panels']) for d in all_dashboards().values())} panels and rows")


if __name__ == "__main__":
    main()
