#!/usr/bin/python3
"""More calls than the server can serve: how many are, how soon the others are told, and what a client with few calls notices.

The server has one processor and its clients another, at every level, so that neither takes time from the other; the clients are
offer_calls, which costs little. First calls are kept in flight, ever more of them,
which gives the peak; then they fall due at three times the peak, whatever became of those before. Clients keep to the streams that
the server allows a connection, as those of gRPC do: what finds none waits at the client, and is given up after a second. Last come
walks through a large heap, each some hundred times as long, at three times what the server can do of them.

usage: overload.py [SECONDS] [--tls] [--token]        of each level, 10 by default
"""

import multiprocessing
import os
import struct
import sys
import time

import wire
from lab import STREAMS, Report, Server, field, fixed32, percentile

SERVER_CPU, CLIENT_CPU = {0}, {1}
IN_FLIGHT = [(connections, STREAMS) for connections in (2, 8, 32, 320)]  # connections, calls in flight of each
PEAK_SHARE, REFUSAL_SECONDS, OVERLOAD = 0.9, 0.010, 3
SMALL = ("/alloclab.v1.Heap/Free", field(1, "busy") + fixed32(2, 0))
WALK = ("/alloclab.v1.Heap/Malloc", field(1, "long") + fixed32(2, 3 << 20))  # more than is free: looks at every block
BLOCKS = 32768


def few_calls(address, seconds, call, out):
    """A client with one call at a time, from one second on."""
    os.sched_setaffinity(0, CLIENT_CPU)
    time.sleep(1)
    peer, took, refused, end = wire.Peer(address), [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        status, _, _ = peer.call(*call)
        took.append(time.monotonic() - began)
        refused += status != 0
    out.put((took, refused))


def offer(server, call, connections, streams, rate, seconds):
    """What became of the calls that were offered, and of another client's."""
    out = multiprocessing.Queue()
    other = multiprocessing.Process(target=few_calls, args=(server.grpc, seconds, SMALL, out))
    before = server.cpu_seconds()
    other.start()
    got = server.offer_calls(call[0], call[1].hex(), connections, streams, rate, seconds,
                             before=lambda: os.sched_setaffinity(0, CLIENT_CPU))
    took, refused = out.get()
    other.join()
    got |= {"rate": got["served"] / got["seconds"], "others": percentile(took, 0.99), "other_calls": len(took),
            "other_refused": refused, "cpu": (server.cpu_seconds() - before) / (seconds + 1)}
    return got


def describe(got):
    per_second = {name: got[name] / got["seconds"] for name in ("refused", "given_up")}
    return (f"{got['rate']:.0f} served/s, p99 {got['p99'] * 1000:.0f} ms, {per_second['refused']:.0f} refused/s, "
            f"{per_second['given_up']:.0f} given up/s, {got['lost']} hung up on; connections got {got['least']} to {got['most']}; "
            f"another client, one call at a time: {got['other_calls'] / got['seconds']:.0f}/s, p99 {got['others'] * 1000:.1f} ms, "
            f"{got['other_refused']} refused; the server used {got['cpu']:.2f} processors")


def make_long_heap(server):
    """An instance whose heap has so many blocks that a walk through them takes a while."""
    engine = field(5, field(1, "heap.engine") + field(2, "literal")) + field(5, field(1, "heap.limit_bytes") + field(2, "4194304"))
    peer = wire.Peer(server.grpc)
    status, text, _ = peer.call("/alloclab.v1.Lab/CreateInstance", field(1, "long") + field(2, field(1, 16 << 20) + engine))
    if status == 0:
        batch = (field(1, "long") + field(3, b"\0" * BLOCKS) + field(4, struct.pack(f"<{BLOCKS}I", *range(BLOCKS))) +
                 field(5, struct.pack("<I", 16) * BLOCKS) + field(7, 1))
        status, text, _ = peer.call("/alloclab.v1.Heap/Apply", batch)
    peer.close()
    if status != 0:
        sys.exit(f"the long heap: {status} {text}")


def check(report, got, peak, title):
    report.check(got["rate"] >= PEAK_SHARE * peak, f"{title}: {100 * got['rate'] / peak:.0f} % of the peak of {peak:.0f}/s (at least 90 %)")
    report.check(got["other_refused"] == 0, f"{title}: of another client's {got['other_calls']} calls {got['other_refused']} were refused")
    report.check(got["refused"] == 0 or (got["refusals"] <= REFUSAL_SECONDS and got["hinted"] == got["refused"]),
                 f"{title}: {got['refused']} refusals, p99 {got['refusals'] * 1000:.1f} ms (at most 10), {got['hinted']} say when to retry")


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    report = Report(f"Overload: {seconds:.0f} s a level, the server on processor {SERVER_CPU}, its clients on {CLIENT_CPU}")
    with Server("--log-level", "error", processors=SERVER_CPU) as server:
        server.create("busy")
        make_long_heap(server)
        found = []
        for connections, streams in IN_FLIGHT:
            found.append(offer(server, SMALL, connections, streams, 0, seconds))
            report.say(f"{connections * streams:6} in flight on {connections:3} connections: {describe(found[-1])}")
        peak = max(got["rate"] for got in found)
        check(report, found[-1], peak, f"{IN_FLIGHT[-1][0] * IN_FLIGHT[-1][1]} in flight")
        got = offer(server, SMALL, *IN_FLIGHT[-1], OVERLOAD * peak, seconds)
        report.say(f"{OVERLOAD * peak:6.0f} due/s on {IN_FLIGHT[-1][0]} connections: {describe(got)}")
        check(report, got, peak, f"{OVERLOAD} times the peak")
        after = offer(server, SMALL, *IN_FLIGHT[1], 0, seconds)
        report.check(after["rate"] >= PEAK_SHARE * found[1]["rate"], f"afterwards, {IN_FLIGHT[1][0] * IN_FLIGHT[1][1]} in flight: "
                     f"{after['rate']:.0f}/s, before {found[1]['rate']:.0f}/s")
        capacity = offer(server, WALK, 4, 4, 0, seconds)
        report.say(f"    16 walks in flight on   4 connections: {describe(capacity)}")
        got = offer(server, WALK, *IN_FLIGHT[-1], OVERLOAD * capacity["rate"], seconds)
        report.say(f"{OVERLOAD * capacity['rate']:6.0f} walks due/s on {IN_FLIGHT[-1][0]} connections: {describe(got)}")
        check(report, got, capacity["rate"], f"{OVERLOAD} times the walks it can do")
    report.end()


if __name__ == "__main__":
    main()
