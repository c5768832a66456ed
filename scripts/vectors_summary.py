#!/usr/bin/python3
"""vectors_summary.py [ALLOCATOR=]RESULT.json...: how many vectors agree with their allocators, from the JSON files of Google Test.

Each case of a parameterised suite is one vector on one engine. Without ALLOCATOR the first word of a case's parameter names it.
Exit code 1 if one does not agree, or if a file holds no vector.
"""

import json
import sys


class Tally:
    def __init__(self):
        self.vectors = self.agree = self.left_out = 0

    def add(self, case):
        if case["result"] == "SKIPPED":
            self.left_out += 1
            return
        self.vectors += 1
        self.agree += "failures" not in case

    def __str__(self):
        return f"{self.agree} of {self.vectors}" if self.vectors else "-"


def cases_of(path):
    with open(path, encoding="utf-8") as file:
        suites = json.load(file)["testsuites"]
    return [case for suite in suites if "/" in suite["name"] for case in suite["testsuite"]]


def main():
    rows, missing = {}, []
    for argument in sys.argv[1:]:
        allocator, _, path = argument.rpartition("=")
        cases = cases_of(path)
        if not cases:
            missing.append(path)
        for case in cases:
            name = allocator or case["value_param"].split()[0].removesuffix("-oom")
            engine = "indexed" if "indexed" in case["name"].lower() else "literal"
            for row in (name, "ALL"):
                tallies = rows.setdefault(row, {"literal": Tally(), "indexed": Tally()})
                tallies[engine].add(case)

    total = rows.pop("ALL", {"literal": Tally(), "indexed": Tally()})
    print(f"{'allocator':20}{'literal':>12}{'indexed':>12}")
    for name, tallies in sorted(rows.items()) + [("all", total)]:
        print(f"{name:20}{str(tallies['literal']):>12}{str(tallies['indexed']):>12}")
    left_out = sum(tally.left_out for tally in total.values())
    if left_out:
        print(f"left out: {left_out}, which would take the literal engine minutes")
    for path in missing:
        print(f"{path} holds no vector", file=sys.stderr)
    return 1 if missing or any(tally.agree < tally.vectors for tally in total.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
