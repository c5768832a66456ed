// A run opened at its operations: slider, steps, jumps, play, why an operation ended as it did; and two runs in step.
import assert from 'node:assert/strict';
import {fileURLToPath} from 'node:url';
import {test} from 'node:test';
import {picture} from './browser.js';
import {browser, lab, runs} from './fixture.js';

const RECORDING = fileURLToPath(new URL('../../allocators/workload/testdata/import/small.heaptrack.zst', import.meta.url));
const SECTION = '[aria-label="Time"]', BOTH = '[aria-label="Time of both"]';
const button = (name, section = SECTION) => browser.page.locator(section).getByRole('button', {name, exact: true});
const after = (operation) => browser.until((start) => document.querySelector('.time-bar output')?.textContent.startsWith(start),
  `after operation ${operation.toLocaleString('en-US')} of`);
const slide = (operation) => browser.page.locator('input.time').fill(String(operation));

// Opens the run in the page, as its reader does.
async function travel(number) {
  await browser.open(lab.url(`runs/${number}`));
  await browser.page.locator('.head').getByRole('button', {name: 'Time travel'}).click();
  await after(0);
  await browser.until(() => document.querySelectorAll('.time-course svg').length === 3);
}

test('the slider goes to any operation, the buttons to the one before and after; map and figures follow', async () => {
  await travel(runs.first);
  await browser.says('nothing can change it');
  const empty = await browser.until(picture);
  await slide(10000);
  await after(10000);
  await browser.says('10,000 operations');  // the view itself
  const there = await browser.changes(picture, empty);
  await button('One operation back').click();
  await after(9999);
  await browser.says('9,999 operations');
  await button('One operation forth').click();
  await after(10000);
  await browser.until((expected) => document.querySelector('canvas[aria-label="Heap map"]').toDataURL() === expected, there);
  await browser.page.locator('input.time').focus();
  await browser.page.keyboard.press('ArrowRight');  // the slider's own keys
  await after(10001);
});

test('Why? says how the operation ended and draws the way of its search on the map', async () => {
  await slide(12000);
  await after(12000);
  await browser.says('12,000 operations');  // the map of this moment is drawn with it
  const undrawn = await browser.until(picture);
  await button('Why the last operation ended as it did').click();
  await browser.page.locator('.why li', {hasText: 'Operation 12000, '}).first().waitFor();
  await browser.page.locator('.search-path tbody tr').first().waitFor({state: 'attached'});
  await browser.changes(picture, undrawn);
});

test('what fragmented the run is found while the reader stays where they are', async () => {
  await button('Which blocks of the whole run kept free memory in pieces').click();
  await browser.until(() => document.querySelectorAll('.holes table').length === 3 && !document.querySelector('.holes [role=status]'));
  await after(12000);
  const maker = browser.page.locator('.holes tbody button').first();
  const operation = Number((await maker.textContent()).replace(',', ''));
  await maker.click();
  await after(operation);
  await lab.until(async () => !(await lab.run('instance', 'list', '--quiet')).split(/\s+/).includes(`run-${runs.first}-2`));  // it was closed
});

test('who lived at an address is asked for by a form, or by a block of the map', async () => {
  const who = browser.page.locator('.who-lived'), rows = browser.page.locator('.tenants tbody tr');
  await who.getByLabel('Address', {exact: true}).fill('0xc0400008');
  await who.getByRole('button', {name: 'Find'}).click();
  const told = JSON.parse(await lab.run('explain', runs.first, '--address', '0xc0400008', '--output', 'json'));
  assert.ok(told.tenants.length > 1, 'several blocks lived there');
  await browser.until((count) => document.querySelectorAll('.tenants tbody tr').length === count, told.tenants.length);
  await rows.nth(1).getByRole('button').first().click();
  await after(Number(told.tenants[1].allocated_by));
  await browser.page.locator('canvas[aria-label="Heap map"]').focus();
  for (let i = 0; i < 3; ++i) await browser.page.keyboard.press('ArrowDown');
  const block = browser.page.locator('.inspector table.blocks tbody tr', {has: browser.page.locator('.key-live')}).last();
  const address = Number(await block.locator('td').first().textContent());
  await block.getByRole('button', {name: /^Who lived here/}).click();
  const payload = `0x${(address + 4).toString(16)}`;  // behind its header
  await browser.until((expected) => document.querySelector('.tenants code')?.textContent.endsWith(`--address ${expected}`), payload);
  await browser.page.locator('.tenants', {hasText: `held ${payload.toUpperCase().replace('X', 'x')}`}).first().waitFor();
});

