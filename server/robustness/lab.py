"""A server to be maltreated, its messages by hand, and the counts that each of these programs prints.

--tls and --token are taken out of sys.argv before a program reads the rest of it: the server and every wire.Peer then speak TLS, and
show the token of an admin. README.md says which programs that is for.
"""

import http.client
import json
import os
import pathlib
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time

import wire

STATUS = ["OK", "CANCELLED", "UNKNOWN", "INVALID_ARGUMENT", "DEADLINE_EXCEEDED", "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED",
          "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION", "ABORTED", "OUT_OF_RANGE", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE",
          "DATA_LOSS", "UNAUTHENTICATED"]


def option(name):
    """Whether it was given; it is taken out."""
    given = name in sys.argv[1:]
    if given:
        sys.argv.remove(name)
    return given


BY_TLS, WITH_TOKEN = option("--tls"), option("--token")


def limit(name):
    """The constant of limits.h that is called so."""
    text = pathlib.Path(__file__).resolve().parent.parent.joinpath("limits.h").read_text()
    return int(re.search(rf"\b{name} = ([\d']+);", text).group(1).replace("'", ""))


STREAMS = limit("kStreamsPerConnectionMax")


def client_context(folder, shown=None):
    """Of TLS, for gRPC: trusts the authority of that folder of `alloclab tls init`, and shows the certificate of another."""
    context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    context.set_alpn_protocols(["h2"])
    if shown:
        context.load_cert_chain(shown / "client.pem", shown / "client.key")
    return context


def make_certificates(program, folder, *more):
    """Of `alloclab tls init`, beside that program."""
    client = str(pathlib.Path(program).with_name("alloclab"))
    subprocess.run([client, "tls", "init", "--directory", str(folder), "--host", "127.0.0.1", *more], check=True, capture_output=True)


def make_token(program, name, role, data_dir, *more):
    made = subprocess.run([program, "token", "create", name, "--role", role, "--data-dir", str(data_dir), *more], check=True,
                          capture_output=True)
    return made.stdout.decode().strip()


def secure(program, root, data_dir):
    """What --tls and --token want of a server, its options, and of wire.Peer from now on. Certificates are in `root`/tls."""
    options, wire.tls, wire.token = [], None, None
    if BY_TLS:
        make_certificates(program, root / "tls")
        options = ["--tls-cert", str(root / "tls/server.pem"), "--tls-key", str(root / "tls/server.key"),
                   "--handshakes-max", "0"]  # all clients have one address
        wire.tls = client_context(root / "tls")
    if WITH_TOKEN:
        wire.token = make_token(program, "robustness", "admin", data_dir)
        options += ["--owner-connections-max", str(limit("kConnectionsMax"))]  # all clients show it
    return options


def environment(root):
    """Of a client of the lab in another language: the same, after secure()."""
    more = {"ALLOCLAB_CA": str(root / "tls/ca.pem")} if wire.tls else {}
    return {**os.environ, **more, **({"ALLOCLAB_TOKEN": wire.token} if wire.token else {})}


def varint(value):
    out = bytearray()
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out) + bytes([value])


