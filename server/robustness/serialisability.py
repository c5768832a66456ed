#!/usr/bin/python3
"""Many clients on one instance: each reply carries the number of its operation, and the same operations in the order of these numbers,
done by one client on a fresh instance, give the same addresses.

usage: serialisability.py [OPERATIONS] [SEED] [--tls] [--token]        1,000,000 and 1 by default, by 32 clients
"""

import multiprocessing
import random
import selectors
import struct
import sys

import wire
from lab import Report, Server, field, fields, fixed32

CLIENTS, PROCESSES, IN_FLIGHT = 32, 2, 8
REPLAYED_AT_ONCE = 4096
MALLOC, FREE = 0, 3
MEGABYTES = 64


class Client:
    """One connection, a few operations in flight; it frees what it was given."""

    def __init__(self, address, operations, seed):
        self.peer = wire.Peer(address)
        self.peer.socket.setblocking(False)
        self.random, self.left = random.Random(seed), operations
        self.blocks = {kind: wire.call_headers(f"/alloclab.v1.Heap/{name}") for kind, name in ((MALLOC, "Malloc"), (FREE, "Free"))}
        self.live, self.asked, self.data, self.done = [], {}, {}, []
        self.out = self.buffer = b""
        self.errors = 0
        for _ in range(min(IN_FLIGHT, operations)):
            self.begin()

    def begin(self):
        if self.left == 0:
            return
        self.left -= 1
        stream = self.peer.next_stream
        self.peer.next_stream += 2
        if self.live and self.random.random() < 0.5:
            at = self.random.randrange(len(self.live))
            self.live[at], self.live[-1] = self.live[-1], self.live[at]
            kind, argument = FREE, self.live.pop()
        else:
            kind, argument = MALLOC, self.random.randrange(1, 2000)
        self.asked[stream] = kind, argument
        body = wire.message(field(1, "shared") + fixed32(2, argument))
        self.out += wire.frame(wire.HEADERS, wire.END_HEADERS, stream, self.blocks[kind])
        self.out += wire.frame(wire.DATA, wire.END_STREAM, stream, body)

    def move(self):
        """Sends and takes what can be; whether there is more to come."""
        try:
            while self.out:
                self.out = self.out[self.peer.socket.send(self.out):]
        except wire.WOULD_WAIT:
            pass
        try:
            while True:  # a record of TLS at a time; the selector does not know of those that are decrypted
                more = self.peer.socket.recv(1 << 18)
                if not more:
                    sys.exit("the server hung up")
                self.buffer += more
        except wire.WOULD_WAIT:
            pass
        at = taken = 0
        while len(self.buffer) - at >= 9:
            size = int.from_bytes(self.buffer[at:at + 3], "big")
            if len(self.buffer) - at < 9 + size:
                break
            kind, flags = self.buffer[at + 3], self.buffer[at + 4]
            stream, payload = int.from_bytes(self.buffer[at + 5:at + 9], "big"), self.buffer[at + 9:at + 9 + size]
            at += 9 + size
            if kind == wire.DATA:
                self.data[stream] = self.data.get(stream, b"") + payload
                taken += size
            elif kind == wire.HEADERS and flags & wire.END_STREAM:
                self.end(stream, payload)
            elif kind in (wire.SETTINGS, wire.PING) and not flags & wire.ACK:
                self.out += wire.frame(kind, wire.ACK, 0, payload if kind == wire.PING else b"")
        self.buffer = self.buffer[at:]
        if taken:
            self.out += wire.frame(wire.WINDOW_UPDATE, 0, 0, struct.pack(">I", taken))
        return bool(self.asked)

    def end(self, stream, payload):
        kind, argument = self.asked.pop(stream)
        reply = self.data.pop(stream, b"")
        if wire.decode_headers(payload).get("grpc-status") != "0":
            self.errors += 1
        else:
            values = dict(fields(reply[5:]))
            outcome, address = values.get(1, 0), values.get(2, 0)
            if kind == MALLOC and address:
                self.live.append(address)
            self.done.append((values[3], kind, argument, outcome, address))
        self.begin()


def drive(address, clients, operations, seed, out):
    selector = selectors.DefaultSelector()
    all_clients = [Client(address, operations, seed * 1000 + i) for i in clients]
    for client in all_clients:
        selector.register(client.peer.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, client)
    while selector.get_map():
        for key, _ in selector.select():
            client = key.data
            if client.move():
                selector.modify(client.peer.socket, selectors.EVENT_READ | (selectors.EVENT_WRITE if client.out else 0), client)
            else:
                selector.unregister(client.peer.socket)
    out.put(([done for client in all_clients for done in client.done], sum(client.errors for client in all_clients)))


def replay(server, operations):
    """Outcome and address of each operation, by one client on an instance of its own."""
    peer, handles, found = wire.Peer(server.grpc), {}, []
    unused = 0
    for start in range(0, len(operations), REPLAYED_AT_ONCE):
        part = operations[start:start + REPLAYED_AT_ONCE]
        kinds, blocks, sizes = bytearray(), [], []
        for _, kind, argument, _, address in part:
            kinds.append(kind)
            if kind == MALLOC:
                blocks.append(unused)
                sizes.append(argument)
                if address:
                    handles[address] = unused
                unused += 1
            else:
                blocks.append(handles.pop(argument))
                sizes.append(0)
        pack = struct.Struct(f"<{len(part)}I").pack
        status, text, reply = peer.call("/alloclab.v1.Heap/Apply", field(1, "alone") + field(3, bytes(kinds)) +
                                        field(4, pack(*blocks)) + field(5, pack(*sizes)))
        if status != 0:
            sys.exit(f"Apply: {status} {text}")
        values = dict(fields(reply))
        addresses = struct.unpack(f"<{len(part)}I", values[4])
        outcomes = values.get(5, bytes(len(part)))
        found.extend(zip(outcomes, addresses))
    return found


def main():
    count, seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000, int(sys.argv[2]) if len(sys.argv) > 2 else 1
    report = Report(f"Serialisability: {count} operations by {CLIENTS} clients, seed {seed}")
    with Server("--log-level", "error") as server:
        for name in ("shared", "alone"):
            server.create(name, MEGABYTES)
        out = multiprocessing.Queue()
        workers = [multiprocessing.Process(target=drive, args=(server.grpc, range(i, CLIENTS, PROCESSES), count // CLIENTS, seed, out))
                   for i in range(PROCESSES)]
        for worker in workers:
            worker.start()
        results = [out.get() for _ in workers]
        for worker in workers:
            worker.join()
        operations = sorted(done for result, _ in results for done in result)
        errors = sum(bad for _, bad in results)
        numbers = [operation[0] for operation in operations]
        report.check(errors == 0, f"{len(operations)} operations done, {errors} errors")
        report.check(numbers == list(range(1, len(operations) + 1)), "their numbers are 1 to the last, each once")
        switches = sum(1 for a, b in zip(operations, operations[1:]) if a[1] != b[1])
        report.say(f"{sum(1 for o in operations if o[1] == MALLOC)} mallocs, {switches} changes between malloc and free")
        found = replay(server, operations)
        wrong = [(operation, other) for operation, other in zip(operations, found)
                 if other[0] != operation[3] or (operation[1] == MALLOC and other[1] != operation[4])]
        report.check(not wrong and len(found) == len(operations), f"replayed in the order of the numbers: {len(wrong)} of {len(found)} "
                     f"outcomes or addresses differ {wrong[:2]}")
    report.end()


if __name__ == "__main__":
    main()
