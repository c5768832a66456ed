#!/usr/bin/python3
"""Ends a server under load again and again, and looks whether everything that it acknowledged is there afterwards.

Clients submit runs and note each acknowledged one, with what it found, in a journal of their own that is synced before the next
submission. After each end the server is started again on the same data directory and every run of the journal is asked for.

  --mode kill    SIGKILL at a random moment, 50 to 2,000 ms after the load began
  --mode term    SIGTERM likewise; the server must end by itself with exit code 0
  --mode points  the server kills itself before and after the K-th write, sync and reply (faults.cc by LD_PRELOAD), for random K

Prints one line of counts at the end, and every few rounds; exit code 1 if anything was lost."""

import argparse
import json
import os
import pathlib
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request

POINTS = ["before_write", "after_write", "before_sync", "after_sync", "before_reply", "after_reply"]
OPERATIONS = 2000  # of a run: a few ms


class Server:
    def __init__(self, options, data, environment=None):
        self.addresses_file = data.parent / "addresses"
        self.addresses_file.unlink(missing_ok=True)
        self.log = open(data.parent / "log", "ab")
        began = time.monotonic()
        self.process = subprocess.Popen(
            [options.build / "bin/alloclabd", "--listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0", "--metrics-listen", "",
             "--data-dir", data, "--address-file", self.addresses_file, "--log-level", "warning"],
            stderr=self.log, env={**os.environ, **(environment or {})})
        self.grpc = self.web = None
        while self.process.poll() is None and time.monotonic() - began < 60:
            if self.addresses_file.exists():
                lines = dict(line.split() for line in self.addresses_file.read_text().splitlines() if len(line.split()) == 2)
                self.grpc, self.web = lines["grpc"], lines["web"]
                break
            time.sleep(0.01)
        self.ready_seconds = time.monotonic() - began

    def get(self, path):
        """The answer as JSON, None if there is no such thing."""
        try:
            with urllib.request.urlopen(f"http://{self.web}{path}", timeout=60) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return None if error.code == 404 else {"error": error.read().decode()}

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


class Client(threading.Thread):
    """Submits runs until it is stopped; those that were acknowledged are in the journal."""

    def __init__(self, options, server, journal, number, seed):
        super().__init__(daemon=True)
        self.options, self.address, self.journal, self.number = options, server.grpc, journal, number
        self.random = random.Random(seed)
        self.stopped = threading.Event()

    def run(self):
        while not self.stopped.is_set():
            seed = self.random.randrange(1, 1 << 30)
            result = subprocess.run(
                [self.options.build / "bin/alloclab", "--server", self.address, "--output", "json", "submit", "steady-state",
                 "--operations", str(OPERATIONS), "--ram", "64Mi", "--seed", str(seed)],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
            if result.returncode != 0:
                self.stopped.wait(0.02)
                continue
            run = json.loads(result.stdout)
            self.journal.add(run)


class Journal:
    def __init__(self, path):
        self.file = open(path, "a", encoding="utf-8")
        self.lock = threading.Lock()
        self.runs = {}

    def add(self, run):
        exact = run["result"]["exact"]
        with self.lock:
            self.file.write(json.dumps({"id": run["id"], "exact": exact}) + "\n")
            self.file.flush()
            os.fsync(self.file.fileno())
            self.runs[run["id"]] = exact


def check(server, journal, ids, counts):
    for number in ids:
        detail = server.get(f"/api/runs/{number}")
        counts["checked"] += 1
        run = (detail or {}).get("run", {})
        if run.get("state") != "SUCCEEDED" or run["result"]["exact"] != journal.runs[number]:
            counts["lost"] += 1
            print(f"LOST: run {number}: {json.dumps(detail)[:300]}", flush=True)


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
    known = sorted(journal.runs, key=int)
    check(server, journal, known if number % 50 == 0 else known[-30:], counts)
    clients = [Client(options, server, journal, i, rng.random()) for i in range(options.clients)]
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
            if code != 0 or seconds > 10:
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
    rounds = options.rounds or {"kill": 1000, "term": 200, "points": 20 * len(POINTS)}[options.mode]
    rng = random.Random(options.seed)
    counts = {"rounds": 0, "lost": 0, "checked": 0, "slowest start ms": 0, "starts over 5 s": 0}
    with tempfile.TemporaryDirectory(prefix="alloclab-crash-") as scratch:
        data = pathlib.Path(scratch) / "data"
        journal = Journal(pathlib.Path(scratch) / "journal")
        for number in range(rounds):
            play(options, data, journal, counts, number, rng)
            if number % 25 == 24:
                print(f"{options.mode}, seed {options.seed}: acknowledged {len(journal.runs)}, {counts}", flush=True)
        server = Server(options, data)
        check(server, journal, sorted(journal.runs, key=int), counts)
        server.end(signal.SIGTERM)
        report = subprocess.run([options.build / "bin/alloclabd", "store", "check", "--data-dir", data, "--output", "json"],
                                stdout=subprocess.PIPE, check=False)
        counts["store is whole"] = report.returncode == 0
        print(f"{options.mode}, seed {options.seed}: acknowledged {len(journal.runs)}, {counts}", flush=True)
    return 1 if counts["lost"] or counts.get("bad ends") or not counts["store is whole"] else 0


if __name__ == "__main__":
    sys.exit(main())
