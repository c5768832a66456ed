"""A headless Chromium, driven over its DevTools protocol with Python's standard library alone."""
import base64
import json
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import time
import urllib.request

FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
         '--disable-component-update', '--disable-sync', '--disable-default-apps', '--hide-scrollbars', '--remote-debugging-port=0',
         '--disable-dev-shm-usage']


class WebSocket:
    """The client's side of RFC 6455, text messages only."""

    def __init__(self, url):
        host, _, path = url.removeprefix('ws://').partition('/')
        name, _, port = host.partition(':')
        self.socket = socket.create_connection((name, int(port)), timeout=60)
        self.buffer = b''
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall(f'GET /{path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
                            f'Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n'.encode())
        while b'\r\n\r\n' not in self.buffer:
            self.buffer += self.socket.recv(4096)
        self.buffer = self.buffer.split(b'\r\n\r\n', 1)[1]

    def send(self, text):
        data = text.encode()
        mask = os.urandom(4)
        size = len(data)
        head = bytes([0x81, 0x80 | size]) if size < 126 else (
            struct.pack('>BBH', 0x81, 0xFE, size) if size < 65536 else struct.pack('>BBQ', 0x81, 0xFF, size))
        self.socket.sendall(head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(data)))

    def receive(self):
        text = b''
        while True:
            first, size = self._take(2)
            size &= 0x7F
            if size == 126:
                size = struct.unpack('>H', self._take(2))[0]
            elif size == 127:
                size = struct.unpack('>Q', self._take(8))[0]
            piece = self._take(size)
            if first & 0x0F in (0, 1):
                text += piece
                if first & 0x80:
                    return text.decode()

    def _take(self, size):
        while len(self.buffer) < size:
            more = self.socket.recv(1 << 16)
            if not more:
                raise ConnectionError('Chromium closed the connection')
            self.buffer += more
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return taken


class Chromium:
    """One browser with one page. Everything that the page complains about is in `complaints`."""

    def __init__(self, program):
        self.profile = tempfile.mkdtemp(prefix='alloclab-chromium-')
        self.process = subprocess.Popen([program, *FLAGS, f'--user-data-dir={self.profile}', 'about:blank'],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.complaints = []
        self.number = 0
        self.socket = WebSocket(self._page_url())
        for domain in ('Runtime', 'Log', 'Page', 'Network'):
            self.call(f'{domain}.enable')

    def _page_url(self):
        port_file = os.path.join(self.profile, 'DevToolsActivePort')
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                with open(port_file, encoding='ascii') as file:
                    port = file.readline().strip()
                with urllib.request.urlopen(f'http://127.0.0.1:{port}/json/list', timeout=10) as answer:
                    return next(page['webSocketDebuggerUrl'] for page in json.load(answer) if page['type'] == 'page')
            except (OSError, StopIteration, ValueError):
                time.sleep(0.1)
        raise TimeoutError('Chromium did not start')

    def call(self, method, **parameters):
        self.number += 1
        self.socket.send(json.dumps({'id': self.number, 'method': method, 'params': parameters}))
        while True:
            message = json.loads(self.socket.receive())
            if message.get('id') == self.number:
                if 'error' in message:
                    raise RuntimeError(f'{method}: {message["error"]}')
                return message['result']
            self._note(message)

    def _note(self, message):
        method, parameters = message.get('method'), message.get('params', {})
        if method == 'Runtime.exceptionThrown':
            self.complaints.append(json.dumps(parameters['exceptionDetails'])[:2000])
        elif method == 'Runtime.consoleAPICalled' and parameters['type'] in ('error', 'warning', 'assert'):
            self.complaints.append(json.dumps(parameters['args'])[:2000])
        elif method == 'Log.entryAdded' and parameters['entry']['level'] in ('error', 'warning'):
            self.complaints.append(f'{parameters["entry"]["text"]} {parameters["entry"].get("url", "")}')

    def window(self, width, height, scheme='light'):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
        self.call('Emulation.setEmulatedMedia', features=[{'name': 'prefers-color-scheme', 'value': scheme}])

    def open(self, url):
        self.call('Page.navigate', url=url)

    def evaluate(self, expression):
        result = self.call('Runtime.evaluate', expression=expression, awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in result:
            raise RuntimeError(f'{expression}: {result["exceptionDetails"]}')
        return result['result'].get('value')

    def wait(self, expression, seconds=30):
        """Until the expression is true; its value, of an element true."""
        deadline = time.time() + seconds
        while time.time() < deadline:
            value = self.evaluate(f'((value) => value instanceof Node || value)({expression})')
            if value:
                return value
            time.sleep(0.1)
        raise TimeoutError(f'not true within {seconds} s: {expression}\nThe page says: '
                           + str(self.evaluate('document.body.innerText'))[:1500])

    def press(self, key):
        for kind in ('keyDown', 'keyUp'):
            self.call('Input.dispatchKeyEvent', type=kind, key=key, code=key)

    def type(self, text):
        self.call('Input.insertText', text=text)

    def screenshot(self, path):
        with open(path, 'wb') as file:
            file.write(base64.b64decode(self.call('Page.captureScreenshot', format='png')['data']))

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        shutil.rmtree(self.profile, ignore_errors=True)
