#!/usr/bin/python3
"""More connections than there are descriptors, and connections that keep silent: new clients are served all the same.

  1. 1,100 idle TCP connections at a limit of 1,024 descriptors, to gRPC, and then as many that have said HTTP/2's first words.
  2. 200 and then 1,000 silent connections to the web page.
  3. SIGTERM while idle and silent connections of each kind are open.

usage: connections.py [--tls] [--token]
"""

import socket
import time

import wire
from lab import Report, Server


def connect(address):
    """Says nothing, not even of TLS."""
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=10)


def begin_request(server):
    begun = server.connect(server.web)
    begun.sendall(b"GET / HT")
    return begun


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
            held = [begin_request(server) if i % 2 else connect(server.web) for i in range(count)]
            took, good = [], 0
            for _ in range(20):
                began = time.monotonic()
                status, _ = server.get(server.web, "/")
                took.append(time.monotonic() - began)
                good += status == 200
            report.check(good == 20, f"{count} silent HTTP connections: {good} of 20 pages")
            report.check_time(max(took) < 1, f"{count} silent HTTP connections: the slowest page in {max(took) * 1000:.0f} ms")
    for what in ("TCP", "HTTP/2", "HTTP"):
        with Server() as server:
            if what == "HTTP/2":
                held = wire.Peer(server.grpc)
                held.read()
            else:
                held = connect(server.grpc) if what == "TCP" else begin_request(server)
            time.sleep(0.2)
            seconds, code = server.stop()
            report.check_time(seconds < 2, f"SIGTERM beside an idle {what} connection: ended in {seconds:.2f} s")
            report.check(code == 0, f"{what}: exit code {code}")
    report.end()


if __name__ == "__main__":
    main()
