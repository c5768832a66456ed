#!/usr/bin/python3
"""HTTP/2 that no honest client speaks: 10,000 streams at once, floods of pings and settings, streams opened and reset.

usage: transport_abuse.py [FACTOR] [--tls] [--token]        1 by default; 0.1 does a tenth of everything
"""

import multiprocessing
import socket
import struct
import sys
import time

import wire
from lab import Report, Server, field, percentile

RSS_MAX = 512 << 20
ROUNDS = 3  # of each attack, each with calls before it: what the machine does otherwise is in both


def latencies(address, seconds, out):
    """The other client: one call after another."""
    peer, took, end = wire.Peer(address), [], time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        status, _, _ = peer.call("/alloclab.v1.Lab/GetInstance", field(1, "busy"))
        took.append(time.monotonic() - began if status == 0 else float("inf"))
        time.sleep(0.002)
    out.put(took)


def measure(server, seconds, attack=None):
    out = multiprocessing.Queue()
    other = multiprocessing.Process(target=latencies, args=(server.grpc, seconds, out))
    other.start()
    said = attack() if attack else ""
    took = out.get()
    other.join()
    return percentile(took, 0.99), len(took), said


def drain(peer, seconds):
    """What the server answered: how many frames, and whether it sent the client away."""
    peer.socket.settimeout(seconds)
    away, frames = False, 0
    try:
        while (got := peer.read()) is not None:
            frames += 1
            away |= got[0] == wire.GOAWAY
        return frames, "hung up" + (" after GOAWAY" if away else "")
    except (TimeoutError, socket.timeout):
        return frames, "sent GOAWAY" if away else "still there"


def flood(server, data, times):
    """Sends as fast as it is taken, until the server hangs up. How many pieces went, and in what time."""
    peer, sent, began = wire.Peer(server.grpc), 0, time.monotonic()
    try:
        for _ in range(times):
            peer.send(data)
            sent += 1
    except OSError:
        pass
    return sent, time.monotonic() - began, peer


def many_streams(server, count):
    peer, refused = wire.Peer(server.grpc), 0
    try:
        for _ in range(count):
            peer.open("/alloclab.v1.Heap/Stream")
    except OSError:
        pass
    peer.socket.settimeout(3)
    try:
        while (got := peer.read()) is not None:
            refused += got[0] == wire.RST_STREAM
    except (TimeoutError, socket.timeout):
        pass
    opened = server.gauge("alloclab_server_inflight_streams")
    peer.close()
    return f"{opened:.0f} open at once, {refused} refused"


def pings(server, count):
    data = b"".join(wire.frame(wire.PING, 0, 0, struct.pack(">Q", i)) for i in range(100))
    sent, seconds, peer = flood(server, data, count // 100)
    return f"{sent * 100} pings in {seconds:.1f} s, then {drain(peer, 2)[1]}"


def slow_pings(server, seconds):
    peer, end, sent = wire.Peer(server.grpc), time.monotonic() + seconds, 0
    try:
        while time.monotonic() < end:
            peer.send(wire.frame(wire.PING, 0, 0, bytes(8)))
            sent += 1
            time.sleep(0.01)
    except OSError:
        pass
    return f"{sent} pings, one each 10 ms, then {drain(peer, 2)[1]}"


def settings(server, count):
    data = wire.settings(initial_window_size=65535) * 100
    sent, seconds, peer = flood(server, data, count // 100)
    return f"{sent * 100} SETTINGS in {seconds:.1f} s, then {drain(peer, 2)[1]}"


def resets(server, count):
    peer, block, sent, began = wire.Peer(server.grpc), wire.call_headers("/alloclab.v1.Lab/GetServer"), 0, time.monotonic()
    try:
        for start in range(0, count, 50):
            data = b""
            for i in range(start, start + 50):
                stream = 2 * i + 1
                data += wire.frame(wire.HEADERS, wire.END_HEADERS, stream, block)
                data += wire.frame(wire.RST_STREAM, 0, stream, struct.pack(">I", wire.CANCEL))
            peer.send(data)
            sent += 50
    except OSError:
        pass
    return f"{sent} streams opened and reset in {time.monotonic() - began:.1f} s, then {drain(peer, 2)[1]}"


def main():
    factor = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    report = Report(f"Transport abuse: factor {factor}")
    attacks = [("10,000 streams", lambda server: many_streams(server, int(10_000 * factor))),
               ("a ping each 10 ms", lambda server: slow_pings(server, 5)),
               ("a flood of pings", lambda server: pings(server, int(1_000_000 * factor))),
               ("a flood of SETTINGS", lambda server: settings(server, int(1_000_000 * factor))),
               ("rapid resets", lambda server: resets(server, int(200_000 * factor)))]
    for name, attack in attacks:
        with Server("--log-level", "error") as server:
            server.create("busy")
            trials = []
            for _ in range(ROUNDS):
                alone, calls, _ = measure(server, 5)
                beside, others, said = measure(server, 8, lambda: attack(server))
                trials.append((beside / alone, alone, calls, beside, others))
            _, alone, calls, beside, others = sorted(trials)[ROUNDS // 2]
            report.say(f"{name}: {said}")
            report.check(server.alive() and server.healthy()[0], f"{name}: the server is up and SERVING")
            if name == "rapid resets":
                report.check("hung up" in said, f"{name}: the client is hung up on")
            rss = server.figures()["rss"]
            report.check(rss <= RSS_MAX, f"{name}: {rss >> 20} MiB resident (at most {RSS_MAX >> 20})")
            report.check(beside <= 2 * alone, f"{name}: p99 of another client, the middle one of {ROUNDS} rounds: {alone * 1000:.2f} ms before ({calls} calls), "
                         f"{beside * 1000:.2f} ms beside it ({others} calls; at most twice)")
    report.end()


if __name__ == "__main__":
    main()
