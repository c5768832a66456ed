#!/usr/bin/env python3
"""The web page in a real browser, before, during and after a real run of a real server.

  browser_test.py ALLOCLABD ALLOCLAB CHROMIUM [--screenshots DIR]
"""
import argparse
import os
import sys
import time

from browser_lab import Lab, one, text_has
from browser_map_checks import CANVAS, PICTURE, check_broken, check_colors, check_one_snapshot, check_picture, check_zoom
from browser_sign_in_checks import check_sign_in
from browser_time_checks import check_step, check_time
from chromium import Chromium

NARROW = 360  # pixels


def check_formats(browser, lab):
    """Values have three digits and the unit that suits."""
    browser.open(lab.url(''))
    browser.wait(text_has('Overview'))
    for call, text in (
            ('nanoseconds(0)', '0 s'), ('nanoseconds(25.31)', '25.3 ns'), ('nanoseconds(68788.5)', '68.8 µs'), ('nanoseconds(999960)', '1.00 ms'),
            ('nanoseconds(1e9)', '1 s'), ('duration(59990)', '1 min 0 s'), ('duration(3599700)', '1 h 0 min'), ('duration(90000000)', '1 d 1 h'),
            ('duration(NaN)', '–'), ('bytes(0)', '0 B'), ('bytes(1023)', '1023 B'), ('bytes(4096)', '4 KiB'), ('bytes(1048575)', '1.00 MiB'),
            ('bytes(2977955)', '2.84 MiB'), ('short(0.25)', '0.25'), ('short(9999)', '9,999'), ('short(999999)', '1.00 M'), ('short(12345678)', '12.3 M')):
        said = browser.evaluate(f"import('/format.js').then((format) => format.{call})")
        assert said == text, f'{call} is {said!r}, not {text!r}'
    # A part of a whole is no part where a wrapped size made the whole too small.
    for call, text in (('internalFragmentation(75, 100)', '0.25'), ('internalFragmentation(4294967295, 12)', 'NaN'), ('utilisation(25, 100)', '0.25'),
                       ('utilisation(4294967295, 4100)', 'NaN')):
        said = browser.evaluate(f"import('/parts.js').then((parts) => String(parts.{call}))")
        assert said == text, f'{call} is {said!r}, not {text!r}'
    # An answer that stops in the middle is no answer.
    stalled = browser.evaluate("""(async () => {
        const {get} = await import('/api.js');
        const real = window.fetch;
        window.fetch = async () => new Response(new ReadableStream({start(it) { it.enqueue(new TextEncoder().encode('{"run":')); it.error(new Error('cut')); }}));
        const answer = get('/api/server');
        window.fetch = real;
        return answer.then(() => 'answered', (error) => error.code);
    })()""")
    assert stalled == 'UNREACHABLE', stalled


def check_empty(browser, lab):
    browser.open(lab.url(''))
    browser.wait(text_has('alloclab instance create demo'))
    browser.wait(text_has('alloclab submit steady-state'))
    assert browser.evaluate("document.querySelector('#elsewhere').innerText.includes('Grafana')")
    assert browser.evaluate("document.querySelector('#elsewhere a').textContent") == 'Prometheus', 'Grafana is not configured'


def check_instance(browser, lab):
    lab.run('instance', 'create', 'demo', '--ram', '64Mi')
    for size in (100, 2000, 30000):
        lab.run('malloc', 'demo', str(size))
    browser.open(lab.url('instances/demo'))
    browser.wait(text_has('Ext. fragmentation'))
    before = browser.wait(PICTURE)
    lab.run('malloc', 'demo', '20000')
    browser.wait(f'{PICTURE} !== {before!r}')
    browser.evaluate(f'{CANVAS}.focus()')
    for _ in range(3):
        browser.press('ArrowRight')
    browser.wait("/0x[0-9a-f]{8} – 0x[0-9a-f]{8}/.test(document.querySelector('.inspector').innerText)")
    browser.wait("document.querySelectorAll('.inspector table.blocks tbody tr').length > 0")


def check_fragmentation(browser, lab):
    """A heap in pieces is emphasised, with its history since the page was opened."""
    lab.run('instance', 'create', 'pieces', '--ram', '16Mi')
    blocks = [lab.run('malloc', 'pieces', '200', '--quiet').split()[-1] for _ in range(60)]
    for block in blocks[::2]:
        lab.run('free', 'pieces', block)
    browser.open(lab.url('instances/pieces'))
    fact = "[...document.querySelectorAll('.facts > div')].find((fact) => fact.innerText.includes('Ext. fragmentation'))"
    browser.wait(f"{fact}?.querySelector('.notable, .severe')?.textContent.startsWith('▲')")
    assert 'largest piece' in browser.evaluate(f'{fact}.innerText')
    browser.wait(f"{fact}.querySelector('svg.spark path.line')")


