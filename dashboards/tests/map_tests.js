// The memory maps of a live instance.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {picture, WIDE} from './browser.js';
import {closest} from './color_sight.js';
import {browser, lab} from './fixture.js';

const APART = 20;  // CIE76; 2 is a difference that can just be seen
const CANVAS = 'canvas[aria-label="Heap map"]';
const KEYS = ['live', 'free', 'metadata', 'outside', 'heap', 'tables', 'broken', 'taken', 'ground', 'cursor'];

const canvas = () => browser.page.locator(CANVAS);
const palette = () => browser.page.evaluate((names) => {
  const style = getComputedStyle(document.documentElement);
  return Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--map-${name}`).trim()]));
}, KEYS);

// {colour: pixels} of the map without its addresses.
const countColors = (selector) => {
  const {width, height} = document.querySelector(selector), counts = {};
  const copy = new OffscreenCanvas(width - 100, height).getContext('2d', {willReadFrequently: true});
  copy.drawImage(document.querySelector(selector), -100, 0);
  for (const pixel of new Uint32Array(copy.getImageData(0, 0, width - 100, height).data.buffer)) {
    const color = pixel >>> 24 ? `#${[0, 8, 16].map((shift) => (pixel >>> shift & 255).toString(16).padStart(2, '0')).join('')}` : 'none';
    counts[color] = (counts[color] ?? 0) + 1;
  }
  return counts;
};
const colorsDrawn = () => browser.page.evaluate(countColors, CANVAS);

// Until the one colour is drawn and the other is not: the picture follows click and address by a frame or more.
const untilDrawn = (drawn, hidden) => browser.until(`(() => {
  const counts = (${countColors})(${JSON.stringify(CANVAS)});
  return counts['${drawn}'] > 100 && !('${hidden}' in counts);
})()`);

// [first, last] address of the cell under the cursor, null when there is none.
const readCell = () => {
  const text = document.querySelector('.inspector h3')?.textContent;
  return text ? text.split(' – ').map(Number) : null;
};
const cellIs = (first, last) => browser.until(([from, to]) => {
  const cell = (document.querySelector('.inspector h3')?.textContent ?? '').split(' – ').map(Number);
  return cell[0] === from && cell[1] === to;
}, [first, last]);
const blocksListed = () => browser.page.locator('.inspector table.blocks tbody tr').first().waitFor();

test('one colour per meaning, apart for every kind of sight, in both schemes', async () => {
  await browser.open(lab.url(''));
  for (const scheme of ['light', 'dark']) {
    await browser.look(WIDE, scheme);
    const {ground, cursor, ...colors} = await palette();
    assert.ok(ground && cursor);
    const {distance, sight, pair} = closest(colors);
    assert.ok(distance >= APART, `${scheme}: ${pair.join(' and ')} are ${distance.toFixed(0)} apart with ${sight}`);
  }
  await browser.look(WIDE, 'light');
});

test('cells are drawn in the colours of their parts, unmixed, by area; the legend names them', async () => {
  await browser.open(lab.url('instances/drawn'));
  await browser.until(picture);
  const colors = await palette(), counts = await colorsDrawn();
  const known = new Set([...['live', 'free', 'metadata', 'outside', 'ground'].map((name) => colors[name]), 'none']);
  assert.deepEqual(Object.keys(counts).filter((color) => !known.has(color)), [], 'colours of nothing');
  const heap = await browser.page.evaluate(async () => (await (await fetch('/api/instances/drawn/map?cells=8192')).json()).heap);
  const sum = (values) => values.reduce((total, value) => total + Number(value), 0);
  const drawn = counts[colors.free] / (counts[colors.free] + counts[colors.live]);
  const told = sum(heap.free_bytes) / (sum(heap.free_bytes) + sum(heap.live_bytes));
  assert.ok(Math.abs(drawn - told) < 0.02, `${drawn} of the picture, ${told} of the heap is free`);
  const legend = browser.page.locator('.map', {has: canvas()}).locator('.legend li:visible');
  assert.deepEqual(await legend.allInnerTexts(), ['live', 'metadata', 'free', 'beyond the break']);
});

test('keys, address and panel agree about what is shown', async () => {
  await browser.open(lab.url('instances/drawn'));
  await browser.until(picture);
  await canvas().focus();
  const {keyboard} = browser.page;
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowRight', 'ArrowDown', 'ArrowDown']) await keyboard.press(key);
  await blocksListed();
  const [first, last] = await browser.until(readCell), part = (last - first + 1) / 16;
  await keyboard.press('Enter');
  await browser.until(() => /\?from=0x[0-9a-f]{8}&to=0x[0-9a-f]{8}$/.test(location.hash));
  await cellIs(first, first + part - 1);  // the cursor is where it was, in a cell of a sixteenth
  await blocksListed();
  const zoomed = await browser.page.evaluate(() => location.hash);
  await keyboard.press('ArrowRight');  // the focus is still on the map
  await cellIs(first + part, first + 2 * part - 1);
  await keyboard.press('ArrowLeft');
  await keyboard.press('Escape');
  await browser.at('#/instances/drawn');
  await cellIs(first, last);
  await browser.page.goBack();
  await browser.at(zoomed);
  await cellIs(first, first + part - 1);
  await browser.open(`${lab.web}/${zoomed}`);  // a link that somebody sent
  await browser.page.locator('.tools button[data-do=zoom-whole]:enabled').waitFor();
  assert.equal(await browser.page.evaluate(() => location.hash), zoomed);
  await browser.page.goto(lab.url('instances/drawn?from=12&to=x'));
  await browser.says('parameter to=');
});

