"""What the checks of the web page in a browser share: a real server, and expressions for the page."""
import os
import subprocess
import tempfile
import time


def text_has(text):
    return f'document.querySelector("main")?.innerText.includes({text!r})'


def one(selector):
    return f'document.querySelector({selector!r})'


class Lab:
    """A server on free ports with a data directory of its own, and its command line."""

    def __init__(self, alloclabd, alloclab):
        self.directory = tempfile.TemporaryDirectory(prefix='alloclab-web-')
        self.alloclabd, self.data = alloclabd, os.path.join(self.directory.name, 'data')
        addresses = os.path.join(self.directory.name, 'addresses')
        self.process = subprocess.Popen([
            alloclabd, '--listen', '127.0.0.1:0', '--web-listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--data-dir',
            self.data, '--address-file', addresses, '--prometheus-url', 'http://127.0.0.1:7414',
            '--log-level', 'error'])
        self.alloclab = alloclab
        deadline = time.time() + 60
        while not os.path.exists(addresses):
            assert self.process.poll() is None and time.time() < deadline, 'alloclabd did not start'
            time.sleep(0.05)
        with open(addresses, encoding='ascii') as file:
            bound = dict(line.split() for line in file)
        self.grpc, self.web = bound['grpc'], bound['web']

    def run(self, *arguments):
        return subprocess.run([self.alloclab, '--server', self.grpc, *arguments], check=True, capture_output=True, text=True,
                              timeout=120).stdout.strip()

    def submit(self, *arguments):
        """The number of a run that was begun."""
        return self.run('submit', *arguments, '--detach', '--quiet').split()[-1]

    def url(self, path):
        return f'http://{self.web}/#/{path}'

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.directory.cleanup()
