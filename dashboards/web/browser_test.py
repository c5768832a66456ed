#!/usr/bin/env python3
"""The page in a real browser, before, during and after a real run of a real server.

  browser_test.py ALLOCLABD ALLOCLAB CHROMIUM [--screenshots DIR]
"""
import argparse
import os
import subprocess
import sys
import tempfile
import time

from chromium import Chromium

CANVAS = "document.querySelector('canvas[aria-label=\"Heap map\"]')"
PICTURE = f'{CANVAS}?.toDataURL()'


def text_has(text):
    return f'document.querySelector("main")?.innerText.includes({text!r})'


class Lab:
    """A server on free ports with a data directory of its own, and its command line."""

    def __init__(self, alloclabd, alloclab):
        self.directory = tempfile.TemporaryDirectory(prefix='alloclab-web-')
        addresses = os.path.join(self.directory.name, 'addresses')
        self.process = subprocess.Popen([
            alloclabd, '--listen', '127.0.0.1:0', '--web-listen', '127.0.0.1:0', '--metrics-listen', '127.0.0.1:0', '--data-dir',
            os.path.join(self.directory.name, 'data'), '--address-file', addresses, '--prometheus-url', 'http://127.0.0.1:7414',
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

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.directory.cleanup()


def check_empty(browser, lab, shoot):
    browser.open(f'http://{lab.web}/')
    browser.wait(text_has('alloclab instance create demo'))
    browser.wait(text_has('alloclab submit steady-state'))
    assert browser.evaluate("document.querySelector('#elsewhere').innerText.includes('Grafana')")
    assert browser.evaluate("document.querySelector('#elsewhere a').textContent") == 'Prometheus', 'Grafana is not configured'
    shoot('empty')


def check_instance(browser, lab, shoot):
    lab.run('instance', 'create', 'demo', '--ram', '64Mi')
    for size in (100, 2000, 30000):
        lab.run('malloc', 'demo', str(size))
    browser.open(f'http://{lab.web}/#/instances/demo')
    browser.wait(text_has('Ext. fragmentation'))
    before = browser.wait(PICTURE)
    lab.run('malloc', 'demo', '20000')
    browser.wait(f'{PICTURE} !== {before!r}')
    browser.evaluate(f'{CANVAS}.focus()')
    for _ in range(3):
        browser.press('ArrowRight')
    browser.wait("/0x[0-9a-f]{8} – 0x[0-9a-f]{8}/.test(document.querySelector('.inspector').innerText)")
    browser.wait("document.querySelectorAll('.inspector tbody tr').length > 0")
    browser.press('Enter')  # zooms
    browser.wait("!document.querySelector('.tools button:last-child').disabled")
    shoot('instance')


def check_run(browser, lab, shoot):
    number = lab.run('submit', 'steady-state', '--operations', '3000000', '--param', 'heap.engine=literal', '--detach', '--quiet').split()[-1]
    browser.open(f'http://{lab.web}/#/runs/{number}')
    browser.wait("document.querySelector('progress') !== null")
    before = browser.wait(PICTURE)
    browser.wait(f'{PICTURE} !== {before!r}')
    done = browser.evaluate("document.querySelector('progress').value")
    browser.wait(f"document.querySelector('progress').value > {done}")
    shoot('running')
    browser.open(f'http://{lab.web}/#/')
    browser.wait("document.querySelector('.state.RUNNING') !== null")
    shoot('overview')
    lab.run('runs', 'cancel', number)
    browser.open(f'http://{lab.web}/#/runs/{number}')
    browser.wait("document.querySelector('.state.CANCELLED') !== null")
    finished = lab.run('submit', 'steady-state', '--operations', '50000', '--detach', '--quiet').split()[-1]
    browser.open(f'http://{lab.web}/#/runs/{finished}')
    browser.wait(text_has('Digest of the metadata'))
    command = 'alloclab submit steady-state --operations 50000'
    browser.wait(f"document.querySelector('.command code')?.textContent.startsWith('{command}')")
    shoot('result')


def check_rest(browser, lab, shoot):
    browser.open(f'http://{lab.web}/#/catalog')
    browser.wait(text_has('heap.engine'))
    shoot('catalog')
    assert not browser.complaints, browser.complaints
    browser.open(f'http://{lab.web}/#/instances/nobody')
    browser.wait(text_has('nobody'))
    browser.evaluate("document.querySelector('#live').click()")
    assert browser.evaluate("document.querySelector('#live').textContent") == 'Paused'


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('alloclabd', 'alloclab', 'chromium'):
        parser.add_argument(name)
    parser.add_argument('--screenshots', help='a directory for pictures of every page, light and dark')
    arguments = parser.parse_args()
    lab = Lab(arguments.alloclabd, arguments.alloclab)
    browser = Chromium(arguments.chromium)

    def shoot(name):
        if not arguments.screenshots:
            return
        for width, height, scheme in ((1400, 1000, 'light'), (1400, 1000, 'dark'), (1280, 720, 'light'), (1920, 1080, 'dark')):
            browser.window(width, height, scheme)
            time.sleep(0.4)
            browser.screenshot(os.path.join(arguments.screenshots, f'{name}-{width}-{scheme}.png'))
        browser.window(1400, 1000)

    try:
        browser.window(1400, 1000)
        for check in (check_empty, check_instance, check_run, check_rest):
            check(browser, lab, shoot)
            print(f'{check.__name__}: ok', flush=True)
        # Chromium itself reports the 404s of the instance that is not there.
        complaints = [text for text in browser.complaints if '/instances/nobody' not in text]
        assert not complaints, complaints
    finally:
        browser.close()
        lab.close()


if __name__ == '__main__':
    sys.exit(main())