test('a double click zooms in at the pointer', async () => {
  await browser.open(lab.url('instances/drawn'));
  await browser.until(picture);
  await canvas().dblclick({position: {x: 300, y: 40}});
  await browser.until(() => location.hash.includes('?from=0x'));
  await browser.page.getByRole('button', {name: 'Whole heap'}).click();
  await browser.at('#/instances/drawn');
});

test('the wheel zooms at the pointer while Ctrl is down, and scrolls the page otherwise', async () => {
  const {mouse, keyboard} = browser.page;
  await canvas().hover({position: {x: 300, y: 40}});
  const top = await browser.page.evaluate(() => scrollY);
  await mouse.wheel(0, 200);
  await browser.until((before) => scrollY !== before, top);
  assert.ok(!(await browser.page.evaluate(() => location.hash)).includes('from='));
  await browser.page.evaluate(() => scrollTo(0, 0));
  await canvas().hover({position: {x: 300, y: 40}});
  await keyboard.down('Control');
  await mouse.wheel(0, -400);
  await browser.until(() => location.hash.includes('?from=0x'));
  await browser.page.locator('.tools button[data-do=zoom-out]:enabled').waitFor();  // the picture is the part's
  await mouse.wheel(0, 400);
  await browser.at('#/instances/drawn');
  await keyboard.up('Control');
});

test('an entry of the legend hides its part, in the address too', async () => {
  const free = browser.page.locator('.map', {has: canvas()}).locator('.legend li[data-part=free] button');
  const {free: color, live} = await palette();
  await untilDrawn(color);
  await free.click();
  await browser.until(() => location.hash.includes('hide'));
  await untilDrawn(live, color);
  await browser.open(`${lab.web}/${await browser.page.evaluate(() => location.hash)}`);  // a link that somebody sent
  await browser.until(picture);
  await untilDrawn(live, color);
  await free.click();
  await browser.until(() => !location.hash.includes('hide'));
  await untilDrawn(color);
});

// What the panel sums up for the cell against the blocks that it lists; null where they cannot be compared (none or too many rows).
const panelAddsUp = () => {
  const panel = document.querySelector('.inspector'), [first, last] = panel.querySelector('h3').textContent.split(' – ').map(Number);
  const rows = [...panel.querySelectorAll('table.blocks tbody tr')];
  const size = (text) => /^(\d+) B$/.exec(text)?.[1];
  if (panel.innerText.includes('…')) return null;
  if (rows.length === 0 || panel.innerText.includes('and more') || rows.some((row) => !size(row.cells[1].textContent))) return {compared: false};
  let live = 0;
  for (const row of rows) {
    const address = Number(row.cells[0].textContent), end = address + Number(size(row.cells[1].textContent));
    if (row.querySelector('.key-live')) live += Math.max(0, Math.min(end, last + 1) - Math.max(address, first));
  }
  const told = [...panel.querySelectorAll('table.parts tr')].find((row) => row.querySelector('.key-live'))?.cells[1].textContent ?? '0 B';
  return size(told) ? {compared: true, blocks: `${live} B`, cell: told} : {compared: false};
};

test('picture and panel are of one moment, also of a machine at work', async () => {
  const load = lab.load('steady-state', '--instance', 'drawn', '--duration', '60s', '--rate', '5k');
  try {
    await browser.open(lab.url('instances/drawn'));
    await browser.until(picture);
    await canvas().focus();
    await browser.page.keyboard.press('ArrowDown');
    const pictures = new Set();
    let compared = 0;
    for (let step = 0; step < 20 && compared < 4; ++step) {
      await browser.page.keyboard.press(step % 2 ? 'ArrowRight' : 'ArrowDown');
      const said = await browser.until(panelAddsUp);
      assert.equal(said.blocks, said.cell);
      compared += said.compared;
      pictures.add(await browser.page.evaluate(picture));
    }
    assert.ok(compared >= 2 && pictures.size > 1, `${compared} compared, ${pictures.size} pictures`);
  } finally {
    await load.stop();
  }
});

test('a broken chain of blocks is shown as what it is, where it is', async () => {
  await lab.run('instance', 'create', 'wrecked', '--ram', '16Mi', '--unguarded');
  for (let i = 0; i < 3; ++i) await lab.run('malloc', 'wrecked', '1000');
  await browser.open(lab.url('instances/wrecked'));
  await browser.until(picture);
  assert.equal(await browser.page.locator('.alarm').count(), 0);
  const {physical} = JSON.parse(await lab.run('inspect', 'translate', 'wrecked', '0xc0400000', '--output', 'json'));
  await lab.run('pages', 'free', 'wrecked', `0x${Number(physical).toString(16)}`, '4096');  // the frame of the heap's first page
  await browser.page.locator('.alarm', {hasText: 'The heap is broken at 0xc0400000'}).waitFor();
  const colors = await palette(), counts = await colorsDrawn();
  assert.ok(counts[colors.broken] > 100 && !(colors.live in counts), `${JSON.stringify(counts)}: nothing of a broken heap is known`);
  await browser.page.locator('.map', {has: canvas()}).locator('.legend li[data-part=broken]:visible').waitFor();
  await canvas().focus();
  await browser.page.keyboard.press('ArrowRight');
  await browser.page.locator('.inspector', {hasText: 'Behind the broken place: not known.'}).waitFor();
  const facts = await browser.page.locator('.facts').first().innerText();
  assert.ok(facts.includes('unknown') && !facts.includes('fragmentation'), `${facts}: figures of a broken heap`);
  await browser.open(lab.url(''));
  await browser.says('heap broken');
});
