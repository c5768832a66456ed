#!/usr/bin/python3
"""Requests with bytes changed, cut, doubled and moved: each is answered with a status that is listed, and the server goes on.

usage: malformed.py [REQUESTS] [SEED]        100,000 and 1 by default
"""

import collections
import random
import sys

import wire
from lab import STATUS, Report, Server, field, fixed32, small_machine

BATCH = 1000  # requests between two looks at the server's health
# What the library itself says, without asking the server, of bytes that are no message: nothing, or that there are none. Whatever
# else is INTERNAL is the server's word, and none is expected.
LIBRARY = ("", "Couldn't initialize byte buffer reader")


def requests():
    """A good request of every unary method and of the streams, as (path, message)."""
    run = field(2, small_machine()) + field(1, field(1, field(1, "steady-state") + field(3, 1000)))
    heap, lab, inspect, runs, work = (f"/alloclab.v1.{name}/" for name in ("Heap", "Lab", "Inspect", "Runs", "Workloads"))
    name = field(1, "busy")
    batch = name + field(2, 7) + field(3, b"\0\1\3") + field(4, b"\0\0\0\0\1\0\0\0\0\0\0\0") + field(5, b"\x10\0\0\0\x20\0\0\0\0\0\0\0")
    return [
        (lab + "GetServer", b""), (lab + "GetCatalog", b""), (lab + "GetInstance", name), (lab + "ListInstances", field(1, 5)),
        (lab + "CreateInstance", field(1, "other") + field(2, small_machine()) + field(3, "id")),
        (lab + "DeleteInstance", field(1, "other")),
        (heap + "Malloc", name + fixed32(2, 100)), (heap + "Calloc", name + fixed32(2, 10) + fixed32(3, 10)),
        (heap + "Realloc", name + fixed32(2, 0xC0000008) + fixed32(3, 100)), (heap + "Free", name + fixed32(2, 0xC0000008)),
        (heap + "AllocatePages", name + fixed32(2, 4096)), (heap + "FreePages", name + fixed32(2, 1 << 20) + fixed32(3, 4096)),
        (heap + "Apply", batch), (heap + "Stream", batch),
        (inspect + "GetStatistics", name), (inspect + "WalkBlocks", name + field(4, 10)),
        (inspect + "ReadMemory", name + fixed32(2, 4096) + fixed32(3, 16) + field(4, 1)),
        (inspect + "Translate", name + fixed32(2, 0xC0000000)), (inspect + "CheckInvariants", name),
        (runs + "SubmitRun", run), (runs + "GetRun", field(1, 1)), (runs + "ListRuns", field(1, 5)), (runs + "WatchRun", field(1, 1)),
        (runs + "CancelRun", field(1, 1)), (runs + "DeleteRun", field(1, 1)), (runs + "DiffRuns", field(1, 1) + field(2, 2)),
        (work + "ListBuiltins", b""), (work + "UploadTrace", field(1, "t") + field(2, b"a 0 100\nf 0\n")),
    ]


def mutate(rng, data):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 8))):
        how, at = rng.randrange(6), rng.randrange(len(data) + 1)
        if how == 0 and at < len(data):
            data[at] ^= 1 << rng.randrange(8)
        elif how == 1 and at < len(data):
            data[at] = rng.choice((0, 1, 127, 128, 255, rng.randrange(256)))
        elif how == 2:
            data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 16)))
        elif how == 3:
            del data[at:at + rng.choice((1, 2, 8))]
        elif how == 4:
            data[at:at] = data[:rng.randrange(len(data) + 1)][:64]
        else:
            del data[at:]
    return bytes(data)


def request(rng, path, body):
    """The bytes of one call after its headers, mostly framed as gRPC wants it."""
    body = mutate(rng, body)
    framed = wire.message(body)
    return mutate(rng, framed)[:1 << 16] if rng.random() < 0.1 else framed


def main():
    count, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, int(sys.argv[2]) if len(sys.argv) > 2 else 1
    report = Report(f"Malformed requests: {count}, seed {seed}")
    rng, good = random.Random(seed), requests()
    seen, unlisted, none, slow, sick = collections.Counter(), collections.Counter(), 0, 0.0, 0
    with Server("--log-level", "error", "--queued-runs-max", "8") as server:
        server.create("busy")
        peer = wire.Peer(server.grpc)
        for number in range(count):
            path, body = rng.choice(good)
            stream = peer.open(path, [("grpc-timeout", "10S")])
            peer.send_data(stream, request(rng, path, body))
            status, text, _ = peer.finish(stream)
            if status is None:
                none += 1
                peer.close()
                peer = wire.Peer(server.grpc)
            else:
                name = STATUS[status]
                seen[name] += 1
                if name == "UNKNOWN" or (name == "INTERNAL" and text not in LIBRARY):
                    unlisted[f"{name}: {text}"] += 1
            if number % BATCH == BATCH - 1:
                ok, seconds = server.healthy()
                sick, slow = sick + (not ok), max(slow, seconds)
                if not server.alive():
                    break
            if peer.next_stream > 1 << 30:
                peer.close()
                peer = wire.Peer(server.grpc)
        report.say(", ".join(f"{name} {times}" for name, times in seen.most_common()) + f"; reset without a status {none}")
        report.check(server.alive(), "0 crashes")
        report.check(not unlisted, f"{sum(unlisted.values())} UNKNOWN or unlisted INTERNAL {dict(unlisted.most_common(5))}")
        report.check(sick == 0, f"health after each {BATCH}: {sick} times not SERVING")
        report.check_time(slow <= 1, f"slowest answer of that: {slow * 1000:.0f} ms (at most 1,000)")
        _, code = server.stop()
        report.check(code == 0, f"ends as asked: exit code {code}")
    report.end()


if __name__ == "__main__":
    main()
