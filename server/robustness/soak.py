#!/usr/bin/python3
"""Ten minutes that stand for a day: as many calls as 200 a second make in 24 hours, and instances, runs, walks and pages that come and go.

The calls go at 28,800 a second, or at half of what is measured first if that is less. Once a second the process is looked at: what it
holds must not grow with what it has done.

usage: soak.py [SECONDS] [--tls] [--token]        600 by default; fewer do fewer calls.
"""

import itertools
import statistics
import sys
import threading
import time

import wire
from lab import STREAMS, Report, Server, field, fixed32, small_machine

RATE, MINUTE, SHARE = 28_800, 60, 0.05
MEMORY_MAX = 1 << 30
SMALL = ("/alloclab.v1.Heap/Free", field(1, "busy") + fixed32(2, 0))


def offer(server, connections, streams, rate, seconds):
    return server.offer_calls(SMALL[0], SMALL[1].hex(), connections, streams, rate, seconds)


class Churn(threading.Thread):
    """A client that makes a machine, uses it, looks at it and deletes it, submits a run and reads the pages: four times a second."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.stopped, self.rounds, self.errors = server, threading.Event(), 0, []

    def run(self):
        while not self.stopped.wait(0.25):
            peer = wire.Peer(self.server.grpc)
            self.rounds += 1
            name = f"churn-{self.rounds}"
            builtin = field(1, field(1, field(1, "steady-state") + field(2, self.rounds) + field(3, 2000)))
            calls = [("Lab/CreateInstance", field(1, name) + field(2, small_machine()))]
            calls += [("Heap/Malloc", field(1, name) + fixed32(2, 1 << i)) for i in range(16)]
            calls += [("Inspect/WalkBlocks", field(1, name)), ("Inspect/CheckInvariants", field(1, name)),
                      ("Lab/DeleteInstance", field(1, name)), ("Runs/SubmitRun", builtin + field(2, small_machine(64))),
                      ("Runs/ListRuns", b"")]
            for method, request in calls:
                status, text, _ = peer.call(f"/alloclab.v1.{method}", request)
                if status != 0:
                    self.errors.append(f"{method}: {status} {text}")
            peer.close()
            for address, path in ((self.server.metrics, "/metrics"), (self.server.web, "/api/runs")):
                status, _ = self.server.get(address, path)
                if status != 200:
                    self.errors.append(f"{path}: {status}")


class Watch(threading.Thread):
    """Notes once a second what the process has."""

    def __init__(self, server):
        super().__init__(daemon=True)
        self.server, self.stopped, self.seen, self.began = server, threading.Event(), [], time.monotonic()

    def run(self):
        while not self.stopped.wait(1):
            self.seen.append((time.monotonic() - self.began, self.server.figures()))

    def part(self, name, first, last):
        """The values of the samples from one share of the time to another."""
        return [figures[name] for _, figures in self.seen[int(first * len(self.seen)):int(last * len(self.seen))]]

    def growth(self, seconds):
        """Of resident bytes in so many seconds: the median of the slopes between any two samples of the last four fifths (Theil-Sen)."""
        late = self.seen[len(self.seen) // 5:]
        late = late[::max(1, len(late) // 200)]
        return seconds * statistics.median((b["rss"] - a["rss"]) / (t - s) for (s, a), (t, b) in itertools.combinations(late, 2))


def main():
    seconds = int(sys.argv[1]) if len(sys.argv) > 1 else 600
    report = Report(f"Soak: {seconds} s")
    with Server("--log-level", "error", "--memory-max", str(MEMORY_MAX)) as server:
        server.create("busy")
        capacity = offer(server, 32, STREAMS, 0, 5)
        rate = min(RATE, capacity["served"] / capacity["seconds"] / 2)
        report.say(f"{capacity['served'] / capacity['seconds']:.0f} calls/s at most; {rate:.0f}/s are due")
        churn, watch, minutes = Churn(server), Watch(server), []
        churn.start()
        watch.start()
        for _ in range(max(1, seconds // MINUTE)):
            minutes.append(offer(server, 32, STREAMS, rate, min(MINUTE, seconds)))
        watch.stopped.set()
        churn.stopped.set()
        churn.join()
        due, served = (sum(minute[name] for minute in minutes) for name in ("due", "served"))
        report.check(served >= 0.999 * due and not churn.errors,
                     f"{served} of {due} calls served, {churn.rounds} machines and runs made: {len(churn.errors)} errors {churn.errors[:3]}")
        growth = watch.growth(seconds)
        report.check(growth < SHARE * MEMORY_MAX, f"resident memory: {watch.part('rss', 0.2, 0.3)[0] >> 20} MiB after a fifth, "
                     f"{watch.part('rss', 0.9, 1)[-1] >> 20} MiB at the end; it grows by {growth / (1 << 20):.1f} MiB in {seconds} s "
                     f"(less than {SHARE * MEMORY_MAX / (1 << 20):.0f})")
        for name, spare in (("descriptors", 4), ("threads", 4)):
            early, late = max(watch.part(name, 0.2, 0.4)), max(watch.part(name, 0.8, 1))
            report.check(late <= early + spare, f"{name}: at most {early} in the second fifth, {late} in the last")
        if len(minutes) > 2:
            second, last = minutes[1]["p99"], minutes[-1]["p99"]
            report.check_time(last <= 1.2 * second, f"p99 of a call: {second * 1000:.1f} ms in the second minute, {last * 1000:.1f} ms "
                              "in the last (at most 1.2 times)")
        _, code = server.stop()
        report.check(code == 0, f"exit code {code}")
    report.end()


if __name__ == "__main__":
    main()
