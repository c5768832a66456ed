#!/usr/bin/python3
"""Fails unless for every alert of alloclab.rules.yml alloclab.rules.test.yml has a case in which it fires and a silent one, and
docs/runbook.md a section of its name."""

import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent
RUNBOOK = FOLDER.parent.parent / "docs" / "runbook.md"


def cases(text):
    """(alert, whether it is expected to fire) of every case, in the order of the file."""
    for line, following in zip(text, text[1:] + [""]):
        if match := re.search(r"\balertname: (\w+)", line):
            yield match.group(1), following.strip() == "exp_alerts:"


def main():
    alerts = re.findall(r"- alert: (\w+)", (FOLDER / "alloclab.rules.yml").read_text())
    tested = set(cases((FOLDER / "alloclab.rules.test.yml").read_text().splitlines()))
    missing = [f"{alert}: no {'firing' if fires else 'silent'} case" for alert in alerts for fires in (True, False)
               if (alert, fires) not in tested]
    sections = set(re.findall(r"^### (AllocLab\w+)$", RUNBOOK.read_text(), re.M))
    missing += [f"{alert}: no section in {RUNBOOK.name}" for alert in alerts if alert not in sections]
    missing += [f"{section}: {RUNBOOK.name} has a section, there is no such alert" for section in sections - set(alerts)]
    print("\n".join(missing) or f"{len(alerts)} alerts, each with a firing and a silent case and a section in the runbook")
    return 1 if missing or not alerts else 0


if __name__ == "__main__":
    sys.exit(main())