test('of a recording that tells call sites they stand beside the blocks, and in a table of their own', async () => {
  const number = await lab.finish(RECORDING, '--ram', '1Mi');
  await travel(number);
  await button('Which blocks of the whole run kept free memory in pieces').click();
  await browser.page.locator('.holes th', {hasText: 'Call site'}).waitFor();
  await browser.page.locator('.holes td', {hasText: 'main < __libc_start_call_main'}).first().waitFor();
  await browser.open(lab.url(''));
  await browser.until(() => document.querySelector('.time-bar') === null);
  await lab.run('instance', 'delete', `run-${number}`);
  await lab.run('runs', 'delete', number);
  await travel(runs.first);
});

test('jumps to the peak and to the worst fragmentation are those of the curve', async () => {
  const {run} = await browser.page.evaluate(async (number) => (await fetch(`/api/runs/${number}`)).json(), runs.first);
  const {operation, live_bytes: live} = run.result.exact.curve;
  const peak = live.reduce((best, bytes, i) => (Number(bytes) > Number(live[best]) ? i : best), 0);
  await button('Peak live').click();
  await after(Number(operation[peak]));
  await browser.until(() => document.querySelector('.why li') === null);
  await button('Worst fragmentation').click();
  await browser.until((before) => !document.querySelector('.time-bar output').textContent.includes(` ${before} `),
    Number(operation[peak]).toLocaleString('en-US'));
});

test('Play goes on until Pause', async () => {
  await slide(0);
  await after(0);
  await button('Play').click();
  await browser.until(() => Number(document.querySelector('input.time').value) > 500);
  await button('Pause').click();
  const stopped = await browser.page.locator('input.time').inputValue();
  await browser.page.waitForTimeout(400);
  assert.ok(Number(await browser.page.locator('input.time').inputValue()) - Number(stopped) <= 100, 'at most the step that was under way');
});

test('the jump to the first failure finds it, and Why? says what was needed', async () => {
  await travel(runs.small);
  await button('First failure').click();
  const {moment} = JSON.parse(await lab.run('runs', 'show', runs.small, '--at', 'first-refusal', '--output', 'json'));
  await after(Number(moment.operation));
  await browser.page.locator('.facts', {hasText: 'Operations'}).first().waitFor();
});

test('leaving asks for nothing more of the opened run', async () => {
  await browser.open(lab.url(''));
  await browser.until(() => document.querySelector('.time-bar') === null);
  for (const number of [runs.first, runs.small]) await lab.run('instance', 'delete', `run-${number}`);
  await browser.says('Overview');
});

test('two runs in step: one slider for both, and the figures that differ', async () => {
  await browser.open(lab.url(`step/${runs.first}/${runs.second}`));
  await browser.says('Figures that differ');
  await browser.until(() => document.querySelectorAll('.in-step canvas').length === 2 && document.querySelectorAll('.in-step .time-course svg').length === 6);
  const both = (operation) => browser.until((start) => document.querySelector('.time-bar output')?.textContent.startsWith(start),
    `both after operation ${operation.toLocaleString('en-US')} of 20,000`);
  for (const operation of [7000, 300]) {
    await slide(operation);
    await both(operation);
    // Both are there: what they count alike is no difference.
    await browser.until(() => ![...document.querySelectorAll('main th')].some((cell) => cell.textContent === 'operations'));
    for (const number of [runs.first, runs.second]) {
      await lab.until(async () => JSON.parse(await lab.run('instance', 'show', `run-${number}`, '--output', 'json')).operations === String(operation));
    }
  }
  await button('Both one operation forth', BOTH).click();
  await both(301);
  await browser.page.locator('main th', {hasText: 'heap words loaded'}).waitFor();
});
