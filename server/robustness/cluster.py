#!/usr/bin/python3
"""Several servers on one PostgreSQL, which lose a server every few seconds, and their database once.

Runs are submitted to any of them, each again under its request_id until it is acknowledged. Meanwhile one server after another is killed
and started again; one is stopped for longer than its lease, as if its network were cut, and goes on; PostgreSQL is ended at once and
started again in the middle. At the end every run must have ended once, as it ends on one server alone with SQLite, to the byte.

With --scaling there is no trouble: the same runs by 1, 2 and 4 workers, and what they cost.

With --tls, --token or both the servers are secured ones. Needs Debian's package postgresql; run by root, PostgreSQL is run as the user
postgres. Prints one line a count; exit code 1 if anything was lost."""

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
from lab import WITH_TOKEN, Report, field, secure, small_machine
from wire import Peer

CUT_SECONDS = 13  # longer than a lease, of 10 s
HEAPS = ["implicit-heap", "tlsf", "dlmalloc", "freertos-heap4", "next-fit"]


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

    def transactions_a_second(self):
        """What it can do by itself: pgbench's transactions of five statements, by 8 clients."""
        address = ["-h", self.root, "-U", "alloclab", "postgres"]
        self.run("pgbench", "-i", "-q", "-s", "10", *address)
        said = self.run("pgbench", "-c", "8", "-j", "2", "-T", "10", *address).decode()
        return float(said.split("tps = ")[1].split()[0])

    def transactions(self):
        """Ended so far, those of this question too; counted a little late."""
        time.sleep(1.5)
        return int(self.ask("SELECT xact_commit FROM pg_stat_database WHERE datname = 'postgres'"))


class Replica:
    """alloclabd; with a URL as one server of a lab, without one on SQLite."""

    def __init__(self, options, root, name, url="", threads=2):
        self.options, self.root, self.name, self.url, self.threads = options, root / name, name, url, threads
        self.root.mkdir()
        if options.tokens:
            (self.root / "data").mkdir()
            shutil.copy(options.tokens, self.root / "data")
        self.start()

    def start(self):
        addresses = self.root / "addresses"
        addresses.unlink(missing_ok=True)
        self.log = open(self.root / "log", "ab")
        self.process = subprocess.Popen(
            [self.options.build / "bin/alloclabd", "--listen", "127.0.0.1:0", "--web-listen", "", "--metrics-listen", "", "--store",
             self.url, "--data-dir", self.root / "data", "--address-file", addresses, "--log-format", "json", "--run-threads", str(self.threads),
             *self.options.secured],
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


class Processes:
    """The servers and their database as processes of this host."""

    def __init__(self, postgres, replicas):
        self.postgres, self.replicas, self.ask = postgres, replicas, postgres.ask

    def call(self, method, request):
        return random.choice(self.replicas).call(method, request)

    def kill(self, victim, over):
        replica = self.replicas[victim % len(self.replicas)]
        replica.end()
        while not over.is_set() and not replica.start():
            time.sleep(0.3)

    def cut(self, victim, over):
        """Its connections stand still, and its leases run out."""
        process = self.replicas[victim % len(self.replicas)].process
        process.send_signal(signal.SIGSTOP)
        over.wait(CUT_SECONDS)
        process.send_signal(signal.SIGCONT)

    def end_database(self, seconds):
        self.postgres.stop()
        time.sleep(seconds)
        self.postgres.start()

    def events(self):
        return collections.Counter(event.get("event") for replica in self.replicas for event in replica.events())


def request_of(seed, operations):
    """A cell: its seed says which allocator it is for, too."""
    builtin = field(1, "steady-state") + field(2, seed) + field(3, operations)
    machine = small_machine(64) + field(3, HEAPS[seed % len(HEAPS)])
    return field(1, field(1, builtin)) + field(2, machine) + field(4, f"cluster-{seed}")


def submit(lab, seed, options):
    """The number of the run; tried again, at any server, until it is acknowledged."""
    while True:
        status, reply = lab.call("SubmitRun", request_of(seed, options.operations))
        if status == 0:
            return read_run(reply)[0]
        if status not in (8, 14):
            sys.exit(f"SubmitRun: status {status}")
        time.sleep(0.2)


def await_end(lab, run, deadline):
    """(state, digest of the exact result), asked of any server."""
    while time.monotonic() < deadline:
        status, reply = lab.call("GetRun", field(1, run))
        if status == 0 and read_run(reply)[1] >= SUCCEEDED:
            return read_run(reply)[1:]
        if status not in (0, 14):
            return f"status {status}", ""
        time.sleep(0.1)
    return "never ended", ""


def submit_all(lab, options):
    return [submit(lab, seed, options) for seed in range(1, options.runs + 1)]


def replay_all(lab, options, make=submit_all):
    """(numbers of the runs that `make` made, how each ended, seconds)"""
    began = time.monotonic()
    ids = make(lab, options)
    ends = [await_end(lab, run, time.monotonic() + 600) for run in ids]
    return ids, ends, time.monotonic() - began


class Trouble(threading.Thread):
    def __init__(self, options, lab):
        super().__init__()
        self.options, self.lab = options, lab
        self.over, self.counts = threading.Event(), collections.Counter()

    def run(self):
        dice = random.Random(self.options.seed)
        for turn in range(1, 1_000_000):
            if self.over.wait(self.options.every):
                return
            victim = dice.randrange(1 << 30)
            if turn == 3:
                self.counts["databases ended and started"] += 1
                self.lab.end_database(self.options.every)
            elif turn == 5:
                self.counts["servers cut off beyond their lease"] += 1
                self.lab.cut(victim, self.over)
            else:
                self.counts["servers killed"] += 1
                self.lab.kill(victim, self.over)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path(__file__).resolve().parents[2] / "build/dev")
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--replicas", type=int, default=3)
    parser.add_argument("--operations", type=int, default=500_000, help="of a run")
    parser.add_argument("--every", type=float, default=4, help="seconds between two troubles")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scaling", action="store_true", help="no trouble: processor time of a run with 1, 2 and 4 workers")
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # and what was started ends with it
    random.seed(options.seed)
    report = Report(f"{options.runs} runs of {options.operations:,} operations on {options.replicas} servers; "
                    f"trouble every {options.every} s; seed {options.seed}")
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        options.secured = secure(options.build / "bin/alloclabd", root, root / "made")
        options.tokens = root / "made/tokens" if WITH_TOKEN else None  # the same for all
        postgres = Postgres(root)
        servers = []
        try:
            if options.scaling:
                report = Report(f"{options.runs} runs of {options.operations:,} operations by 1, 2 and 4 workers")
                measure_scaling(options, root, postgres, servers, report)
                report.end()
            servers.append(Replica(options, root, "alone"))
            _, expected, seconds = replay_all(servers[0], options)
            report.say(f"one server alone: {seconds:.1f} s")
            servers[0].end(signal.SIGTERM)
            servers += [Replica(options, root, f"replica-{i}", postgres.url) for i in range(options.replicas)]
            prove(options, Processes(postgres, servers[1:]), expected, report)
        finally:
            for server in servers:
                server.end()
            postgres.stop()
    report.end()


