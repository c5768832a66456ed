#!/usr/bin/python3
"""Uploads that stop after one chunk: others are taken in their place, at once or when they try again a second later.

usage: silent_uploads.py [SILENT]        100 by default
"""

import sys
import time

import wire
from lab import STATUS, Report, Server, field, percentile

PATH = "/alloclab.v1.Workloads/UploadTrace"


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    report = Report(f"Silent uploads: {count}")
    with Server("--log-level", "error") as server:
        silent = []
        for number in range(count):
            peer = wire.Peer(server.grpc)
            stream = peer.open(PATH)
            peer.send_data(stream, wire.message(field(1, "silent") + field(2, b"a 0 100\n")), end=False)
            silent.append(peer)
        took, tries = [], 0
        for number in range(10):
            began = time.monotonic()
            while True:
                peer = wire.Peer(server.grpc)
                status, text, _ = peer.call(PATH, field(1, "good") + field(2, f"a 0 {100 + number}\nf 0\n"))
                peer.close()
                tries += 1
                if status == 0 or time.monotonic() - began > 60:
                    break
                if STATUS[status] != "RESOURCE_EXHAUSTED":
                    report.say(f"{STATUS[status]}: {text}")
                time.sleep(0.1)
            took.append(time.monotonic() - began)
        report.check(max(took) <= 3, f"10 uploads beside {count} silent ones: slowest {max(took):.2f} s, median {percentile(took, 0.5):.2f} s, "
                     f"{tries} tries")
        for peer in silent:
            peer.close()
    report.end()


if __name__ == "__main__":
    main()
