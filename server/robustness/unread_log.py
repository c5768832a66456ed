#!/usr/bin/python3
"""A standard error that nobody reads: runs are submitted and answered all the same.

usage: unread_log.py [RUNS]        2,000 by default, each of which writes its line to the log
"""

import os
import sys
import time

import wire
from lab import Report, Server, field


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    report = Report(f"Unread log: {count} runs")
    unread, written = os.pipe()
    with Server("--queued-runs-max", str(count), "--log-level", "debug", stderr=written) as server:
        peer, good, slowest = wire.Peer(server.grpc), 0, 0.0
        run = field(1, field(1, field(1, "steady-state") + field(3, 100)))
        for number in range(count):
            began = time.monotonic()
            status, text, _ = peer.call("/alloclab.v1.Runs/SubmitRun", run)
            slowest = max(slowest, time.monotonic() - began)
            good += status == 0
            if status != 0 and number == good:
                report.say(f"run {number}: {status} {text}")
        peer.close()
        report.check(good == count, f"{good} of {count} accepted, slowest {slowest * 1000:.0f} ms")
        report.check(server.healthy()[0], "the server is SERVING")
        seconds, code = server.stop()
        report.check(code == 0, f"ends as asked: exit code {code} in {seconds:.1f} s")
    os.close(unread)
    report.end()


if __name__ == "__main__":
    main()
