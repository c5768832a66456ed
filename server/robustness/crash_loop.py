#!/usr/bin/python3
"""Ends a server under load again and again, and looks whether everything that it acknowledged is there afterwards.

Clients submit runs and note in a journal of their own, which is synced, each that was acknowledged and each result that they were shown.
After each end the server is started again on the same data directory: runs and results of the journal must be there, to the byte, and a
request that is sent again must answer with the run that it made before.

  --mode kill    SIGKILL at a random moment, 50 to 2,000 ms after the load began
  --mode term    SIGTERM likewise; the server must end by itself with exit code 0
  --mode points  the server kills itself before and after the K-th write, sync and reply (faults.cc by LD_PRELOAD), for random K

With --tls, --token or both the server is a secured one. Prints one line of counts at the end, and every few rounds; exit code 1 if
anything was lost."""

import argparse
import hashlib
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time

from lab import field, fields, secure, small_machine
from wire import DATA, END_STREAM, HEADERS, Peer, message

POINTS = ["before_write", "after_write", "before_sync", "after_sync", "before_reply", "after_reply"]
OPERATIONS = 2000  # of a run: a few ms
SUCCEEDED = 3  # a Run.State
CONFIG = 4  # a field of Exact
TIMED = not os.environ.get("ALLOCLAB_UNTIMED")  # a test on a busy machine leaves times out


class Server:
    def __init__(self, options, data, environment=None):
        self.addresses_file = data.parent / "addresses"
        self.addresses_file.unlink(missing_ok=True)
        self.log = open(data.parent / "log", "ab")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [options.build / "bin/alloclabd", "--listen", "127.0.0.1:0", "--web-listen", "", "--metrics-listen", "",
             "--data-dir", data, "--address-file", self.addresses_file, "--log-level", "warning", *options.secured,
             "--stored-runs-max", "100Mi"],  # 1,000 rounds make more than the server keeps by default
            stderr=self.log, env={**os.environ, **(environment or {})})
        self.grpc = None
        while self.process.poll() is None and time.monotonic() - began < 60:
            if self.addresses_file.exists():
                lines = dict(line.split() for line in self.addresses_file.read_text().splitlines() if len(line.split()) == 2)
                self.grpc = lines["grpc"]
                break
            time.sleep(0.01)
        self.ready_seconds = time.monotonic() - began

    def end(self, number):
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.wait(60)

    def wait(self, seconds):
        """The exit code, and how long it took; None if it did not end."""
        began = time.monotonic()
        try:
            code = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = None
        self.log.close()
        return code, time.monotonic() - began


def request_of(seed):
    builtin = field(1, "steady-state") + field(2, seed) + field(3, OPERATIONS)
    return field(1, field(1, builtin)) + field(2, small_machine(64)) + field(4, f"crash-{seed}")


def read_run(data):
    """(id, state, digest of the exact part of its result, but for the configuration: a map in it has no order)"""
    run = dict(fields(data))
    exact = dict(fields(run.get(12, b""))).get(1, b"")
    found = [(number, value) for number, value in fields(exact) if number != CONFIG]
    return run.get(1, 0), run.get(2, 0), hashlib.sha256(repr(found).encode()).hexdigest()


class Client(threading.Thread):
    """Submits runs, and watches each to its end, until it is stopped or the server is gone."""

    def __init__(self, server, journal, seed):
        super().__init__(daemon=True)
        self.address, self.journal, self.random = server.grpc, journal, random.Random(seed)
        self.stopped = threading.Event()

    def run(self):
        try:
            peer = Peer(self.address)
            while not self.stopped.is_set():
                self.one(peer)
            peer.close()
        except OSError:
            pass  # the server is gone

    def one(self, peer):
        seed = self.random.randrange(1, 1 << 60)
        status, _, reply = peer.call("/alloclab.v1.Runs/SubmitRun", request_of(seed))
        if status != 0:
            self.stopped.wait(0.02)
            return
        number = read_run(reply)[0]
        self.journal.note(number, seed, "")
        stream = peer.open("/alloclab.v1.Runs/WatchRun")
        peer.send_data(stream, message(field(1, number)))
        data = b""
        while (got := peer.read()) is not None:
            kind, flags, where, payload = got
            data += payload if where == stream and kind == DATA else b""
            if where == stream and kind in (DATA, HEADERS) and flags & END_STREAM:
                break
        while len(data) >= 5 and len(data) >= 5 + (size := int.from_bytes(data[1:5], "big")):
            _, state, digest = read_run(data[5:5 + size])
            data = data[5 + size:]
            if state == SUCCEEDED:
                self.journal.note(number, seed, digest)


