"""Checks of the memory maps of a live instance."""
import json
import subprocess

from browser_lab import one, text_has
from color_sight import closest

CANVAS = one('canvas[aria-label="Heap map"]')
PICTURE = f'{CANVAS}?.toDataURL()'
PANEL = one('.inspector')
TITLE = f"{PANEL}?.querySelector('h3')?.textContent"
# [first, last] address of the cell under the cursor, as numbers.
CELL = f"({TITLE} ?? '').split(' – ').map(Number)"
APART = 20  # CIE76; 2 is a difference that can just be seen
DISTINCT = '''(() => {
  const {width, height} = CANVAS;
  const data = new Uint32Array(CANVAS.getContext('2d').getImageData(100, 0, width - 100, height).data.buffer);
  const counts = {};
  for (const pixel of data) {
    const color = pixel >>> 24 ? '#' + [0, 8, 16].map((shift) => (pixel >>> shift & 255).toString(16).padStart(2, '0')).join('') : 'none';
    counts[color] = (counts[color] ?? 0) + 1;
  }
  return counts;
})()'''.replace('CANVAS', CANVAS)
# Whether the panel's sum of allocated bytes is that of the blocks it lists. Null: they cannot be compared (all or too many rows).
PANEL_ADDS_UP = '''(() => {
  const [first, last] = CELL;
  const rows = [...PANEL.querySelectorAll('table.blocks tbody tr')];
  const size = (text) => /^(\\d+) B$/.exec(text)?.[1];
  if (rows.length === 0 || PANEL.innerText.includes('and more') || rows.some((row) => !size(row.cells[1].textContent))) return null;
  let live = 0;
  for (const row of rows) {
    const address = Number(row.cells[0].textContent), end = address + Number(size(row.cells[1].textContent));
    if (row.querySelector('.key-live')) live += Math.max(0, Math.min(end, last + 1) - Math.max(address, first));
  }
  const told = [...PANEL.querySelectorAll('table.parts tr')].find((row) => row.querySelector('.key-live'))?.cells[1].textContent ?? '0 B';
  if (!size(told)) return null;
  return `${live} B` === told ? 'yes' : `${live} B in the blocks, ${told} in the cell`;
})()'''.replace('CELL', CELL).replace('PANEL', PANEL)


def palette(browser):
    return browser.evaluate('''Object.fromEntries(['live', 'free', 'metadata', 'outside', 'heap', 'tables', 'broken', 'taken', 'ground', 'cursor'].map((name) =>
        [name, getComputedStyle(document.documentElement).getPropertyValue(`--map-${name}`).trim()]))''')


def check_colors(browser, lab):
    """One colour per meaning, apart for every kind of sight, in both schemes."""
    browser.open(lab.url(''))
    browser.wait(text_has('Overview'))
    for scheme in ('light', 'dark'):
        browser.window(1400, 1000, scheme)
        colors = palette(browser)
        del colors['ground'], colors['cursor']
        distance, sight, a, b = closest(colors)
        assert distance >= APART, f'{scheme}: {a} and {b} are {distance:.0f} apart with {sight}'
    browser.window(1400, 1000)


def check_picture(browser, lab):
    """Cells are drawn in the colours of their parts, unmixed, by area."""
    lab.run('instance', 'create', 'drawn', '--ram', '16Mi')
    lab.run('load', 'steady-state', '--instance', 'drawn', '--operations', '30000')
    browser.open(lab.url('instances/drawn'))
    browser.wait(PICTURE)
    colors = palette(browser)
    counts = browser.evaluate(DISTINCT)
    known = {colors[name] for name in ('live', 'free', 'metadata', 'outside', 'ground')} | {'none'}
    assert set(counts) <= known, f'{sorted(set(counts) - known)} are colours of nothing'
    heap = browser.evaluate("fetch('/api/instances/drawn/map?cells=8192').then((answer) => answer.json()).then((map) => map.heap)")
    free, live = sum(heap['free_bytes']), sum(heap['live_bytes'])
    drawn = counts.get(colors['free'], 0) / (counts.get(colors['free'], 0) + counts[colors['live']])
    assert abs(drawn - free / (free + live)) < 0.02, f'{drawn} of the picture, {free / (free + live)} of the heap is free'


