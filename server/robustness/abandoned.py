#!/usr/bin/python3
"""Clients that are killed in the middle of their calls: what they held is free again, soon and to the last descriptor.

usage: abandoned.py [CLIENTS]        2,000 by default, killed 100 at a time

What is held after all is compared with that after the first half. Until then each thread of the server still fills the small store
of free pieces that the C library keeps for it, which is bounded; what that comes to is said.
"""

import os
import signal
import struct
import sys
import time

import wire
from lab import Report, Server, field, fixed32

AT_ONCE, SECONDS_MAX = 100, 5


def abandon(server, number):
    """What a client does until it is killed: a stream under way, a watched run, half an upload, a call not yet complete."""
    peer = wire.Peer(server.grpc)
    batch = field(1, "busy") + field(3, b"\0\3") + field(4, bytes(8)) + field(5, struct.pack("<II", 64, 0))
    stream = peer.open("/alloclab.v1.Heap/Stream")
    peer.send(wire.frame(wire.DATA, 0, stream, wire.message(batch)))
    stream = peer.open("/alloclab.v1.Workloads/UploadTrace")
    peer.send(wire.frame(wire.DATA, 0, stream, wire.message(field(1, "t") + field(2, b"x" * 10_000))))
    stream = peer.open("/alloclab.v1.Inspect/WalkBlocks")
    peer.send(wire.frame(wire.DATA, wire.END_STREAM, stream, wire.message(field(1, "busy"))))
    stream = peer.open("/alloclab.v1.Heap/Malloc")
    peer.send(wire.frame(wire.DATA, 0, stream, wire.message(field(1, "busy") + fixed32(2, 16))[:3]))
    while True:
        time.sleep(60)


def settled(server):
    """Descriptors and threads, once the last scrape's connection is closed: the least of some looks."""
    server.get(server.metrics, "/metrics")
    looks = []
    for _ in range(10):
        time.sleep(0.1)
        looks.append(server.figures())
    return min(look["descriptors"] for look in looks), min(look["threads"] for look in looks)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    half = count // 2
    report = Report(f"Abandoned clients: {count}")
    with Server("--log-level", "error") as server:
        server.create("busy")
        for _ in range(3):  # what the server makes at its first calls stays
            server.healthy()
            peer = wire.Peer(server.grpc)
            for _ in range(200):
                peer.call("/alloclab.v1.Heap/Malloc", field(1, "busy") + fixed32(2, 16))
            peer.close()
        time.sleep(1)
        first = server.gauge("alloclab_server_instances")
        slowest, base, most, begun = 0.0, None, 0, None
        for start in range(0, count, AT_ONCE):
            children = []
            for number in range(start, min(start + AT_ONCE, count)):
                child = os.fork()
                if child == 0:
                    try:
                        abandon(server, number)
                    finally:
                        os._exit(0)
                children.append(child)
            time.sleep(1)
            most = max(most, server.gauge("alloclab_server_inflight_streams"))
            for child in children:
                os.kill(child, signal.SIGKILL)
            began = time.monotonic()
            for child in children:
                os.waitpid(child, 0)
            while (server.gauge("alloclab_server_inflight_streams") or server.gauge("alloclab_server_connections")) and \
                    time.monotonic() - began < 60:
                time.sleep(0.05)
            slowest = max(slowest, time.monotonic() - began)
            if begun is None:
                time.sleep(3)
                begun = server.figures()["rss"]
            if base is None and start + AT_ONCE >= half:
                time.sleep(3)
                base = settled(server), server.figures()["rss"]
        time.sleep(3)
        last = settled(server), server.figures()["rss"]
        report.say(f"resident memory after the first {AT_ONCE}: {begun / 2**20:.1f} MiB")
        report.say(f"data streams open at once: up to {most:.0f}")
        report.check(slowest <= SECONDS_MAX, f"their streams and connections are gone after {slowest:.2f} s (at most 5)")
        report.check(last[0][0] <= base[0][0], f"descriptors: {base[0][0]} after {half}, {last[0][0]} after all")
        report.check(last[0][1] <= base[0][1], f"threads: {base[0][1]} after {half}, {last[0][1]} after all")
        report.check(server.gauge("alloclab_server_instances") == first, f"instances: {first:.0f} before and after")
        report.check(last[1] <= 1.05 * base[1], f"resident memory: {base[1] / 2**20:.1f} MiB after {half}, {last[1] / 2**20:.1f} MiB after all "
                     "(at most 5 % more)")
    report.end()


if __name__ == "__main__":
    main()