def check_run(browser, lab):
    number = lab.submit('steady-state', '--operations', '3000000', '--param', 'heap.engine=literal', '--label', 'slow one')
    browser.open(lab.url(f'runs/{number}'))
    browser.wait("document.querySelector('progress') !== null")
    before = browser.wait(PICTURE)
    browser.wait(f'{PICTURE} !== {before!r}')
    done = browser.evaluate("document.querySelector('progress').value")
    browser.wait(f"document.querySelector('progress').value > {done}")
    browser.open(lab.url(''))
    browser.wait("document.querySelector('.state.RUNNING') !== null")
    lab.run('runs', 'cancel', number)
    browser.open(lab.url(f'runs/{number}'))
    browser.wait("document.querySelector('.state.CANCELLED') !== null")
    finished = lab.submit('steady-state', '--operations', '50000')
    browser.open(lab.url(f'runs/{finished}'))
    browser.wait(text_has('Digest of the metadata'))
    command = 'alloclab submit steady-state --operations 50000'
    browser.wait(f"document.querySelector('.command code')?.textContent.startsWith('{command}')")


def check_runs(browser, lab):
    """Runs can be told apart and filtered; the filter stands in the address."""
    row = "[...document.querySelectorAll('.runs tbody tr')].find((row) => row.innerText.includes('slow one'))?.innerText"
    browser.open(lab.url('runs'))
    browser.wait(row)
    for part in ('steady-state', 'implicit-heap', 'page-runs', 'RAM', 'heap.engine = literal', 'cancelled'):
        assert part in browser.evaluate(row), f'{part} is not in {browser.evaluate(row)!r}'
    rows = "document.querySelectorAll('.runs tbody tr').length"
    everything = browser.evaluate(rows)
    assert everything >= 2
    browser.evaluate("document.querySelector('input[name=label]').focus()")
    browser.type('slow')
    browser.wait(f'{rows} === 1')
    assert browser.evaluate('location.hash') == '#/runs?label=slow'
    assert browser.evaluate("document.activeElement.name + document.activeElement.value") == 'labelslow', 'typing keeps its focus'
    browser.open('about:blank')
    browser.open(lab.url('runs?state=CANCELLED&label=SLOW&allocator=implicit-heap&workload=steady'))
    browser.wait(f'{rows} === 1')
    assert browser.evaluate("document.querySelector('select[name=state]').value") == 'CANCELLED'
    browser.open(lab.url('runs?label=nothing-like-it'))
    browser.wait(text_has('No run fits.'))
    browser.evaluate("[...document.querySelectorAll('.filters button')].at(-1).click()")
    browser.wait(f"{rows} === {everything} && location.hash === '#/runs'")


def check_compare(browser, lab):
    """The newest runs of one workload stand side by side, with the best marked; the chosen column sorts."""
    browser.open(lab.url('compare?label=side'))
    browser.wait(text_has('No two runs of one workload'))
    lab.run('compare', 'sqlite', '--heap', 'tlsf,freertos-heap2,bump', '--ram', '64Mi', '--study', 'side')
    names = "[...document.querySelectorAll('main tbody th a:first-child')].map((a) => a.textContent).join(' ')"
    browser.wait(f"{names} === 'tlsf freertos-heap2 bump'")
    browser.wait("document.querySelectorAll('main tbody svg.spark path.line').length === 3")
    browser.wait("document.querySelectorAll('main tbody td.good').length >= 4")
    browser.evaluate("[...document.querySelectorAll('main thead button')].find((b) => b.textContent === 'Cycles').click()")
    browser.wait(f"{names} === 'bump tlsf freertos-heap2' && location.hash.includes('sort=cycles')")
    browser.evaluate("document.querySelector('main tbody th a').click()")
    browser.wait(text_has('Cost of a heap operation'))
    browser.wait("document.querySelectorAll('section[aria-label=Course] svg.spark').length >= 2")
    before = browser.evaluate('location.hash')
    browser.evaluate("[...document.querySelectorAll('.head button')].find((b) => b.textContent === 'Repeat').click()")
    browser.wait(f"location.hash !== '{before}' && document.querySelector('.head .state.SUCCEEDED') !== null")
    check_start(browser, lab, names)


