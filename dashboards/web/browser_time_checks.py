"""Checks of the web page in a browser: a run opened at its operations."""
from browser_lab import text_has
from browser_map_checks import PICTURE

SLIDER = "document.querySelector('input.time')"


def where(operation):
    return f"document.querySelector('.time-bar output')?.textContent.startsWith('after operation {operation:,} of')"


def press(label):
    return f"document.querySelector('.time-bar [aria-label=\"{label}\"], .time-bar [title=\"{label}\"]').click()"


def check_step(browser, lab):
    """Two runs in step: one slider for both, and the figures that differ."""
    first, second = (lab.submit('steady-state', '--operations', '20000', '--heap-allocator', heap) for heap in ('implicit-heap', 'tlsf'))
    for number in (first, second):
        lab.run('runs', 'watch', number)
    browser.open(lab.url(f'step/{first}/{second}'))
    browser.wait(text_has('Figures that differ'))
    browser.wait("document.querySelectorAll('.in-step canvas').length === 2 && document.querySelectorAll('.in-step .time-course svg').length === 6")
    slider = "document.querySelector('input.time')"
    for operation in (7000, 300):
        browser.evaluate(f"{slider}.value = {operation}; {slider}.oninput()")
        browser.wait(f"document.querySelector('.time-bar output')?.textContent.startsWith('both after operation {operation:,} of 20,000')")
        # Both are there: what they count alike is no difference.
        browser.wait("![...document.querySelectorAll('main th')].some((cell) => cell.textContent === 'operations')")
        at = [lab.run('instance', 'show', f'run-{number}', '--output', 'json') for number in (first, second)]
        assert all(f'"operations": "{operation}"' in said for said in at), at
    browser.evaluate("document.querySelector('[title=\"Both one operation forth\"]').click()")
    browser.wait("document.querySelector('.time-bar output')?.textContent.startsWith('both after operation 301 of')")
    browser.wait("[...document.querySelectorAll('main th')].some((cell) => cell.textContent === 'heap words loaded')")
    browser.open(lab.url(''))  # which asks for nothing of them
    browser.wait(text_has('Overview'))
    for number in (first, second):
        lab.run('instance', 'delete', f'run-{number}')


def check_time(browser, lab):
    """The slider, steps, jumps, what fragmented the run, and why an operation ended as it did; the map follows."""
    number = lab.submit('steady-state', '--operations', '60000')
    lab.run('runs', 'watch', number)
    browser.open(lab.url(f'runs/{number}'))
    browser.wait(text_has('Time travel'))
    browser.evaluate("[...document.querySelectorAll('.head button')].find((b) => b.textContent === 'Time travel').click()")
    browser.wait(where(0))
    browser.wait("document.querySelectorAll('.time-course svg').length === 3")
    browser.wait(text_has('nothing can change it'))
    browser.evaluate(f"{SLIDER}.value = 30000; {SLIDER}.oninput()")
    browser.wait(where(30000))
    browser.wait(text_has('30,000 operations'))  # the view itself
    browser.evaluate(press('One operation back'))
    browser.wait(where(29999))
    browser.evaluate(press('One operation forth'))
    browser.wait(where(30000))
    undrawn = browser.evaluate(PICTURE)
    browser.evaluate(press('Why the last operation ended as it did'))
    browser.wait("document.querySelector('.why li')?.textContent.startsWith('Operation 30000, ')")
    browser.wait("document.querySelectorAll('.search-path tbody tr').length > 0")
    browser.wait(f'{PICTURE} !== {undrawn!r}')  # its way is on the map
    browser.evaluate(press('Which blocks of the whole run kept free memory in pieces'))
    browser.wait("document.querySelectorAll('.holes table').length === 3 && document.querySelector('.holes [role=status]') === null")
    browser.wait(where(30000))  # it looked elsewhere
    browser.evaluate("document.querySelector('.holes tbody button').click()")  # who made the worst block
    made_by = int(browser.evaluate("document.querySelector('.holes tbody button').textContent").replace(',', ''))
    browser.wait(where(made_by))
    assert lab.run('instance', 'list', '--quiet').split().count(f'run-{number}-2') == 0, 'closed'
    browser.evaluate("[...document.querySelectorAll('.time-bar button')].find((b) => b.textContent === 'Peak live').click()")
    browser.wait("document.querySelector('.why li') === null")
    browser.evaluate(f"{SLIDER}.value = 0; {SLIDER}.oninput()")
    browser.wait(where(0))
    browser.evaluate(press('Play'))
    browser.wait(f"Number({SLIDER}.value) > 600")
    browser.evaluate(press('Pause'))
    browser.open(lab.url(''))  # which asks for nothing of it
    browser.wait(text_has('Overview'))
    browser.wait("document.querySelector('.time-bar') === null")
    lab.run('instance', 'delete', f'run-{number}')
