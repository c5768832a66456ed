#!/usr/bin/python3
"""More calls than the server can serve: how many are, how soon the others are told, and what a client with few calls notices.

Each connection keeps a number of calls in flight, as many as it was told; all of them are small operations. First the peak is found,
then many more are kept in flight, then the load goes. Clients and server share the machine: the clients send bytes made in advance
and only look for the ends of streams, so that they take as little of it as may be.

usage: overload.py [SECONDS]        of each level, 10 by default
"""

import multiprocessing
import os
import selectors
import struct
import sys
import time

import wire
from lab import Report, Server, field, fixed32, percentile

PROCESSES = 2
LEVELS = [(1, 64), (4, 64), (8, 32), (16, 64), (100, 100)]  # connections, calls in flight of each
PEAK_SHARE, REFUSAL_SECONDS = 0.9, 0.010


class Load:
    """One connection that keeps calls in flight."""

    def __init__(self, address, in_flight):
        self.peer = wire.Peer(address)
        self.peer.socket.setblocking(False)
        self.block = wire.call_headers("/alloclab.v1.Heap/Free")
        self.data = wire.message(field(1, "busy") + fixed32(2, 0))
        self.buffer, self.out, self.began = b"", b"", {}
        self.served = self.refused = 0
        self.took, self.refusals, self.hinted = [], [], 0
        self.received = 0
        for _ in range(in_flight):
            self.begin()

    def begin(self):
        stream = self.peer.next_stream
        self.peer.next_stream += 2
        self.out += (wire.frame(wire.HEADERS, wire.END_HEADERS, stream, self.block) +
                     wire.frame(wire.DATA, wire.END_STREAM, stream, self.data))
        self.began[stream] = time.monotonic()

    def flush(self):
        try:
            while self.out:
                self.out = self.out[self.peer.socket.send(self.out):]
        except BlockingIOError:
            pass

    def take(self):
        """Whatever has come; False when the server hung up."""
        try:
            more = self.peer.socket.recv(1 << 18)
        except BlockingIOError:
            return True
        except OSError:
            return False
        if not more:
            return False
        self.buffer += more
        at, size = 0, len(self.buffer)
        while size - at >= 9:
            length = int.from_bytes(self.buffer[at:at + 3], "big")
            if size - at < 9 + length:
                break
            kind, flags = self.buffer[at + 3], self.buffer[at + 4]
            stream = int.from_bytes(self.buffer[at + 5:at + 9], "big") & 0x7FFFFFFF
            payload = self.buffer[at + 9:at + 9 + length]
            at += 9 + length
            if kind == wire.SETTINGS and not flags & wire.ACK:
                self.out += wire.frame(wire.SETTINGS, wire.ACK, 0)
            elif kind == wire.PING and not flags & wire.ACK:
                self.out += wire.frame(wire.PING, wire.ACK, 0, payload)
            elif kind == wire.DATA:
                self.received += length
            elif (kind == wire.HEADERS and flags & wire.END_STREAM) or kind == wire.RST_STREAM:
                self.end(stream, kind, payload)
        self.buffer = self.buffer[at:]
        if self.received > 1 << 20:
            self.out += wire.frame(wire.WINDOW_UPDATE, 0, 0, struct.pack(">I", self.received))
            self.received = 0
        return True

    def end(self, stream, kind, payload):
        took = time.monotonic() - self.began.pop(stream, time.monotonic())
        if kind == wire.HEADERS and wire.decode_headers(payload).get("grpc-status") == "0":
            self.served += 1
            self.took.append(took)
        else:
            self.refused += 1
            self.refusals.append(took)
            self.hinted += b"grpc-status-details-bin" in payload
        self.begin()