class Journal:
    """What the server acknowledged: by number of the run its seed, and the digest of its result if that was shown."""

    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.runs = {}

    def note(self, number, seed, digest):
        with self.lock:
            self.file.write(f"{number} {seed} {digest}\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            self.runs[number] = (seed, digest)

    def results(self):
        return sum(1 for _, digest in self.runs.values() if digest)


def check(server, journal, numbers, counts, again=5):
    peer = Peer(server.grpc)
    for number in numbers:
        seed, shown = journal.runs[number]
        status, text, reply = peer.call("/alloclab.v1.Runs/GetRun", field(1, number))
        found, state, digest = read_run(reply)
        counts["checked"] += 1
        if status != 0 or found != number or (shown and (state != SUCCEEDED or digest != shown)):
            counts["lost"] += 1
            print(f"LOST: run {number}: status {status} {text}, state {state}", flush=True)
    for number in numbers[-again:]:
        status, text, reply = peer.call("/alloclab.v1.Runs/SubmitRun", request_of(journal.runs[number][0]))
        if status != 0 or read_run(reply)[0] != number:
            counts["applied twice"] += 1
            print(f"APPLIED TWICE: run {number}: status {status} {text}, now {read_run(reply)[0]}", flush=True)
    peer.close()


def play(options, data, journal, counts, number, rng):
    environment, point = {}, None
    if options.mode == "points":
        point = POINTS[number % len(POINTS)]
        armed = data.parent / "armed"
        armed.unlink(missing_ok=True)
        environment = {"LD_PRELOAD": str(options.faults), "ALLOCLAB_FAULT_DIR": str(data), "ALLOCLAB_FAULT_ARM": str(armed),
                       "ALLOCLAB_FAULT_KILL": f"{point}:{rng.randint(1, 40)}"}
    server = Server(options, data, environment)
    if server.grpc is None:
        print(f"LOST: round {number}: the server does not start, exit code {server.process.poll()}", flush=True)
        counts["lost"] += 1
        server.end(signal.SIGKILL)
        return
    counts["slowest start ms"] = max(counts["slowest start ms"], round(server.ready_seconds * 1000))
    counts["starts over 5 s"] += server.ready_seconds > 5
    known = sorted(journal.runs)
    check(server, journal, known if number % 50 == 0 else known[-100:], counts)
    clients = [Client(server, journal, rng.random()) for _ in range(options.clients)]
    if point:
        armed.touch()
    for client in clients:
        client.start()
    if point:
        code, _ = server.wait(30)
        counts[point] = counts.get(point, 0) + (code == -signal.SIGKILL)
    else:
        time.sleep(rng.uniform(0.05, 2.0))
        code, seconds = server.end(signal.SIGTERM if options.mode == "term" else signal.SIGKILL)
        if options.mode == "term":
            counts["slowest end ms"] = max(counts.get("slowest end ms", 0), round(seconds * 1000))
            if code != 0 or (seconds > 10 and TIMED):
                counts["bad ends"] = counts.get("bad ends", 0) + 1
                print(f"round {number}: exit code {code} after {seconds:.1f} s", flush=True)
    for client in clients:
        client.stopped.set()
    for client in clients:
        client.join()
    counts["rounds"] += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mode", choices=["kill", "term", "points"], default="kill")
    parser.add_argument("--rounds", type=int, help="default 1,000 kills, 200 SIGTERMs, 20 of each point")
    parser.add_argument("--clients", type=int, default=2)
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/dev"))
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    options.build = options.build.resolve()
    options.faults = options.build / "server/liballoclab_faults.so"
    if options.mode == "points" and not options.faults.exists():
        parser.error(f"{options.faults} is missing; build the target alloclab_faults")
    rounds = options.rounds or {"kill": 1000, "term": 200, "points": 20 * len(POINTS)}[options.mode]
    rng = random.Random(options.seed)
    counts = {"rounds": 0, "lost": 0, "applied twice": 0, "checked": 0, "slowest start ms": 0, "starts over 5 s": 0}
    with tempfile.TemporaryDirectory(prefix="alloclab-crash-") as scratch:
        data = pathlib.Path(scratch) / "data"
        journal = Journal(pathlib.Path(scratch) / "journal")
        options.secured = secure(options.build / "bin/alloclabd", data.parent, data)
        for number in range(rounds):
            play(options, data, journal, counts, number, rng)
            if number % 25 == 24:
                print(f"{options.mode}, seed {options.seed}: acknowledged {len(journal.runs)} runs, {journal.results()} results; {counts}", flush=True)
        server = Server(options, data)
        check(server, journal, sorted(journal.runs), counts, again=100)
        server.end(signal.SIGTERM)
        report = subprocess.run([options.build / "bin/alloclabd", "store", "check", "--data-dir", data, "--output", "json"],
                                stdout=subprocess.PIPE, check=False)
        counts["store is whole"] = report.returncode == 0
        print(f"{options.mode}, seed {options.seed}: acknowledged {len(journal.runs)} runs, {journal.results()} results; {counts}", flush=True)
    bad = counts["lost"] or counts["applied twice"] or counts.get("bad ends") or not counts["store is whole"]
    return 1 if bad or (TIMED and counts["starts over 5 s"]) else 0


if __name__ == "__main__":
    sys.exit(main())
