#!/usr/bin/python3
"""What recording costs a program: time alone, recorded, and recorded with call stacks.

    recorder_overhead.py ALLOCLAB [--rounds 10] [--program NAME,...] [--json]

Runs real programs, each alone, by `alloclab record` and by `alloclab record --stacks`, in turn, so that what else the computer does hits all
three alike. Ratios are those of medians: of wall time, start and end of `alloclab record` included, and of the processor time of the
program itself, which other work on the computer changes less. Programs that allocate heavily ask or free more than a million times in a
second of processor time; the aims are 1.5 for these and 1.1 for the others, of wall time on a computer with nothing else to do and a second
processor for the recorder. Exit code 1: an aim is missed. Programs that are not installed are left out by name."""

import argparse
import json
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HEAVY_RATE = 1e6
AIMS = {True: 1.5, False: 1.1}

SQL = """CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c INTEGER);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<300000)
INSERT INTO t SELECT i, 'text '||(i*7919%100003)||' of a row', i%1009 FROM n;
CREATE INDEX t_b ON t(b); CREATE INDEX t_c ON t(c, b);
SELECT count(*), max(length(g)) FROM (SELECT c, group_concat(b, ';') AS g FROM t GROUP BY c);
UPDATE t SET b = upper(b) WHERE c%3=0; DELETE FROM t WHERE c%5=0;
SELECT count(DISTINCT substr(b, 1, 8)) FROM t;
"""
JSON_CHURN = """import json
rows = [{"name": f"row {i}", "group": i % 37, "tags": [f"t{i % 5}", f"t{i % 7}"], "at": [i, i + 0.5]} for i in range(4000)]
for _ in range(30):
    rows = json.loads(json.dumps(rows))
    groups = {}
    for row in rows:
        groups.setdefault(row["group"], []).append((row["name"], tuple(row["tags"])))
print(len(groups))
"""
PERL_CHURN = """my %h; for my $i (1..400000) { my $k = "key " . ($i * 7919 % 50021); push @{$h{$k}}, "value $i"; delete $h{"key " . ($i % 50021)} if $i % 3 == 0; }
print scalar(keys %h), "\\n";
"""


def c_source():
    """A program of many functions, for a compiler to work on."""
    functions = [f"int f{i}(int a, int *b) {{ int s = {i}; for (int k = 0; k < a; ++k) {{ s += b[k] * {i % 7 + 1} ^ (s >> {i % 5 + 1}); "
                 f"if (s > {i * 31}) b[k] = s - f{max(0, i - 1)}(a / 2, b); }} return s; }}" for i in range(1, 200)]
    return "int f0(int a, int *b) { return a ? b[0] : 0; }\n" + "\n".join(functions) + "\n"


def programs(folder):
    """Name: command and what its environment has more."""
    (folder / "churn.sql").write_text(SQL)
    (folder / "churn.py").write_text(JSON_CHURN)
    (folder / "churn.pl").write_text(PERL_CHURN)
    (folder / "many.c").write_text(c_source())
    (folder / "text").write_text("".join(f"{i * 7919 % 100003} of {i * i % 997}, a line of a text\n" for i in range(60_000)))
    repository = folder / "repository"
    git = ["git", "-C", str(repository), "-c", "user.name=lab", "-c", "user.email=lab@example.org"]
    if shutil.which("git"):
        subprocess.run(["git", "init", "-q", str(repository)], check=True)
        for i in range(20):
            for name in range(8):
                (repository / f"{name}.txt").write_text("".join(f"line {k * (i + name) % 4001}\n" for k in range(3000)))
            subprocess.run([*git, "add", "."], check=True)
            subprocess.run([*git, "commit", "-qm", f"change {i}"], check=True)
    cc1 = subprocess.run(["gcc", "-print-prog-name=cc1"], capture_output=True, text=True).stdout.strip() if shutil.which("gcc") else "cc1"
    return {
        "sqlite3": (["sqlite3", ":memory:", f".read {folder}/churn.sql"], {}),
        "python3, json": (["/usr/bin/python3", "-S", str(folder / "churn.py")], {"PYTHONMALLOC": "malloc"}),
        "perl, hashes": (["perl", str(folder / "churn.pl")], {}),
        "cc1 -O2": ([cc1, "-quiet", "-O2", str(folder / "many.c"), "-o", str(folder / "many.s")], {}),
        "git log -p": (["git", "--no-pager", "-C", str(repository), "log", "--stat", "-p", "--no-color"], {}),
        "sort": (["sort", "-k3", "-n", str(folder / "text")], {"LC_ALL": "C"}),
        "xz -6": (["xz", "-6", "-T1", "-k", "-c", str(folder / "text")], {}),
        "python3, its own allocator": (["/usr/bin/python3", "-S", str(folder / "churn.py")], {}),
    }


