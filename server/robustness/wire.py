"""HTTP/2 and gRPC as bytes on a socket: what a client library would not send, and no more than these programs need.

The server is asked not to compress headers by what it sent before, so that a table of the standard is all that decoding takes.
"""

import collections
import socket
import ssl
import struct

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 3, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
CANCEL = 8
WOULD_WAIT = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)  # of a socket that does not block
WINDOW = 2**31 - 1
tls = None    # an ssl.SSLContext, of every Peer; lab.py sets it for --tls
token = None  # of every call; likewise, for --token

STATIC = [None, (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"),
          (":scheme", "http"), (":scheme", "https"), (":status", "200"), (":status", "204"), (":status", "206"), (":status", "304"),
          (":status", "400"), (":status", "404"), (":status", "500")] + [(name, "") for name in (
              "accept-charset accept-encoding accept-language accept-ranges accept access-control-allow-origin age allow "
              "authorization cache-control content-disposition content-encoding content-language content-length content-location "
              "content-range content-type cookie date etag expect expires from host if-match if-modified-since if-none-match "
              "if-range if-unmodified-since last-modified link location max-forwards proxy-authenticate proxy-authorization range "
              "referer refresh retry-after server set-cookie strict-transport-security transfer-encoding user-agent vary via "
              "www-authenticate").split()]


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def settings(**values):
    numbers = {"header_table_size": 1, "enable_push": 2, "max_concurrent_streams": 3, "initial_window_size": 4}
    return frame(SETTINGS, 0, 0, b"".join(struct.pack(">HI", numbers[name], value) for name, value in values.items()))


def literal(name, value):
    """A header, neither compressed nor remembered."""
    return b"\x00" + integer(len(name), 7) + name.encode() + integer(len(value), 7) + value.encode()


def integer(value, bits):
    most = (1 << bits) - 1
    if value < most:
        return bytes([value])
    out, value = [most], value - most
    while value >= 128:
        out.append(value % 128 + 128)
        value //= 128
    return bytes(out + [value])


def call_headers(path, more=()):
    if token:
        more = [("authorization", f"Bearer {token}"), *more]
    pairs = [(":method", "POST"), (":scheme", "http"), (":path", path), (":authority", "lab"), ("te", "trailers"),
             ("content-type", "application/grpc"), *more]
    return b"".join(literal(name, value) for name, value in pairs)


def message(body):
    return b"\0" + struct.pack(">I", len(body)) + body


def decode_headers(block):
    """The headers of a block as a dictionary; a text that Huffman's code shortened comes as None."""
    headers, at = {}, 0

    def number(bits):
        nonlocal at
        value = block[at] & ((1 << bits) - 1)
        at += 1
        if value < (1 << bits) - 1:
            return value
        shift = 0
        while True:
            byte = block[at]
            at += 1
            value += (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def text():
        nonlocal at
        short = block[at] & 128
        size = number(7)
        at += size
        return None if short else block[at - size:at].decode("latin-1")

    while at < len(block):
        first = block[at]
        if first & 128:
            name, value = STATIC[number(7)]
        elif first & 224 == 32:
            number(5)
            continue
        else:
            index = number(6 if first & 64 else 4)
            name = STATIC[index][0] if index else text()
            value = text()
        headers[name] = value
    return headers


class Peer:
    """A connection. `read` gives frames as (kind, flags, stream, payload) and answers settings and pings by itself."""

    def __init__(self, address, window=WINDOW, timeout=60, receive_buffer=None, preface=True):
        host, port = address.rsplit(":", 1)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.settimeout(timeout)
        self.socket.connect((host, int(port)))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if tls:
            self.socket = tls.wrap_socket(self.socket, server_hostname=host)
        self.buffer, self.next_stream = b"", 1
        self.waiting = collections.deque()  # frames that came while there was no room to send
        self.stream_credit, self.credit = 65535, collections.defaultdict(int)  # bytes that the server takes; 0: the connection's
        self.credit[0] = 65535
        if preface:
            self.send(PREFACE + settings(header_table_size=0, initial_window_size=window) +
                      (frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", WINDOW - 65535)) if window == WINDOW else b""))

    def send(self, data):
        self.socket.sendall(data)

    def close(self):
        self.socket.close()

    def open(self, path, more=()):
        """Begins a call; its number."""
        stream, self.next_stream = self.next_stream, self.next_stream + 2
        self.credit[stream] = self.stream_credit
        self.send(frame(HEADERS, END_HEADERS, stream, call_headers(path, more)))
        return stream

    def send_data(self, stream, data, end=True):
        """As much at a time as the server has room for."""
        while True:
            room = min(16384, self.credit[0], self.credit[stream])
            part, data = data[:room], data[room:]
            if part or not data:
                self.credit[0] -= len(part)
                self.credit[stream] -= len(part)
                self.send(frame(DATA, END_STREAM if end and not data else 0, stream, part))
            if not data:
                return
            if min(self.credit[0], self.credit[stream]) <= 0:
                got = self.receive()
                if got is None:
                    raise BrokenPipeError("the server hung up")
                self.waiting.append(got)

    def read(self):
        """The next frame; None when the server hung up."""
        return self.waiting.popleft() if self.waiting else self.receive()

    def receive(self):
        while True:
            if len(self.buffer) >= 9:
                size = int.from_bytes(self.buffer[:3], "big")
                if len(self.buffer) >= 9 + size:
                    kind, flags = self.buffer[3], self.buffer[4]
                    stream = int.from_bytes(self.buffer[5:9], "big") & 0x7FFFFFFF
                    payload, self.buffer = self.buffer[9:9 + size], self.buffer[9 + size:]
                    self.heed(kind, flags, stream, payload)
                    return kind, flags, stream, payload
            try:
                more = self.socket.recv(1 << 18)
            except (ConnectionResetError, BrokenPipeError):
                more = b""
            if not more:
                return None
            self.buffer += more

    def heed(self, kind, flags, stream, payload):
        answer = b""
        if kind == WINDOW_UPDATE:
            self.credit[stream] += int.from_bytes(payload, "big")
        elif kind == SETTINGS and not flags & ACK:
            for at in range(0, len(payload), 6):
                number, value = struct.unpack(">HI", payload[at:at + 6])
                if number == 4:
                    for other in self.credit:
                        self.credit[other] += value - self.stream_credit if other else 0
                    self.stream_credit = value
            answer = frame(SETTINGS, ACK, 0)
        elif kind == PING and not flags & ACK:
            answer = frame(PING, ACK, 0, payload)
        try:
            if answer:
                self.send(answer)
        except OSError:
            pass  # reading tells what became of the connection

    def call(self, path, body, more=()):
        """(status, message, reply) of a unary call; status None when the server hung up or reset it without one."""
        stream = self.open(path, more)
        self.send_data(stream, message(body))
        return self.finish(stream)

    def finish(self, stream):
        data, status, text = b"", None, ""
        while (got := self.read()) is not None:
            kind, flags, where, payload = got
            if where != stream:
                continue
            if kind == DATA:
                data += payload
                if payload:  # the server's window for the whole connection
                    self.send(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(payload))))
            elif kind == HEADERS:
                headers = decode_headers(payload)
                if "grpc-status" in headers:
                    status, text = int(headers["grpc-status"]), headers.get("grpc-message", "")
            if kind == RST_STREAM or (kind in (DATA, HEADERS) and flags & END_STREAM):
                break
        return status, text, data[5:]
