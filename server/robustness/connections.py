#!/usr/bin/python3
"""More connections than there are descriptors, and connections that keep silent: new clients are served all the same.

  1. 1,100 idle TCP connections at a limit of 1,024 descriptors, to gRPC, and then as many that have said HTTP/2's first words.
  2. 200 and then 1,000 silent connections to the web page.
  3. SIGTERM while idle and silent connections of each kind are open.
"""

import socket
import time

import wire
from lab import Report, Server


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def crowd(server, report, count, make, what):
    held = [make() for _ in range(count)]
    answers = [server.healthy() for _ in range(20)]
    good = sum(ok for ok, _ in answers)
    report.check(good == 20, f"{count} {what}: {good} of 20 health checks of new clients SERVING, "
                 f"slowest {max(seconds for _, seconds in answers) * 1000:.0f} ms")
    status, _ = server.get(server.metrics, "/metrics")
    report.check(status == 200, f"{what}: /metrics answers {status}; connections "
                 f"{server.gauge('alloclab_server_connections'):.0f} of {server.gauge('alloclab_server_connections_limit'):.0f}, "
                 f"descriptors {server.figures()['descriptors']}")
    return held


def main():
    report = Report("Connections")
    with Server(descriptors=1024) as server:
        held = crowd(server, report, 1100, lambda: connect(server.grpc), "idle TCP connections")
        held += crowd(server, report, 1100, lambda: wire.Peer(server.grpc).socket, "idle HTTP/2 connections")
        report.check(server.alive(), "the server lives")
        del held
    for count in (200, 1000):
        with Server() as server:
            held = []
            for i in range(count):
                held.append(connect(server.web))
                if i % 2:
                    held[-1].sendall(b"GET / HT")
            took = []
            for _ in range(20):
                began = time.monotonic()
                status, _ = server.get(server.web, "/")
                took.append(time.monotonic() - began)
                if status != 200:
                    took.append(float("inf"))
            report.check(max(took) < 1, f"{count} silent HTTP connections: 20 pages, slowest {max(took) * 1000:.0f} ms")
    for what in ("TCP", "HTTP/2", "HTTP"):
        with Server() as server:
            if what == "HTTP/2":
                held = wire.Peer(server.grpc)
                held.read()
            else:
                held = connect(server.grpc if what == "TCP" else server.web)
                if what == "HTTP":
                    held.sendall(b"GET / HT")
            time.sleep(0.2)
            seconds, code = server.stop()
            report.check(code == 0 and seconds < 2, f"SIGTERM beside an idle {what} connection: exit code {code} in {seconds:.2f} s")
    report.end()


if __name__ == "__main__":
    main()
