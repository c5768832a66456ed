#!/usr/bin/python3
"""Several servers on one PostgreSQL, which lose a server every few seconds, and their database once.

Runs are submitted to any of them, each again under its request_id until it is acknowledged. Meanwhile one server after another is killed
and started again; one is stopped for longer than its lease, as if its network were cut, and goes on; PostgreSQL is ended at once and
started again in the middle. At the end every run must have ended once, as it ends on one server alone with SQLite, to the byte.

Needs Debian's package postgresql; run by root, PostgreSQL is run as the user postgres. Prints one line a count; exit code 1 if
anything was lost."""

import argparse
import collections
import json
import os
import pathlib
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

from crash_loop import SUCCEEDED, read_run
from lab import Report, field, small_machine
from wire import Peer

LEASE_SECONDS = 10


class Postgres:
    """A server of its own, reached by a socket in its folder alone."""

    def __init__(self, root):
        programs = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"))
        if not programs:
            sys.exit("SKIPPED: PostgreSQL is not installed")
        self.programs, self.root = programs[-1].parent, root / "postgres"
        self.root.mkdir()
        self.user = []
        if os.geteuid() == 0:
            self.user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            root.chmod(0o711)
            shutil.chown(self.root, "postgres", "postgres")
        self.url = f"postgresql://alloclab@{str(self.root).replace('/', '%2F')}/postgres"
        self.run("initdb", "--pgdata", self.root / "data", "--username=alloclab", "--auth=trust", "--no-sync", "--no-locale")
        self.start()

    def run(self, program, *arguments):
        return subprocess.run([*self.user, self.programs / program, *arguments], check=True, cwd="/", capture_output=True).stdout

    def start(self):
        self.log = open(self.root.parent / "postgres.log", "ab")
        self.process = subprocess.Popen([*self.user, self.programs / "postgres", "-D", self.root / "data", "-k", self.root,
                                         "-c", "listen_addresses="], cwd="/", stderr=self.log)
        while subprocess.run([self.programs / "pg_isready", "-q", "-h", self.root]).returncode != 0:
            time.sleep(0.1)

    def stop(self, number=signal.SIGQUIT):
        self.process.send_signal(number)
        self.process.wait()
        self.log.close()

    def ask(self, sql):
        return self.run("psql", "-h", self.root, "-U", "alloclab", "-d", "postgres", "-Atc", sql).decode().strip()


class Replica:
    """alloclabd; with a URL as one server of a lab, without one on SQLite."""

    def __init__(self, options, root, name, url=""):
        self.options, self.root, self.name, self.url = options, root / name, name, url
        self.root.mkdir()
        self.start()

    def start(self):
        addresses = self.root / "addresses"
        addresses.unlink(missing_ok=True)
        self.log = open(self.root / "log", "ab")
        self.process = subprocess.Popen(
            [self.options.build / "bin/alloclabd", "--listen", "127.0.0.1:0", "--web-listen", "", "--metrics-listen", "", "--store",
             self.url, "--data-dir", self.root / "data", "--address-file", addresses, "--log-format", "json", "--run-threads", "2"],
            stderr=self.log)
        while not addresses.exists() and self.process.poll() is None:
            time.sleep(0.02)
        if self.process.poll() is not None:
            return False  # its database is away just now
        self.grpc = dict(line.split() for line in addresses.read_text().splitlines() if " " in line.strip())["grpc"]
        return True

    def end(self, number=signal.SIGKILL):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(number)
        self.process.wait()
        self.log.close()

    def events(self):
        for line in (self.root / "log").read_bytes().splitlines():
            try:
                yield json.loads(line)
            except ValueError:
                pass  # cut by a kill

    def call(self, method, request):
        """(status, reply); 14, UNAVAILABLE, if it cannot be reached."""
        try:
            peer = Peer(self.grpc, timeout=20)
            status, _, reply = peer.call(f"/alloclab.v1.Runs/{method}", request)
            peer.close()
            return 14 if status is None else status, reply  # None: it died in the middle
        except OSError:
            return 14, b""


def request_of(seed, operations):
    builtin = field(1, "steady-state") + field(2, seed) + field(3, operations)
    return field(1, field(1, builtin)) + field(2, small_machine(64)) + field(4, f"cluster-{seed}")