def check_zoom(browser, lab):
    """Keyboard, address and panel agree about what is shown."""
    browser.open(lab.url('instances/drawn'))
    browser.wait(PICTURE)
    browser.evaluate(f'{CANVAS}.focus()')
    for key in ('ArrowRight',) * 4 + ('ArrowDown', 'ArrowDown'):
        browser.press(key)
    browser.wait(f"{PANEL}.querySelector('table.blocks tbody tr')")
    first, last = browser.evaluate(CELL)
    browser.press('Enter')
    browser.wait("/\\?from=0x[0-9a-f]{8}&to=0x[0-9a-f]{8}$/.test(location.hash)")
    # The cursor is where it was, in a cell of a sixteenth, and the panel is about that cell.
    browser.wait(f'{CELL}[1] - {CELL}[0] + 1 === {(last - first + 1) // 16}')
    assert browser.evaluate(CELL)[0] == first
    browser.wait(f"{PANEL}.querySelector('table.blocks tbody tr')")
    zoomed = browser.evaluate('location.hash')
    browser.press('ArrowRight')  # the focus is still on the map
    browser.wait(f'{CELL}[0] === {first + (last - first + 1) // 16}')
    browser.press('ArrowLeft')
    browser.press('Escape')
    browser.wait("location.hash === '#/instances/drawn'")
    browser.wait(f'{CELL}[0] === {first} && {CELL}[1] === {last}')
    browser.evaluate('history.back()')
    browser.wait(f'location.hash === {zoomed!r}')
    browser.wait(f'{CELL}[1] - {CELL}[0] + 1 === {(last - first + 1) // 16}')
    picture = browser.evaluate(PICTURE)
    browser.open('about:blank')
    browser.open(f'http://{lab.web}/{zoomed}')  # a link that somebody sent
    browser.wait(f'{CANVAS} && !{one(".tools button:last-child")}.disabled')
    assert browser.evaluate('location.hash') == zoomed and picture
    browser.open(lab.url('instances/drawn?from=12&to=x'))
    browser.wait(text_has('parameter to='))


def check_one_snapshot(browser, lab):
    """Picture and panel are of one moment, also of a machine at work."""
    load = subprocess.Popen([lab.alloclab, '--server', lab.grpc, 'load', 'steady-state', '--instance', 'drawn', '--duration', '60s', '--rate', '5k'],
                            stdout=subprocess.DEVNULL)
    try:
        browser.open(lab.url('instances/drawn'))
        browser.wait(PICTURE)
        browser.evaluate(f'{CANVAS}.focus()')
        browser.press('ArrowDown')
        compared, moments = 0, set()
        for step in range(60):
            browser.press('ArrowRight' if step % 2 else 'ArrowDown')
            said = browser.wait(f"({PANEL_ADDS_UP}) ?? ({PANEL}.innerText.includes('…') ? '' : 'nothing to compare')")
            assert said in ('yes', 'nothing to compare'), said
            compared += said == 'yes'
            moments.add(browser.evaluate(PICTURE))
            if compared >= 20:
                break
        assert compared >= 5 and len(moments) > 1, f'{compared} compared, {len(moments)} pictures'
    finally:
        load.terminate()
        load.wait(30)


def check_broken(browser, lab):
    """A broken chain of blocks is shown as what it is, where it is, and not as an empty heap."""
    lab.run('instance', 'create', 'wrecked', '--ram', '16Mi', '--unguarded')
    for _ in range(3):
        lab.run('malloc', 'wrecked', '1000')
    browser.open(lab.url('instances/wrecked'))
    browser.wait(PICTURE)
    assert not browser.evaluate(f'{one(".alarm")} !== null')
    frame = json.loads(lab.run('inspect', 'translate', 'wrecked', '0xc0400000', '--output', 'json'))['physical']
    lab.run('pages', 'free', 'wrecked', f'{frame:#x}', '4096')  # the frame of the heap's first page
    browser.wait(f'{one(".alarm")}?.innerText.includes("The heap is broken at 0xc0400000")')
    colors = palette(browser)
    counts = browser.evaluate(DISTINCT)
    assert counts.get(colors['broken'], 0) > 100 and colors['live'] not in counts, f'{counts}: nothing of a broken heap is known'
    assert browser.evaluate(f"!{one('.legend li[data-part=broken]')}.hidden")
    browser.evaluate(f'{CANVAS}.focus()')
    browser.press('ArrowRight')
    browser.wait(f"{PANEL}.innerText.includes('Behind the broken place: not known.')")
    facts = browser.evaluate("document.querySelector('.facts').innerText")
    assert 'unknown' in facts and 'fragmentation' not in facts, f'{facts!r}: figures of a broken heap'
    browser.open(lab.url(''))
    browser.wait(text_has('heap broken'))
