#!/usr/bin/python3
"""A lab that others share: one user's most costly calls, as many as he may make, beside another's short ones.

usage: sinks.py [FACTOR] [TRIAL...]        1 by default; 0.1 makes it shorter; all trials if none is named
"""

import collections
import contextlib
import http.client
import random
import struct
import sys
import threading
import time

import wire
from lab import STATUS, Report, Server, field, fields, fixed32, percentile, small_machine

LAB, HEAP, INSPECT, RUNS, TRAVEL = (f"/alloclab.v1.{name}/" for name in ("Lab", "Heap", "Inspect", "Runs", "TimeTravel"))
MALLOC, FREE = 0, 3
BATCH = 65_536  # kBatchOperationsMax
PATIENCE = 2.0  # seconds that a call of uma's may take beside bob's


class User:
    """Calls by one token, each on a connection of its own thread."""

    def __init__(self, server, name, role="user"):
        self.server, self.token, self.local = server, server.make_token(name, role), threading.local()

    def peer(self):
        if not hasattr(self.local, "peer"):
            self.local.peer = wire.Peer(self.server.grpc, timeout=120)
        return self.local.peer

    def call(self, method, body=b""):
        status, text, reply = self.peer().call(method, body, [("authorization", f"Bearer {self.token}")])
        return (STATUS[status] if status is not None else "hung up"), text, reply

    def must(self, method, body=b""):
        status, text, reply = self.call(method, body)
        if status != "OK":
            sys.exit(f"{method}: {status} {text}")
        return reply

    def create(self, name, megabytes=256, **parameters):
        config = field(1, megabytes << 20)
        for key, value in parameters.items():
            config += field(5, field(1, f"heap.{key}") + field(2, value))
        self.must(LAB + "CreateInstance", field(1, name) + field(2, config))

    def run(self, operations, name="steady-state"):
        """The number of a run that has ended."""
        number = dict(fields(self.must(RUNS + "SubmitRun", field(1, field(1, field(1, name) + field(3, operations))) +
                                       field(2, field(1, 256 << 20)))))[1]
        while dict(fields(self.must(RUNS + "GetRun", field(1, number))))[2] in (1, 2):
            time.sleep(0.02)
        return number

    def open(self, run, operation=0):
        return dict(fields(self.must(TRAVEL + "Open", field(1, run) + field(2, operation))))[1].decode()

    def web(self, method, target, timeout=60):
        """Status of an answer of the page; 0: the connection was closed without one."""
        connection = http.client.HTTPConnection(self.server.web, timeout=timeout)
        try:
            connection.request(method, target, headers={"Authorization": f"Bearer {self.token}", "Origin": f"http://{self.server.web}"})
            response = connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()


def batch(instance, kinds, blocks, sizes):
    words = b"".join(field(number, struct.pack(f"<{len(values)}I", *values)) for number, values in ((4, blocks), (5, sizes)))
    return field(1, instance) + field(3, bytes(kinds)) + words + field(7, 1)


def fill(user, instance, blocks, size):
    for first in range(0, blocks, BATCH):
        numbers = range(first, min(blocks, first + BATCH))
        user.must(HEAP + "Apply", batch(instance, [MALLOC] * len(numbers), numbers, [size] * len(numbers)))


class Attack:
    """Calls `work`(thread's number) again and again in so many threads while it stands."""

    def __init__(self, threads, work):
        self.work, self.over, self.found = work, threading.Event(), collections.Counter()
        self.threads = [threading.Thread(target=self.go_on, args=(number,), daemon=True) for number in range(threads)]

    def go_on(self, number):
        while not self.over.is_set():
            try:
                self.found[self.work(number)] += 1
            except OSError as error:
                self.found[type(error).__name__] += 1
                time.sleep(0.1)

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        time.sleep(1)
        return self

    def __exit__(self, *_):
        self.over.set()
        end = time.monotonic() + 5
        for thread in self.threads:
            thread.join(max(0, end - time.monotonic()))