def processor_seconds(process):
    """Of a process and, if it has any, its children: those of PostgreSQL live as long as their connections."""
    ticks = 0
    for line in subprocess.run(["ps", "-o", "pid=", "--pid", str(process.pid), "--ppid", str(process.pid)], capture_output=True,
                               check=True, text=True).stdout.split():
        try:
            times = pathlib.Path(f"/proc/{line}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(times[11]) + int(times[12])
        except FileNotFoundError:
            pass
    return ticks / os.sysconf("SC_CLK_TCK")


def replay_unwatched(lab, options):
    """As replay_all, but nobody asks the servers meanwhile. (how each ended, seconds, transactions, but for those of the waiting)"""
    before = lab.postgres.transactions()
    began = time.monotonic()
    ids = submit_all(lab, options)
    asked = 2  # by transactions()
    while int(lab.ask("SELECT count(*) FROM alloclab.queue")) > 0:
        asked += 1
        time.sleep(0.2)
    seconds = time.monotonic() - began
    transactions = lab.postgres.transactions() - before - asked
    return [await_end(lab, run, time.monotonic() + 60) for run in ids], seconds, transactions


def measure_scaling(options, root, postgres, servers, report):
    """Each worker is a server that replays one run at a time."""
    first = None
    for workers in (1, 2, 4):
        postgres.ask("DROP SCHEMA IF EXISTS alloclab CASCADE")
        replicas = [Replica(options, root, f"of-{workers}-{i}", postgres.url, threads=1) for i in range(workers)]
        servers += replicas
        processes = [replica.process for replica in replicas] + [postgres.process]
        before = [processor_seconds(process) for process in processes]
        ends, seconds, transactions = replay_unwatched(Processes(postgres, replicas), options)
        spent = [processor_seconds(process) - was for process, was in zip(processes, before)]
        each = 1000 * sum(spent[:-1]) / options.runs
        first = first or each
        done = sum(state == SUCCEEDED for state, _ in ends)
        report.check(done == options.runs, f"{workers} workers: {done} runs in {seconds:.1f} s, {options.runs / seconds:.1f} a second")
        report.check(abs(each - first) <= 0.05 * first, f"{workers} workers: {each:.1f} ms of processor time a run, "
                     f"{100 * (each / first - 1):+.1f} %; of PostgreSQL {1000 * spent[-1] / options.runs:.2f} ms and "
                     f"{transactions / options.runs:.1f} transactions a run")
        for replica in replicas:
            replica.end(signal.SIGTERM)
    report.say(f"pgbench: {postgres.transactions_a_second():.0f} transactions a second")


def prove(options, lab, expected, report, make=submit_all):
    """Replays all that `make` makes on the lab while it has trouble, and compares with `expected`, how each run ended on one server alone."""
    trouble = Trouble(options, lab)
    trouble.start()
    try:
        ids, found, seconds = replay_all(lab, options, make)
    finally:
        trouble.over.set()
        trouble.join()

    report.check(trouble.counts["servers killed"] > 0, "servers were killed meanwhile")
    for what, count in sorted(trouble.counts.items()):
        report.say(f"{count} {what}")
    events = lab.events()
    report.say(f"{seconds:.1f} s; {events['run.taken']} times a run was taken up, {events['run.lost']} times a server was told that "
               f"it had lost one")
    report.check(len(set(ids)) == options.runs, f"{len(set(ids))} runs for {options.runs} requests")
    rows = int(lab.ask("SELECT count(*) FROM alloclab.run WHERE token > 0"))
    report.check(rows == options.runs, f"{rows} records of runs that a server ended")
    succeeded = sum(state == SUCCEEDED for state, _ in found)
    report.check(succeeded == options.runs, f"{succeeded} succeeded")
    equal = sum(mine == theirs for mine, theirs in zip(found, expected))
    report.check(equal == options.runs, f"{equal} ended as on one server alone")
    waiting = int(lab.ask("SELECT count(*) FROM alloclab.queue"))
    report.check(waiting == 0, f"{waiting} left in the queue")


if __name__ == "__main__":
    main()
