#!/usr/bin/python3
"""Whether several builds of the lab give the SDK's examples the same marks, also while the computer has other work.

    same_marks.py ALLOCLAB [ALLOCLAB...]

Builds the programs once, with the first. Each build grades them twice: alone, and beside two busy loops for each processor. All
reports must be the same, byte for byte. Exit code 1 if one is not; says SKIPPED where no compiler for the i386 is."""

import hashlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "sdk" / "examples"
NO_HEAPS = {"kalloc.c", "first_fit.rs"}  # the lab's own assignment is for heaps; Rust needs a compiler of its own


def run(*command):
    ended = subprocess.run([str(part) for part in command], capture_output=True, text=True, timeout=1800)
    if ended.returncode != 0:
        sys.exit(f"same_marks.py: {command}: exit code {ended.returncode}\n{ended.stdout}{ended.stderr}")
    return ended.stdout


def report(alloclab, programs, loops):
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        return run(alloclab, "grade", *programs, "--output", "json")
    finally:
        for process in busy:
            process.kill()
            process.wait()


def main(builds):
    if subprocess.run([builds[0], "guest", "build", "--show-command"], capture_output=True).returncode != 0:
        print("SKIPPED: no compiler for the i386")
        return
    with tempfile.TemporaryDirectory() as folder:
        programs = []
        for source in sorted(source for source in EXAMPLES.iterdir() if source.name not in NO_HEAPS):
            programs.append(pathlib.Path(folder) / f"{source.stem}.elf")
            run(builds[0], "guest", "build", source, "-o", programs[-1])
        reports = []
        for build in builds:
            for loops in (0, 2 * os.cpu_count()):
                reports.append(report(build, programs, loops))
                digest = hashlib.sha256(reports[-1].encode()).hexdigest()[:12]
                print(f"{digest}  {build}, beside {loops} busy loops", flush=True)
    for grade in json.loads(reports[0])["grades"]:
        print(f"{grade['total']:7.3f}  {pathlib.Path(grade['program']).name}")
    differing = sum(one != reports[0] for one in reports)
    print(f"{len(reports)} reports, {differing} differ")
    sys.exit(1 if differing else 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(sys.argv[1:])