class Trial:
    def __init__(self, server, report, seconds):
        self.server, self.report, self.seconds = server, report, seconds
        self.uma, self.bob, self.vic = User(server, "uma"), User(server, "bob"), User(server, "vic", "viewer")
        nobody = wire.Peer(server.grpc)
        while nobody.call(LAB + "GetServer", b"")[0] == 0 or self.vic.call(LAB + "GetServer")[0] != "OK":
            time.sleep(0.1)  # until the tokens are in force
        self.uma.create("umas", 16)

    def measure(self, what, call, good="OK"):
        """Her calls for a while: what becomes of them, and how long they take at most."""
        took, found, end = [], collections.Counter(), time.monotonic() + self.seconds
        while time.monotonic() < end or not took:
            began = time.monotonic()
            found[call()] += 1
            took.append(time.monotonic() - began)
            time.sleep(0.01)
        self.report.check(set(found) == {good}, f"{what}: {dict(found)}")
        self.report.check_time(max(took) <= PATIENCE, f"{what}: half in {percentile(took, 0.5) * 1000:.1f} ms, p99 "
                               f"{percentile(took, 0.99) * 1000:.1f} ms, slowest {max(took):.2f} s (at most {PATIENCE:.0f})")

    def malloc(self, instance="umas"):
        return self.uma.call(HEAP + "Malloc", field(1, instance) + fixed32(2, 16))[0]

    def tell(self, attack):
        self.report.say(f"bob's: {dict(attack.found)}")

    def travel(self):
        """Opened runs: 8 of them, moved and explained on 8 threads each of 4 calls at a time."""
        length = 3_000_000
        number, short = self.bob.run(length), self.uma.run(1000)
        names = [self.bob.open(number) for _ in range(8)]
        calls = [lambda name: self.bob.call(TRAVEL + "Explain", field(1, name) + field(2, random.randrange(1, length)))[0],
                 lambda name: self.bob.call(TRAVEL + "Seek", field(1, name) + field(2, random.randrange(length)))[0],
                 lambda name: self.bob.call(TRAVEL + "ExplainRun", field(1, name))[0],
                 lambda name: self.bob.call(TRAVEL + "FindTenants", field(1, name) + fixed32(2, 0xC0400008))[0]]
        with Attack(32, lambda thread: calls[thread // 8](names[thread % 8])) as attack:
            self.measure("travel: uma's Malloc", self.malloc)
            self.measure("travel: uma opens a run of her own", lambda: self.uma.call(TRAVEL + "Open", field(1, short))[0])
        self.tell(attack)

    def streams(self):
        """Streams of batches that walk a long way, and walks."""
        self.bob.create("slow", engine="literal")
        fill(self.bob, "slow", 20_000, 64)
        pairs = 25_000
        slow = batch("slow", [MALLOC, FREE] * pairs, [50_000, 50_000] * pairs, [4096, 0] * pairs)
        self.uma.call(LAB + "GetServer")

        def flood(_):
            peer = self.bob.peer()
            stream = peer.open(HEAP + "Stream", [("authorization", f"Bearer {self.bob.token}")])
            peer.send_data(stream, wire.message(slow))
            status, _, _ = peer.finish(stream)
            return STATUS[status] if status is not None else "hung up"

        def stream():
            peer = self.uma.peer()
            stream = peer.open(HEAP + "Stream", [("authorization", f"Bearer {self.uma.token}")])
            peer.send_data(stream, wire.message(batch("umas", [MALLOC] * 16, range(16), [16] * 16)))
            return STATUS[peer.finish(stream)[0]]

        with Attack(16, flood) as attack:
            self.measure("streams: uma's stream of one short batch", stream)
            self.measure("streams: uma's walk", lambda: self.uma.call(INSPECT + "WalkBlocks", field(1, "umas"))[0])
            self.measure("streams: uma's Malloc", self.malloc)
        self.tell(attack)

    def quick(self):
        """Batches that are short, going by the one before, and take long."""
        self.bob.create("slow", engine="literal")
        fill(self.bob, "slow", 60_000, 64)
        short, slow = batch("slow", [FREE] * 2000, [70_000] * 2000, [0] * 2000), batch("slow", [MALLOC, FREE] * 150, [70_000] * 300, [4096] * 300)

        def flood(_):
            peer = self.bob.peer()
            stream = peer.open(HEAP + "Stream", [("authorization", f"Bearer {self.bob.token}")])
            for _ in range(20):
                for sent in (short, short, slow):
                    peer.send_data(stream, wire.message(sent), end=False)
                    while (got := peer.read()) and got[0] != wire.DATA:
                        pass
                    peer.send(wire.frame(wire.WINDOW_UPDATE, 0, 0, struct.pack(">I", 1 << 16)))
            peer.send_data(stream, b"")
            status, _, _ = peer.finish(stream)
            return STATUS[status] if status is not None else "hung up"

        with Attack(16, flood) as attack:
            self.measure("quick: uma's Malloc", self.malloc)
        self.tell(attack)

    def looks(self):
        """A viewer who looks at another's heap."""
        self.uma.create("large")
        fill(self.uma, "large", 1_000_000, 16)
        with Attack(16, lambda _: self.vic.call(INSPECT + "CheckInvariants", field(1, "large"))[0]) as attack:
            self.measure("looks: uma's Malloc on the heap that vic checks", lambda: self.malloc("large"))
            self.measure("looks: uma's batch on it", lambda: self.uma.call(HEAP + "Apply", batch("large", [MALLOC, FREE] * 5000,
                         [1_000_001] * 10_000, [16] * 10_000))[0])
        self.tell(attack)

    def submissions(self):
        """Submissions that are refused, after a long look at what they would replay."""
        none = field(1, field(1, field(1, "steady-state") + field(3, 10_000_000))) + field(2, field(3, "none"))
        short = field(1, field(1, field(1, "steady-state") + field(3, 100))) + field(2, small_machine())
        with Attack(16, lambda _: self.bob.call(RUNS + "SubmitRun", none)[0]) as attack:
            self.measure("submissions: uma's SubmitRun", lambda: self.uma.call(RUNS + "SubmitRun", short)[0])
        self.tell(attack)

    def lists(self):
        """Lists of all runs, with a filter that none passes."""
        short = field(1, field(1, field(1, "steady-state") + field(3, 10))) + field(2, small_machine())
        for _ in range(3000):
            while self.bob.call(RUNS + "SubmitRun", short)[0] == "RESOURCE_EXHAUSTED":
                time.sleep(0.01)
        with Attack(16, lambda _: self.vic.call(RUNS + "ListRuns", field(5, "no such label"))[0]) as attack:
            self.measure("lists: uma's SubmitRun", lambda: self.uma.call(RUNS + "SubmitRun", short)[0])
            self.measure("lists: uma's ListRuns", lambda: self.uma.call(RUNS + "ListRuns")[0])
            with Attack(8, lambda _: self.bob.call(RUNS + "WatchRun", field(1, 1))[0]) as watches:
                self.measure("lists: uma's Malloc while ended runs are watched, too", self.malloc)
        self.tell(attack)
        self.tell(watches)

    def page(self):
        """What takes long of the page, on as many connections as it takes."""
        number = self.bob.run(3_000_000)
        names = [self.bob.open(number) for _ in range(8)]
        actions = ("holes", "tenants?address=0xc0400008", "seek?operation=2000000", "explain?operation=2900000")
        with Attack(128, lambda thread: self.bob.web("POST", f"/api/instances/{names[thread % 8]}/{actions[thread // 8 % 4]}")) as attack:
            self.measure("page: uma's list of runs", lambda: self.uma.web("GET", "/api/runs"), good=200)
            self.measure("page: uma's map", lambda: self.uma.web("GET", "/api/instances/umas/map"), good=200)
        self.tell(attack)

    def maps(self):
        """Maps of a machine that is busy."""
        number = self.bob.run(3_000_000)
        name = self.bob.open(number)
        with Attack(8, lambda _: self.bob.call(TRAVEL + "Explain", field(1, name) + field(2, random.randrange(1, 3_000_000)))[0]):
            with Attack(16, lambda thread: self.bob.web("GET", f"/api/instances/{name}/map?cells={64 + thread}")) as attack:
                self.measure("maps: uma's map", lambda: self.uma.web("GET", "/api/instances/umas/map"), good=200)
        self.tell(attack)

    def live(self):
        """Streams of the page."""
        with contextlib.ExitStack() as stack:
            statuses, open_streams = collections.Counter(), []
            for user, count in ((self.bob, 20), (self.uma, 2)):
                for _ in range(count):
                    connection = http.client.HTTPConnection(self.server.web, timeout=10)
                    stack.callback(connection.close)
                    connection.request("GET", "/api/instances/umas/live", headers={"Authorization": f"Bearer {user.token}"})
                    open_streams.append(connection.getresponse())
                    statuses[(user is self.uma, open_streams[-1].status)] += 1
            self.report.check(statuses[(True, 200)] == 2, f"live: uma's 2 streams beside bob's 20: {dict(statuses)}")

    def memory(self):
        """Host memory, which all machines share."""
        found = collections.Counter()
        for number in range(3):
            self.bob.create(f"fat-{number}")
        for number in range(3):
            for size in (64 << 20, 4 << 20, 256 << 10, 16 << 10):
                calloc = field(1, f"fat-{number}") + fixed32(2, 1) + fixed32(3, size)
                while (status := self.bob.call(HEAP + "Calloc", calloc))[0] == "OK" and dict(fields(status[2])).get(1, 0) == 0:
                    found["OK"] += 1
                found[status[0]] += 1
        self.report.say(f"bob's callocs: {dict(found)}")
        self.measure("memory: uma's calloc of 1 MiB", lambda: self.uma.call(HEAP + "Calloc", field(1, "umas") + fixed32(2, 1) +
                     fixed32(3, 1 << 20))[0])


OPTIONS = {"memory": ("--memory-max", str(512 << 20))}
TRIALS = ("travel", "streams", "quick", "looks", "submissions", "lists", "page", "maps", "live", "memory")


def main():
    factor = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    report = Report("One user's most costly calls, beside another's")
    for name in sys.argv[2:] or TRIALS:
        with Server("--log-level", "error", "--drain-time", "0s", *OPTIONS.get(name, ())) as server:
            trial = Trial(server, report, max(1.0, 8 * factor))
            getattr(trial, name)()
            report.check(server.alive(), f"{name}: 0 crashes")
    report.end()


if __name__ == "__main__":
    main()