def check_start(browser, lab, names):
    """A comparison is started in the page; what the server refuses is said."""
    browser.open(lab.url('compare?label=nothing-like-it'))
    browser.wait("document.querySelectorAll('form.start input[type=checkbox]').length >= 10")
    browser.evaluate("""(() => {
      const form = document.querySelector('form.start');
      form.closest('details').open = true;
      [...form.querySelectorAll('button')].find((b) => b.textContent === 'None').click();
      form.querySelector('button[type=submit]').click();
    })()""")
    browser.wait(text_has('Choose two allocators at least.'))
    start = """(() => {
      const form = document.querySelector('form.start');
      for (const box of form.querySelectorAll('input[type=checkbox]')) box.checked = ['tlsf', 'bump'].includes(box.value);
      form.querySelector('[name=start-workload]').value = 'sqlite';
      form.querySelector('[name=start-ram]').value = '%s';
      form.querySelector('button[type=submit]').click();
    })()"""
    asked = "performance.getEntriesByType('resource').filter(({name}) => name.includes('/api/runs?')).length"
    before = browser.evaluate(asked)
    browser.wait(f"{asked} > {before} + 1 && document.querySelectorAll('form.start [name=start-ram]').length === 1")  # it stays
    browser.evaluate(start % '3')
    browser.wait(text_has('ram_bytes'))
    browser.evaluate(start % '32Mi')
    browser.wait(f"{names} === 'tlsf bump' && document.querySelectorAll('main tbody td.good').length >= 4")


def check_not_found(browser, lab):
    for path in ('nothing/here', 'runs/x', 'instances/%zz', 'instances/demo/more'):
        browser.open(lab.url(path))
        browser.wait(text_has(f'#/{path}'))
        browser.wait(text_has('What there is'))
        assert browser.evaluate(one('main a[href="#/instances/demo"]') + ' !== null'), 'what exists is named'
    browser.open(lab.url('instances/nobody'))
    browser.wait(text_has('nobody'))
    browser.wait(text_has('What there is'))


def check_rest(browser, lab):
    browser.open(lab.url('catalog'))
    browser.wait(text_has('heap.engine'))
    assert browser.evaluate("[...document.querySelectorAll('.example figcaption svg')].every((key) => key.clientWidth < 20)"), \
        'the keys of the small pictures are small'
    browser.evaluate("document.querySelector('#live').click()")
    assert browser.evaluate("document.querySelector('#live').textContent") == 'Paused'


VIEWS = {'overview': '', 'instance': 'instances/drawn', 'zoomed': 'instances/drawn?from=0xc0400000&to=0xc0440000', 'runs': 'runs', 'run': 'runs/2', 'compare': 'compare',
         'catalog': 'catalog', 'not-found': 'nowhere'}


def open_afresh(browser, url):
    browser.open('about:blank')
    browser.open(url)
    browser.wait("document.querySelector('main h1')")


def check_narrow(browser, lab):
    """Nothing is wider than a small telephone."""
    browser.window(NARROW, 800)
    for name, path in VIEWS.items():
        open_afresh(browser, lab.url(path))
        width = browser.evaluate('document.documentElement.scrollWidth')
        widest = browser.evaluate(f"""[...document.querySelectorAll('main *')].filter((e) => e.getBoundingClientRect().right > {NARROW})
            .map((e) => `${{e.tagName}}.${{e.className}} ${{e.textContent.slice(0, 40)}}`).slice(-3).join('; ')""")
        assert width <= NARROW, f'{name} is {width} pixels wide: {widest}'
    browser.window(1400, 1000)


def take_pictures(browser, lab, directory):
    for name, path in VIEWS.items():
        for width, height, scheme in ((1400, 1000, 'light'), (1400, 1000, 'dark'), (NARROW, 800, 'light')):
            browser.window(width, height, scheme)
            open_afresh(browser, lab.url(path))
            time.sleep(1.5)  # for lines that grow
            browser.screenshot(os.path.join(directory, f'{name}-{width}-{scheme}.png'))


CHECKS = (check_empty, check_formats, check_colors, check_instance, check_fragmentation, check_picture, check_zoom, check_one_snapshot, check_broken, check_run, check_time, check_step,
          check_runs, check_compare, check_narrow, check_not_found, check_rest, check_sign_in)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ('alloclabd', 'alloclab', 'chromium'):
        parser.add_argument(name)
    parser.add_argument('--screenshots', help='a directory for pictures of every view, light, dark and narrow')
    arguments = parser.parse_args()
    lab = Lab(arguments.alloclabd, arguments.alloclab)
    browser = Chromium(arguments.chromium)
    try:
        browser.window(1400, 1000)
        for check in CHECKS:
            check(browser, lab)
            print(f'{check.__name__}: ok', flush=True)
        if arguments.screenshots:
            take_pictures(browser, lab, arguments.screenshots)
        # Chromium itself reports the answers that say that something is not there or not right.
        complaints = [text for text in browser.complaints if not any(expected in text for expected in ('/instances/nobody', 'to=x', 'ram=3', '401'))]
        assert not complaints, complaints
    finally:
        browser.close()
        lab.close()


if __name__ == '__main__':
    sys.exit(main())
