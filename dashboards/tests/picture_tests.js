// What is drawn against the pictures in pictures/, which `UPDATE_PICTURES=1 ./lab test dev -R dashboards.page` makes anew: maps and
// curves of machines that are the same everywhere. Only what has no text in it is compared, for fonts differ between machines.
import assert from 'node:assert/strict';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {test} from 'node:test';
import {fileURLToPath} from 'node:url';
import {picture, WIDE} from './browser.js';
import {browser, lab, runs} from './fixture.js';

const EXPECTED = fileURLToPath(new URL('pictures/', import.meta.url)), FOUND = join(tmpdir(), 'alloclab-pictures');
const UPDATE = process.env.UPDATE_PICTURES === '1';
const OPERATION = 10_000;
const SMOOTHED_MAX = 0.005;  // of all pixels of a curve may differ: its edges are smoothed, not by every Chromium alike; of a map none may
const CHANNEL_MAX = 32;      // of 255: above, a pixel differs

// A canvas as PNG in base64, without the addresses that stand on its left.
const canvasPicture = (label, nth = 0) => browser.page.evaluate(([name, i]) => {
  const canvas = document.querySelectorAll(`canvas[aria-label="${name}"]`)[i], labels = 82, copy = document.createElement('canvas');
  Object.assign(copy, {width: canvas.width - labels, height: canvas.height});
  copy.getContext('2d').drawImage(canvas, -labels, 0);
  return copy.toDataURL().split(',')[1];
}, [label, nth]);

const elementPicture = async (selector) => (await browser.page.locator(selector).first().screenshot({animations: 'disabled'})).toString('base64');

// The share of pixels that differ, 1 for pictures of unlike size, and a picture of where. The browser itself reads both.
const compare = (expected, found) => browser.page.evaluate(async ([a, b, channelMax]) => {
  const pixels = async (base64) => {
    const image = new Image();
    image.src = `data:image/png;base64,${base64}`;
    await image.decode();
    const canvas = Object.assign(document.createElement('canvas'), {width: image.width, height: image.height});
    canvas.getContext('2d').drawImage(image, 0, 0);
    return canvas.getContext('2d').getImageData(0, 0, image.width, image.height);
  };
  const [one, two] = await Promise.all([pixels(a), pixels(b)]);
  if (one.width !== two.width || one.height !== two.height) return {share: 1, sizes: [one, two].map(({width, height}) => `${width} × ${height}`)};
  const where = new ImageData(one.width, one.height);
  let differing = 0;
  for (let i = 0; i < one.data.length; i += 4) {
    const differs = [0, 1, 2, 3].some((k) => Math.abs(one.data[i + k] - two.data[i + k]) > channelMax);
    differing += differs;
    where.data.set(differs ? [255, 0, 0, 255] : [...one.data.slice(i, i + 3), 64], i);
  }
  const canvas = Object.assign(document.createElement('canvas'), {width: one.width, height: one.height});
  canvas.getContext('2d').putImageData(where, 0, 0);
  return {share: differing / (one.data.length / 4), picture: canvas.toDataURL().split(',')[1]};
}, [expected, found, CHANNEL_MAX]);

// most: the share of pixels that may differ.
async function check(name, found, most) {
  const file = join(EXPECTED, `${name}.png`);
  if (UPDATE) return writeFileSync(file, found, 'base64');
  const {share, sizes, picture} = await compare(readFileSync(file, 'base64'), found);
  if (share <= most) return;
  mkdirSync(FOUND, {recursive: true});
  writeFileSync(join(FOUND, `${name}.png`), found, 'base64');
  if (picture) writeFileSync(join(FOUND, `${name}-differs.png`), picture, 'base64');
  assert.fail(`${name}: ${sizes ? sizes.join(' became ') : `${(100 * share).toFixed(2)} % of the pixels differ`}; see ${FOUND}`);
}

for (const scheme of ['light', 'dark']) {
  test(`the maps and curves of a run at one of its operations, ${scheme}`, async () => {
    const name = await lab.openRun(runs.first, OPERATION);
    await browser.look(WIDE, scheme);
    await browser.open(lab.url(`instances/${name}`));
    await browser.until(picture);
    await check(`heap-${scheme}`, await canvasPicture('Heap map'), 0);
    await check(`frames-${scheme}`, await canvasPicture('Map of page frames'), 0);
    await check(`course-${scheme}`, await elementPicture('.time-course'), SMOOTHED_MAX);
    await lab.run('instance', 'delete', name);
  });
}

test('the comparison sees what one operation changes', async () => {
  await browser.look(WIDE, 'light');
  const name = await lab.openRun(runs.first, OPERATION + 1);
  await browser.open(lab.url(`instances/${name}`));
  await browser.until(picture);
  const {share} = await compare(readFileSync(join(EXPECTED, 'heap-light.png'), 'base64'), await canvasPicture('Heap map'));
  assert.ok(share > 0 && share < 0.5, `${share} of the pixels differ`);
  await lab.run('instance', 'delete', name);
});