def run(prefix, command, environment):
    """Seconds of wall time, of the program's own processor time, and what was told on standard error."""
    timed = ["/bin/bash", "-c", "TIMEFORMAT='cpu %U %S'; time \"$@\"", "time", *command]
    begin = time.monotonic()
    ended = subprocess.run([*prefix, *timed], env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    seconds = time.monotonic() - begin
    times = re.search(r"^cpu ([\d.]+) ([\d.]+)$", ended.stderr, re.MULTILINE)
    if ended.returncode != 0 or times is None:
        sys.exit(f"recorder_overhead.py: {command}: exit code {ended.returncode}\n{ended.stderr}")
    return seconds, float(times[1]) + float(times[2]), ended.stderr


def measure(command, environment, record, rounds):
    """Times of each way, wall and processor, and how many operations were recorded in all files."""
    ways = {"alone": [], "recorded": [*record, "--"], "stacks": [*record, "--stacks", "--"]}
    times = {way: [] for way in ways}
    operations = 0
    for turn in range(rounds + 1):
        for way, prefix in ways.items():
            wall, cpu, told = run(prefix, command, environment)
            if turn > 0:  # the first fills caches
                times[way].append((wall, cpu))
            elif way == "recorded":
                operations = sum(int(count.replace(",", "")) for count in re.findall(r": ([\d,]+) operations of", told))
    return times, operations


def medians(times):
    return [statistics.median(column) for column in zip(*times)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("alloclab")
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--program", help="only those whose names begin so, separated by commas")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    alloclab = shutil.which(given.alloclab) or sys.exit(f"recorder_overhead.py: {given.alloclab}: no such program")
    wanted = tuple(given.program.split(",")) if given.program else ("",)
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        for program, (command, environment) in programs(folder).items():
            if not program.startswith(wanted):
                continue
            if not shutil.which(command[0]):
                print(f"left out: {command[0]} is not installed", file=sys.stderr)
                continue
            record = [alloclab, "record", "-o", str(folder / "app.alloctrace")]
            times, operations = measure(command, environment, record, given.rounds)
            wall, cpu = medians(times["alone"])
            row = {"program": program, "operations": operations, "wall_seconds": wall, "cpu_seconds": cpu,
                   "operations_per_second": operations / max(cpu, 1e-3), "heavy": operations / max(cpu, 1e-3) > HEAVY_RATE}
            for way in ("recorded", "stacks"):
                row[way] = {"wall": medians(times[way])[0] / wall, "cpu": medians(times[way])[1] / max(cpu, 1e-3)}
            rows.append(row)
            if not given.json:
                if len(rows) == 1:
                    print(f"{'':<26} {'alone':>14} {'operations':>21} {'recorded':>12} {'with --stacks':>14}")
                    print(f"{'program':<26} {'wall':>7} {'cpu':>6} {'all':>11} {'a second':>9} {'wall':>6} {'cpu':>5} {'wall':>8} {'cpu':>5}")
                print(f"{program:<26} {wall:>6.2f}s {cpu:>5.2f}s {operations:>11,} {row['operations_per_second'] / 1e6:>8.2f}M "
                      f"{row['recorded']['wall']:>6.2f} {row['recorded']['cpu']:>5.2f} {row['stacks']['wall']:>8.2f} {row['stacks']['cpu']:>5.2f}",
                      flush=True)
    if given.json:
        print(json.dumps(rows, indent=1))
    return 0 if all(row["recorded"]["wall"] <= AIMS[row["heavy"]] for row in rows) else 1


if __name__ == "__main__":
    sys.exit(main())
