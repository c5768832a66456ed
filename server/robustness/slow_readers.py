#!/usr/bin/python3
"""Streams whose clients stop reading: what each costs, whether it is ended, and what others notice.

usage: slow_readers.py [STREAMS]        1,000 by default, half data streams and half walks of blocks
"""

import struct
import sys
import time

import wire
from lab import Report, Server, field

PER_CONNECTION = 25
LOOK = "/alloclab.v1.Lab/GetInstance", field(1, "busy")
BYTES_MAX, SECONDS_MAX = 256 << 10, 45  # of memory a stream; the policy ends one after 30 s, and is looked after each second


def batch(operations):
    """A malloc and a free of so many handles, whose addresses come back."""
    handles = b"".join(struct.pack("<I", i) for i in range(operations))
    return (field(1, "busy") + field(3, b"\0" * operations + b"\3" * operations) + field(4, handles * 2) +
            field(5, struct.pack("<I", 64) * operations * 2))


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    report = Report(f"Slow readers: {count}")
    with Server("--log-level", "error") as server:
        server.create("busy", 64)
        filler = wire.Peer(server.grpc)
        handles = b"".join(struct.pack("<I", i) for i in range(20_000))
        filler.call("/alloclab.v1.Heap/Apply",
                    field(1, "busy") + field(3, b"\0" * 20_000) + field(4, handles) + field(5, struct.pack("<I", 16) * 20_000) + field(7, 1))
        alone, before = server.p99(*LOOK, 1000), server.figures()
        peers, data = [], wire.message(batch(2000))
        for number in range(count):
            if number % PER_CONNECTION == 0:
                peers.append(wire.Peer(server.grpc, window=1024, receive_buffer=4096))  # takes a kilobyte of each stream, then nothing
            peer = peers[-1]
            if number % 2:
                stream = peer.open("/alloclab.v1.Heap/Stream")
                peer.send_data(stream, data, end=False)
            else:
                stream = peer.open("/alloclab.v1.Inspect/WalkBlocks")
                peer.send(wire.frame(wire.DATA, wire.END_STREAM, stream, wire.message(field(1, "busy"))))
        time.sleep(3)
        during = server.figures()
        each = (during["rss"] - before["rss"]) / count
        report.check(each <= BYTES_MAX, f"resident memory: {each / 1024:.0f} KiB a stream (at most 256)")
        beside = server.p99(*LOOK, 1000)
        report.check(beside <= 1.5 * alone, f"p99 of another client: {alone * 1e6:.0f} us before, {beside * 1e6:.0f} us beside them "
                     "(at most 1.5 times)")
        began = time.monotonic()
        while (left := server.gauge("alloclab_server_inflight_streams")) > 0 and time.monotonic() - began < 120:
            time.sleep(0.5)
        seconds = time.monotonic() - began + 3
        report.check(left == 0 and seconds <= SECONDS_MAX, f"data streams still open: {left:.0f}, after {seconds:.0f} s (30 s and a tick)")
        for peer in peers:
            peer.close()
        ok, _ = server.healthy()
        report.check(ok, "the server is SERVING")
    report.end()


if __name__ == "__main__":
    main()