def drive(address, connections, in_flight, seconds, out):
    selector = selectors.DefaultSelector()
    loads = []
    for _ in range(connections):
        load = Load(address, in_flight)
        selector.register(load.peer.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, load)
        loads.append(load)
    began, lost = time.monotonic(), 0
    warm = False
    while (now := time.monotonic()) - began < seconds + 1:
        if not warm and now - began >= 1:  # of which the first is not counted
            warm = True
            for load in loads:
                load.served = load.refused = load.hinted = 0
                load.took, load.refusals = [], []
        for key, _ in selector.select(0.1):
            load = key.data
            if not load.take():
                selector.unregister(load.peer.socket)
                lost += 1
                continue
            load.flush()
            selector.modify(load.peer.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if load.out else 0), load)
    out.put({"served": sum(load.served for load in loads), "refused": sum(load.refused for load in loads),
             "hinted": sum(load.hinted for load in loads), "took": percentile([t for load in loads for t in load.took], 0.99),
             "refusals": percentile([t for load in loads for t in load.refusals], 0.99) if any(load.refusals for load in loads) else 0,
             "lost": lost, "least": min(load.served for load in loads), "most": max(load.served for load in loads)})


def few_calls(address, seconds, out):
    """A client with one call at a time, from the second second on."""
    time.sleep(1)
    peer, took, refused, end = wire.Peer(address), [], 0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        status, _, _ = peer.call("/alloclab.v1.Heap/Free", field(1, "busy") + fixed32(2, 0))
        took.append(time.monotonic() - began)
        refused += status != 0
    out.put((took, refused))


def level(server, connections, in_flight, seconds):
    out, other = multiprocessing.Queue(), multiprocessing.Queue()
    workers = min(PROCESSES, connections)
    shares = [connections // workers + (i < connections % workers) for i in range(workers)]
    processes = [multiprocessing.Process(target=drive, args=(server.grpc, share, in_flight, seconds, out)) for share in shares]
    processes.append(multiprocessing.Process(target=few_calls, args=(server.grpc, seconds, other)))
    before = server.cpu_seconds()
    for process in processes:
        process.start()
    results, (took, refused) = [out.get() for _ in shares], other.get()
    for process in processes:
        process.join()
    cpu = (server.cpu_seconds() - before) / (seconds + 1)
    total = {name: sum(result[name] for result in results) for name in ("served", "refused", "hinted", "lost")}
    total |= {name: max(result[name] for result in results) for name in ("took", "refusals", "most")}
    total |= {"least": min(result["least"] for result in results), "others": percentile(took, 0.99), "other_calls": len(took),
              "other_refused": refused, "rate": total["served"] / seconds, "cpu": cpu}
    return total


def main():
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    report = Report(f"Overload: {seconds:.0f} s a level, {os.cpu_count()} processors for clients and server")
    with Server("--log-level", "error") as server:
        server.create("busy")
        found = []
        for connections, in_flight in LEVELS:
            got = level(server, connections, in_flight, seconds)
            found.append(got)
            report.say(f"{connections * in_flight:6} in flight on {connections:3} connections: {got['rate']:.0f} served/s, p99 "
                       f"{got['took'] * 1000:.0f} ms, {got['refused'] / seconds:.0f} refused/s, {got['lost']} hung up on; connections got "
                       f"{got['least']} to {got['most']}; one call at a time: {got['other_calls'] / seconds:.0f}/s, p99 "
                       f"{got['others'] * 1000:.1f} ms, {got['other_refused']} refused; server's share {got['cpu']:.2f} processors")
        peak, last = max(got["rate"] for got in found), found[-1]
        report.check(last["rate"] >= PEAK_SHARE * peak, f"with 10,000 in flight: {100 * last['rate'] / peak:.0f} % of the peak of {peak:.0f}/s "
                     "(at least 90 %)")
        report.check(last["other_refused"] == 0, f"of another client's {last['other_calls']} calls {last['other_refused']} were refused")
        report.check(last["refused"] == 0 or (last["refusals"] <= REFUSAL_SECONDS and last["hinted"] == last["refused"]),
                     f"{last['refused']} refusals, p99 {last['refusals'] * 1000:.1f} ms (at most 10), {last['hinted']} say when to retry")
        after = level(server, *LEVELS[1], seconds)
        report.check(after["rate"] >= PEAK_SHARE * found[1]["rate"], f"afterwards, {LEVELS[1][0] * LEVELS[1][1]} in flight: "
                     f"{after['rate']:.0f}/s, before {found[1]['rate']:.0f}/s")
    report.end()


if __name__ == "__main__":
    main()
