#!/usr/bin/python3
"""/metrics of a server with many instances: how large, how slow, whether promtool likes it, and what scrapers cost others.

usage: metrics_endpoint.py [INSTANCES] [--tls] [--token]        10,000 by default; needs promtool for one of its figures
"""

import multiprocessing
import os
import shutil
import subprocess
import sys
import threading
import time

import wire
from lab import WITH_TOKEN, Report, Server, field, fixed32, percentile

SERIES_MAX, BYTES_MAX, SECONDS_MAX = 2_000, 1 << 20, 0.2
SCRAPERS = 100
CALLS = 30_000  # some ten seconds
MALLOC = "/alloclab.v1.Heap/Malloc", field(1, "i-0") + fixed32(2, 16)


def scrape_often(server, token, stop, answers):
    """Scrapers are on machines of their own: here they take what processor time is left over, so that what the server does for
    them is measured, and not they."""
    os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    statuses = []

    def scrape():
        while not stop.wait(5):  # as Prometheus does at its fastest usual interval
            statuses.append(server.get(server.metrics, "/metrics", token=token)[0])

    threads = [threading.Thread(target=scrape) for _ in range(SCRAPERS)]
    for thread in threads:
        thread.start()
        time.sleep(5 / SCRAPERS)
    for thread in threads:
        thread.join()
    answers.put(statuses)


def main():
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    report = Report(f"Metrics endpoint: {count} instances")
    with Server("--log-level", "error") as server:
        scraper = server.make_token("prometheus", "viewer") if WITH_TOKEN else None
        peer = wire.Peer(server.grpc)
        for i in range(count):
            status, text, _ = peer.call("/alloclab.v1.Lab/CreateInstance", field(1, f"i-{i}") + field(2, field(1, 1 << 20)))
            if status != 0:
                sys.exit(f"CreateInstance {i}: {status} {text}")
        peer.close()
        took, body = [], b""
        for _ in range(100):
            began = time.monotonic()
            _, body = server.get(server.metrics, "/metrics", token=scraper)
            took.append(time.monotonic() - began)
        series = sum(1 for line in body.decode().splitlines() if line and not line.startswith("#"))
        report.check(series <= SERIES_MAX, f"{series} series (at most {SERIES_MAX})")
        report.check(len(body) <= BYTES_MAX, f"{len(body)} bytes (at most {BYTES_MAX})")
        report.check(percentile(took, 0.99) <= SECONDS_MAX, f"100 scrapes: p99 {percentile(took, 0.99) * 1000:.0f} ms (at most 200)")
        if shutil.which("promtool"):
            lint = subprocess.run(["promtool", "check", "metrics"], input=body, capture_output=True)
            report.check(lint.returncode == 0 and not lint.stderr, f"promtool check metrics: exit code {lint.returncode}, "
                         f"{len(lint.stderr.splitlines())} remarks {lint.stderr.decode()[:300]}")
        else:
            report.check(False, "promtool is not installed")
        alone = server.p99(*MALLOC, CALLS)
        stop, answers = multiprocessing.Event(), multiprocessing.Queue()
        scrapers = multiprocessing.Process(target=scrape_often, args=(server, scraper, stop, answers))  # not in the way of the client's thread
        scrapers.start()
        time.sleep(6)
        beside = server.p99(*MALLOC, CALLS)
        time.sleep(5)
        stop.set()
        statuses = answers.get()
        scrapers.join()
        bad = sum(status != 200 for status in statuses)
        report.check(bad == 0 and statuses, f"{SCRAPERS} scrapers, every 5 s: {len(statuses)} scrapes, {bad} not answered with 200")
        report.check(beside <= 1.1 * alone, f"p99 of a call: {alone * 1e6:.0f} us alone, {beside * 1e6:.0f} us beside the scrapers "
                     "(at most 10 % more)")
    report.end()


if __name__ == "__main__":
    main()
