#!/usr/bin/python3
"""The proof of cluster.py on a real Docker engine: servers, database and network are those of a stack of Swarm (docker/stack.yaml).

docker/prove_cluster.sh deploys the stack and calls this. `alloclab compare --study`, in a container beside the servers, makes 200 cells.
Meanwhile servers are killed, the network of one is cut by packet filters in its namespace, and PostgreSQL is ended at once in the middle;
Swarm starts all of them again. The study must end by itself, each cell once, as on one container alone with SQLite, to the byte. Run by
root, on the one host of the swarm. Exit code 1 if anything was lost."""

import argparse
import collections
import functools
import json
import math
import random
import signal
import subprocess
import sys
import threading
import time

import cluster
from lab import Report
from wire import Peer

UNAVAILABLE = 14
STUDY = {"workloads": ["steady-state", "ramp-and-drain", "larson", "checkerboard", "sawtooth", "plateau-and-peak", "producer-consumer",
                       "compiler", "web-requests", "game-tick"],
         "heaps": cluster.HEAPS, "ram": ["64Mi", "128Mi", "256Mi", "512Mi"]}


def docker(*arguments, check=True):
    return subprocess.run(["docker", *arguments], check=check, capture_output=True, text=True).stdout.strip()


class Container:
    """A server in a container, called at its address on the bridge that the host shares with it."""

    def __init__(self, name):
        self.name = name
        networks = json.loads(docker("inspect", "--format", "{{json .NetworkSettings.Networks}}", name))
        addresses = [network["IPAddress"] for name, network in networks.items() if name == "bridge"]
        self.address = f"{(addresses or [self.gateway_address()])[0]}:7411"
        self.network, self.server = "bridge", self.address  # of a client

    def gateway_address(self):
        """Of a task of Swarm, which has an address on docker_gwbridge beside those of its overlays."""
        for id, one in json.loads(docker("network", "inspect", "docker_gwbridge"))[0]["Containers"].items():
            if id == docker("inspect", "--format", "{{.Id}}", self.name):
                return one["IPv4Address"].split("/")[0]
        raise OSError(f"{self.name} has no address on docker_gwbridge")

    def call(self, method, request):
        """As Replica.call."""
        try:
            peer = Peer(self.address, timeout=20)
            status, _, reply = peer.call(f"/alloclab.v1.Runs/{method}", request)
            peer.close()
            return UNAVAILABLE if status is None else status, reply
        except OSError:
            return UNAVAILABLE, b""


class Swarm:
    """The servers and the database of the stack. A container that ends is followed by another, of another name."""

    def __init__(self, stack):
        self.stack, self.lock, self.servers = stack, threading.Lock(), []
        self.network, self.server = f"{stack}_lab", "server:7411"  # of a client: a name with an address for each server
        self.look()

    def tasks(self, service):
        found = docker("ps", "--quiet", "--filter", f"label=com.docker.swarm.service.name={self.stack}_{service}")
        return found.split()

    def look(self):
        servers = []
        for name in self.tasks("server"):
            try:
                servers.append(Container(name))
            except (OSError, subprocess.CalledProcessError):
                pass  # it is gone already
        with self.lock:
            self.servers = servers

    def call(self, method, request):
        with self.lock:
            server = random.choice(self.servers) if self.servers else None
        status, reply = server.call(method, request) if server else (UNAVAILABLE, b"")
        if status == UNAVAILABLE:
            self.look()
        return status, reply

    def ask(self, sql):
        while True:
            try:
                return docker("exec", self.tasks("database")[0], "psql", "-U", "alloclab", "-d", "alloclab", "-Atc", sql)
            except (IndexError, subprocess.CalledProcessError):
                time.sleep(0.5)

    def kill(self, victim, over):
        servers = self.tasks("server")
        if servers:
            docker("kill", servers[victim % len(servers)], check=False)

    def cut(self, victim, over):
        """Every packet from and to the container is dropped, but for its own loopback, until its leases have run out."""
        servers = sorted(self.tasks("server"))
        process = docker("inspect", "--format", "{{.State.Pid}}", servers[victim % len(servers)])

        def filter_packets(how):
            for chain, option in (("INPUT", "-i"), ("OUTPUT", "-o")):
                subprocess.run(["nsenter", "--target", process, "--net", "iptables", how, chain, "!", option, "lo", "--jump", "DROP"],
                               check=how == "--append", capture_output=True)

        filter_packets("--append")
        over.wait(cluster.CUT_SECONDS)
        filter_packets("--delete")

    def end_database(self, seconds):
        """At once, as by a crash; Swarm has it start again."""
        for name in self.tasks("database"):
            docker("kill", "--signal", "QUIT", name)
        time.sleep(seconds)

    def events(self):
        """Of all containers that were, as long as Swarm remembers them."""
        counts = collections.Counter()
        for name in docker("ps", "--all", "--quiet", "--filter",
                           f"label=com.docker.swarm.service.name={self.stack}_server").split():
            log = subprocess.run(["docker", "logs", name], capture_output=True, text=True).stderr
            for event in ("run.taken", "run.lost"):
                counts[event] += log.count(event)
        return counts


def study(lab, options, report):
    """The numbers of its runs, cell by cell; it is one command, which nobody starts again."""
    done = subprocess.run(
        ["docker", "run", "--rm", "--network", lab.network, "alloclab:local", "alloclab", "--server", lab.server, "compare",
         *STUDY["workloads"], "--heap", ",".join(STUDY["heaps"]), "--ram", ",".join(STUDY["ram"]), "--operations",
         str(options.operations), "--study", "proof", "--fresh", "--output", "json"], capture_output=True, text=True)
    report.check(done.returncode == 0, f"the study ended with exit code {done.returncode}; its client's own server did not "
                 f"answer {done.stderr.count('does not answer')} times")
    if not done.stdout:
        sys.exit(done.stderr)
    runs = json.loads(done.stdout)["runs"]
    cells = {(run["workload"], run["heap_allocator"], run["ram_bytes"]) for run in runs}
    report.check(len(cells) == options.runs, f"{len(cells)} cells")
    return [int(run["run"]) for run in runs]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stack", default="alloclab-proof")
    parser.add_argument("--alone", required=True, help="the container with one server and SQLite")
    parser.add_argument("--operations", type=int, default=500_000, help="of a cell")
    parser.add_argument("--every", type=float, default=5, help="seconds between two troubles")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    random.seed(options.seed)
    options.runs = math.prod(len(values) for values in STUDY.values())
    lab = Swarm(options.stack)
    report = Report(f"a study of {options.runs} cells of {options.operations:,} operations on {len(lab.servers)} containers of "
                    f"{options.stack}; trouble every {options.every} s; seed {options.seed}")
    make = functools.partial(study, report=report)
    _, expected, seconds = cluster.replay_all(Container(options.alone), options, make)
    report.say(f"one container alone: {seconds:.1f} s")
    docker("stop", options.alone)
    cluster.prove(options, lab, expected, report, make)
    report.end()


if __name__ == "__main__":
    main()