def field(number, value):
    """Of a message: text and bytes with their length, a whole number as a varint."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    data = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(data)) + data


def fixed32(number, value):
    return varint(number << 3 | 5) + struct.pack("<I", value)


def fields(data):
    """The fields of a message as (number, value); numbers as int, everything else as bytes."""
    at = 0

    def take():
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    while at < len(data):
        tag = take()
        kind = tag & 7
        if kind == 0:
            yield tag >> 3, take()
        elif kind == 2:
            size = take()
            at += size
            yield tag >> 3, data[at - size:at]
        else:
            size = 4 if kind == 5 else 8
            at += size
            yield tag >> 3, int.from_bytes(data[at - size:at], "little")


def small_machine(megabytes=16):
    """An InstanceConfig."""
    return field(1, megabytes << 20)


class Server:
    """alloclabd on free ports and a directory of its own; its log goes to a file. Stopped, at the latest, when it is left."""

    def __init__(self, *arguments, descriptors=None, program=None, stderr=None, processors=None):
        self.program = program or os.environ.get("ALLOCLABD") or str(
            pathlib.Path(__file__).resolve().parent.parent.parent / "build/dev/bin/alloclabd")
        self.arguments, self.descriptors, self.stderr, self.processors = arguments, descriptors, stderr, processors

    def __enter__(self):
        self.directory = tempfile.TemporaryDirectory()
        root = pathlib.Path(self.directory.name)
        limit, processors = self.descriptors, self.processors

        def few():
            if limit:
                resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
            if processors:
                os.sched_setaffinity(0, processors)

        self.log = open(root / "log", "wb")
        self.secured = secure(self.program, root, root / "data")
        self.process = subprocess.Popen(
            [self.program, "--listen", "127.0.0.1:0", "--web-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0", "--data-dir",
             str(root / "data"), "--address-file", str(root / "addresses"), *self.secured, *self.arguments],
            stderr=self.stderr or self.log, preexec_fn=few)
        for _ in range(600):
            if (root / "addresses").exists():
                break
            if self.process.poll() is not None:
                sys.exit(f"alloclabd ended: {(root / 'log').read_text()}")
            time.sleep(0.05)
        words = dict(line.split() for line in (root / "addresses").read_text().splitlines())
        self.grpc, self.web, self.metrics = words["grpc"], words["web"], words["metrics"]
        return self

    def make_token(self, name, role, *more):
        return make_token(self.program, name, role, pathlib.Path(self.directory.name) / "data", *more)

    def start_calls(self, *arguments, before=None, more=None):
        """offer_calls, offering to this server. `before`: is called in its process first; `more`: for its environment."""
        command = [pathlib.Path(self.program).parent / "offer_calls", self.grpc, *map(str, arguments)]
        variables = environment(pathlib.Path(self.directory.name)) | {name: str(value) for name, value in (more or {}).items()}
        return subprocess.Popen(command, stdout=subprocess.PIPE, preexec_fn=before, env=variables)

    def offer_calls(self, *arguments, before=None):
        """What that program prints of calls that it offers."""
        run = self.start_calls(*arguments, before=before)
        printed, _ = run.communicate()
        if run.returncode != 0:
            sys.exit(f"offer_calls ended with {run.returncode}")
        return json.loads(printed)

    def __exit__(self, *_):
        self.stop()
        self.directory.cleanup()

    def stop(self):
        """Seconds from SIGTERM to the end, and the exit code."""
        began = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        return time.monotonic() - began, code

    def alive(self):
        return self.process.poll() is None

    def healthy(self, timeout=5):
        """Whether a new client is told SERVING, and the seconds that took."""
        began = time.monotonic()
        try:
            peer = wire.Peer(self.grpc, timeout=timeout)
            status, _, reply = peer.call("/grpc.health.v1.Health/Check", b"")
            peer.close()
        except OSError:
            status, reply = None, b""
        return status == 0 and reply == b"\x08\x01", time.monotonic() - began

    def figures(self):
        """Descriptors, threads and resident bytes of the process."""
        root = pathlib.Path(f"/proc/{self.process.pid}")
        lines = dict(line.split(":", 1) for line in (root / "status").read_text().splitlines())
        return {"descriptors": len(os.listdir(root / "fd")), "threads": int(lines["Threads"]),
                "rss": int(lines["VmRSS"].split()[0]) * 1024}

    def cpu_seconds(self):
        times = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")

    def create(self, name, megabytes=16):
        peer = wire.Peer(self.grpc)
        status, text, _ = peer.call("/alloclab.v1.Lab/CreateInstance", field(1, name) + field(2, small_machine(megabytes)))
        peer.close()
        if status != 0:
            sys.exit(f"CreateInstance: {status} {text}")

    def connect(self, address):
        """A socket to the web page or /metrics, by TLS if that is what they speak."""
        host, port = address.rsplit(":", 1)
        connected = socket.create_connection((host, int(port)), timeout=10)
        if not BY_TLS:
            return connected
        context = ssl.create_default_context(cafile=str(pathlib.Path(self.directory.name) / "tls/ca.pem"))
        return context.wrap_socket(connected, server_hostname=host)

    def get(self, address, path, timeout=60, token=None):
        """Status and body of an HTTP answer. `token`: instead of the admin's."""
        connection = http.client.HTTPConnection(address, timeout=timeout)
        connection.sock = self.connect(address)
        connection.sock.settimeout(timeout)
        token = token or wire.token
        connection.request("GET", path, headers={"Authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, body

    def p99(self, method, request, calls):
        """Seconds of calls of one client, one after another; a call that fails took for ever."""
        peer, took = wire.Peer(self.grpc), []
        for _ in range(calls):
            began = time.monotonic()
            status, _, _ = peer.call(method, request)
            took.append(time.monotonic() - began if status == 0 else float("inf"))
        peer.close()
        return percentile(took, 0.99)

    def gauge(self, name):
        _, body = self.get(self.metrics, "/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in body.decode().splitlines()
                   if line.startswith((name + " ", name + "{")))


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


class Report:
    """Prints each figure beside what it should be; the program's exit code says whether all were reached."""

    def __init__(self, title):
        print(title, flush=True)
        self.failed = 0

    def say(self, text):
        print(f"  {text}", flush=True)

    def check(self, good, text):
        self.failed += not good
        print(f"  {'ok  ' if good else 'MISS'} {text}", flush=True)

    def check_time(self, good, text):
        """The same of a time, which a test on a busy machine leaves out (ALLOCLAB_UNTIMED)."""
        self.check(good or bool(os.environ.get("ALLOCLAB_UNTIMED")), text)

    def end(self):
        print(f"  {self.failed} figures missed")
        sys.exit(1 if self.failed else 0)
