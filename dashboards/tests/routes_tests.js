// The catalogue, addresses that lead nowhere, and the page by keyboard alone.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {NARROW, WIDE} from './browser.js';
import {browser, lab, runs} from './fixture.js';
import {VIEWS} from './views.js';

test('the catalogue tells about every allocator', async () => {
  await browser.open(lab.url('catalog'));
  await browser.says('heap.engine');
  const {heap_allocators: heaps} = await browser.page.evaluate(async () => (await fetch('/api/catalog')).json());
  for (const {title, name} of heaps) await browser.page.locator(`section[aria-label="${title || name}"]`).waitFor();
  const keys = await browser.page.locator('.example figcaption svg').evaluateAll((all) => all.map((key) => key.clientWidth));
  assert.ok(keys.length > 0 && keys.every((width) => width < 20), 'the keys of the small pictures are small');
});

test('an address that leads nowhere says so, and what there is', async () => {
  for (const path of ['nothing/here', 'runs/x', 'instances/%zz', 'instances/demo/more']) {
    await browser.page.goto(lab.url(path));
    await browser.says(`#/${path}`);
    await browser.says('What there is');
    await browser.page.locator('main a[href="#/instances/demo"]').waitFor();
  }
  await browser.page.goto(lab.url('instances/nobody'));
  await browser.says('nobody');
  await browser.says('What there is');
});

test('a run whose machine is gone is found under the name of its machine', async () => {
  await browser.open(lab.url(`instances/run-${runs.slow}`));  // as dashboards link to it
  await browser.at(`#/runs/${runs.slow}`);
  await browser.page.locator('.state.CANCELLED').waitFor();
});

test('nothing is wider than a small telephone', async () => {
  await browser.look(NARROW, 'light');
  for (const [name, path] of Object.entries(VIEWS())) {
    await browser.open(lab.url(path));
    const {width, widest} = await browser.page.evaluate((limit) => ({width: document.documentElement.scrollWidth,
      widest: [...document.querySelectorAll('main *')].filter((each) => each.getBoundingClientRect().right > limit)
        .map((each) => `${each.tagName}.${each.className} ${each.textContent.slice(0, 40)}`).slice(-3).join('; ')}), NARROW.width);
    assert.ok(width <= NARROW.width, `${name} is ${width} pixels wide: ${widest}`);
  }
  await browser.look(WIDE, 'light');
});

// What has the focus: its text or label.
const focused = () => browser.page.evaluate(() => document.activeElement.getAttribute('aria-label') || document.activeElement.textContent.trim());

// Presses Tab until the focus is on what is called so; fails where it is nowhere.
async function tabTo(name) {
  const passed = [];
  for (let i = 0; i < 60; ++i) {
    await browser.page.keyboard.press('Tab');
    passed.push(await focused());
    if (passed.at(-1) === name) return;
  }
  assert.fail(`Tab does not come to ${name}; it passed ${passed.join(' | ')}`);
}

test('by keyboard alone: past the header, to a run, into its past, and over the map', async () => {
  const {keyboard} = browser.page;
  await browser.open(lab.url(''));
  await keyboard.press('Tab');
  assert.equal(await focused(), 'Skip to content');
  await tabTo('Runs');
  await keyboard.press('Enter');
  await browser.at('#/runs');
  await tabTo(`#${runs.first}`);
  await keyboard.press('Enter');
  await browser.at(`#/runs/${runs.first}`);
  await tabTo('Time travel');
  await keyboard.press('Enter');
  await browser.until(() => document.querySelector('.time-bar output')?.textContent.startsWith('after operation'));
  await tabTo('After operation');
  await keyboard.press('End');
  await browser.until(() => document.querySelector('.time-bar output').textContent.startsWith('after operation 20,000 of'));
  await tabTo('Why the last operation ended as it did');
  await keyboard.press('Space');
  await browser.page.locator('.why li').first().waitFor();
  await tabTo('Heap map');
  await keyboard.press('ArrowDown');
  await browser.page.locator('.inspector h3').first().waitFor();
  const outline = await browser.page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(outline, 'solid', 'the focus is seen');
});
