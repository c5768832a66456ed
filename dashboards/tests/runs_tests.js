// Runs: one under way, one that has ended, the list and its filters.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {picture} from './browser.js';
import {browser, lab, runs} from './fixture.js';

test('a run is seen at work, and cancelled', async () => {
  runs.slow = await lab.submit('steady-state', '--operations', '3000000', '--param', 'heap.engine=literal', '--label', 'slow one');
  await browser.open(lab.url(`runs/${runs.slow}`));
  const progress = () => document.querySelector('progress')?.value ?? 0;
  await browser.until(progress);
  await browser.changes(picture, await browser.until(picture));
  await browser.changes(progress, await browser.page.evaluate(progress));
  await browser.open(lab.url(''));
  await browser.page.locator('.state.RUNNING').waitFor();
  await browser.open(lab.url(`runs/${runs.slow}`));
  await browser.page.locator('.head').getByRole('button', {name: 'Cancel'}).click();
  await browser.page.locator('.head .state.CANCELLED').waitFor();
});

test('a run that has ended shows its course, its costs and how to do it again', async () => {
  await browser.open(lab.url(`runs/${runs.first}`));
  await browser.says('Digest of the metadata');
  await browser.says('Cost of a heap operation');
  const command = await browser.page.locator('.command code').first().textContent();
  assert.match(command, /^alloclab submit steady-state --operations 20000/);
  const again = await lab.finish(...command.split(' ').slice(2));  // it does what it says
  const [first, second] = await Promise.all([runs.first, again].map(async (number) =>
    JSON.parse(await lab.run('runs', 'show', number, '--output', 'json'))));
  assert.ok(JSON.stringify(first).includes('metadata_sha256'));
  const digests = (shown) => JSON.stringify(shown).match(/"metadata_sha256":"[0-9a-f]{64}"/g);
  assert.deepEqual(digests(second), digests(first));
});

test('Repeat makes another run of the same', async () => {
  await browser.open(lab.url(`runs/${runs.small}`));
  await browser.page.locator('.head').getByRole('button', {name: 'Repeat'}).click();
  await browser.until((before) => location.hash !== `#/runs/${before}` && /^#\/runs\/\d+$/.test(location.hash), runs.small);
  await browser.page.locator('.head .state.SUCCEEDED').waitFor();
});

test('a run that has ended is pinned and named anew from its page, by keyboard too', async () => {
  const number = await lab.finish('steady-state', '--operations', '2000', '--label', 'plain');
  const shown = async () => JSON.parse(await lab.run('runs', 'show', number, '--output', 'json'));
  await browser.open(lab.url(`runs/${number}`));
  const head = browser.page.locator('.head'), pin = head.getByRole('button', {name: 'Pin', exact: true});
  const label = head.getByLabel('Label of this run');
  assert.equal(await label.inputValue(), 'plain');
  await pin.click();
  await head.getByText('pinned', {exact: true}).waitFor();
  assert.equal((await shown()).pinned, true);
  await label.fill('');
  await browser.page.keyboard.type('worth keeping');
  await browser.page.keyboard.press('Enter');
  await head.getByText('worth keeping', {exact: true}).waitFor();
  assert.equal((await shown()).label, 'worth keeping');
  await label.fill('');
  await browser.page.keyboard.insertText('x'.repeat(200));
  assert.equal((await label.inputValue()).length, 128, 'as long as the server takes it');
  await head.getByLabel('Compare with run').focus();
  await browser.page.keyboard.type(number);
  assert.equal(await head.getByLabel('Compare with run').inputValue(), number);
  await browser.open(lab.url('runs?label=worth'));
  await browser.page.locator('.runs tbody tr', {hasText: `#${number}`}).filter({hasText: 'pinned'}).waitFor();
  await browser.open(lab.url(`runs/${number}`));
  await head.getByRole('button', {name: 'Unpin'}).focus();
  await browser.page.keyboard.press('Enter');
  await pin.waitFor();
  assert.deepEqual([(await shown()).pinned ?? false, (await shown()).label], [false, 'worth keeping']);
  await label.fill('');
  await head.getByRole('button', {name: 'Set label'}).click();
  await head.getByText('worth keeping', {exact: true}).waitFor({state: 'detached'});
  assert.equal((await shown()).label ?? '', '');
});

const rows = () => browser.page.locator('.runs tbody tr');
const rowsAre = (expected) => browser.until((count) => document.querySelectorAll('.runs tbody tr').length === count, expected);

test('runs can be told apart and filtered; the filter stands in the address', async () => {
  await browser.open(lab.url('runs'));
  const slow = rows().filter({hasText: 'slow one'});
  await slow.waitFor();
  const text = await slow.innerText();
  for (const part of ['steady-state', 'implicit-heap', 'page-runs', 'RAM', 'heap.engine = literal', 'cancelled']) {
    assert.ok(text.includes(part), `${part} is not in ${text}`);
  }
  const everything = await rows().count();
  assert.ok(everything >= 4);
  await browser.page.getByRole('searchbox', {name: 'Label'}).fill('slow');
  await rowsAre(1);
  await browser.at('#/runs?label=slow');
  const focused = await browser.page.evaluate(() => document.activeElement.name + document.activeElement.value);
  assert.equal(focused, 'labelslow', 'typing keeps its focus');
  await browser.open(lab.url('runs?state=CANCELLED&label=SLOW&allocator=implicit-heap&workload=steady'));
  await rowsAre(1);
  assert.equal(await browser.page.locator('select[name=state]').inputValue(), 'CANCELLED');
  await browser.page.locator('select[name=allocator]').selectOption('tlsf');
  await browser.says('No run fits.');
  await browser.page.locator('.filters').getByRole('button', {name: 'All runs'}).click();
  await rowsAre(everything);
  await browser.at('#/runs');
});