def submit(servers, seed, options):
    """The number of the run; tried again, at any server, until it is acknowledged."""
    while True:
        status, reply = random.choice(servers).call("SubmitRun", request_of(seed, options.operations))
        if status == 0:
            return read_run(reply)[0]
        if status not in (8, 14):
            sys.exit(f"SubmitRun: status {status}")
        time.sleep(0.2)


def await_end(servers, run, deadline):
    """(state, digest of the exact result), asked of any server."""
    while time.monotonic() < deadline:
        status, reply = random.choice(servers).call("GetRun", field(1, run))
        if status == 0 and read_run(reply)[1] >= SUCCEEDED:
            return read_run(reply)[1:]
        if status not in (0, 14):
            return f"status {status}", ""
        time.sleep(0.1)
    return "never ended", ""


class Trouble(threading.Thread):
    def __init__(self, options, postgres, replicas):
        super().__init__()
        self.options, self.postgres, self.replicas = options, postgres, replicas
        self.done, self.counts = threading.Event(), collections.Counter()

    def start_again(self, replica):
        while not self.done.is_set() and not replica.start():
            time.sleep(0.3)

    def run(self):
        dice = random.Random(self.options.seed)
        for turn in range(1, 1_000_000):
            if self.done.wait(self.options.every):
                return
            victim = dice.choice(self.replicas)
            if turn == 3:
                self.counts["databases ended and started"] += 1
                self.postgres.stop()
                time.sleep(self.options.every)
                self.postgres.start()
            elif turn == 5:  # its connections stand still, and its leases run out
                self.counts["servers stopped beyond their lease"] += 1
                victim.process.send_signal(signal.SIGSTOP)
                self.done.wait(LEASE_SECONDS + 3)
                victim.process.send_signal(signal.SIGCONT)
            else:
                self.counts["servers killed"] += 1
                victim.end()
                self.start_again(victim)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / "build/dev")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--operations", type=int, default=500_000, help="of a run")
    parser.add_argument("--every", type=float, default=4, help="seconds between two troubles")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and what was started ends with it
    random.seed(options.seed)
    report = Report(f"{options.runs} runs of {options.operations:,} operations on {options.replicas} servers; "
                    f"trouble every {options.every} s; seed {options.seed}")
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        postgres = Postgres(root)
        servers = []
        try:
            prove(options, root, postgres, servers, report)
        finally:
            for server in servers:
                server.end()
            postgres.stop()
    report.end()


def prove(options, root, postgres, servers, report):
    """Starts servers, adding each to the list."""
    seeds = range(1, options.runs + 1)
    alone = Replica(options, root, "alone")
    servers.append(alone)
    began = time.monotonic()
    ids = [submit([alone], seed, options) for seed in seeds]
    expected = [await_end([alone], run, time.monotonic() + 600) for run in ids]
    report.say(f"one server alone: {time.monotonic() - began:.1f} s")
    alone.end(signal.SIGTERM)

    replicas = [Replica(options, root, f"replica-{i}", postgres.url) for i in range(options.replicas)]
    servers += replicas
    trouble = Trouble(options, postgres, replicas)
    began = time.monotonic()
    trouble.start()
    ids = [submit(replicas, seed, options) for seed in seeds]
    found = [await_end(replicas, run, time.monotonic() + 600) for run in ids]
    seconds = time.monotonic() - began
    trouble.done.set()
    trouble.join()

    report.check(trouble.counts["servers killed"] > 0, "servers were killed meanwhile")
    for what, count in sorted(trouble.counts.items()):
        report.say(f"{count} {what}")
    events = collections.Counter(event.get("event") for replica in replicas for event in replica.events())
    report.say(f"{seconds:.1f} s; {events['run.taken']} times a run was taken up, {events['run.lost']} times a server was told that "
               f"it had lost one")
    report.check(len(set(ids)) == options.runs, f"{len(set(ids))} runs for {options.runs} requests")
    rows = int(postgres.ask("SELECT count(*) FROM alloclab.run WHERE token > 0"))
    report.check(rows == options.runs, f"{rows} records of runs that a server ended")
    succeeded = sum(state == SUCCEEDED for state, _ in found)
    report.check(succeeded == options.runs, f"{succeeded} succeeded")
    equal = sum(mine == theirs for mine, theirs in zip(found, expected))
    report.check(equal == options.runs, f"{equal} ended as on one server alone")
    waiting = int(postgres.ask("SELECT count(*) FROM alloclab.queue"))
    report.check(waiting == 0, f"{waiting} left in the queue")


if __name__ == "__main__":
    main()
