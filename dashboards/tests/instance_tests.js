// The page of one live instance, but for its map.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {picture} from './browser.js';
import {browser, lab, runs} from './fixture.js';

test('an instance is drawn anew when it changes', async () => {
  await lab.run('instance', 'create', 'demo', '--ram', '64Mi');
  for (const size of ['100', '2000', '30000']) await lab.run('malloc', 'demo', size);
  await browser.open(lab.url('instances/demo'));
  await browser.says('Ext. fragmentation');
  const before = await browser.until(picture);
  await lab.run('malloc', 'demo', '20000');
  await browser.changes(picture, before);
});

test('a heap in pieces is emphasised, with its history since it was made', async () => {
  await lab.run('instance', 'create', 'pieces', '--ram', '16Mi');
  const blocks = [];
  for (let i = 0; i < 20; ++i) blocks.push((await lab.run('malloc', 'pieces', '600', '--quiet')).split(/\s+/).at(-1));
  for (let i = 0; i < 20; i += 2) await lab.run('free', 'pieces', blocks[i]);
  await browser.open(lab.url('instances/pieces'));
  const fact = browser.page.locator('.facts > div', {hasText: 'Ext. fragmentation'});
  await fact.locator('.notable, .severe').filter({hasText: '▲'}).waitFor();
  assert.match(await fact.innerText(), /largest piece/);
  await browser.page.locator('#fragmented-since').waitFor();
});

test('Live pauses and resumes, also by the space bar', async () => {
  await browser.open(lab.url('instances/demo'));
  const before = await browser.until(picture), live = browser.page.locator('#live');
  await live.click();
  assert.equal(await live.textContent(), 'Paused');
  await lab.run('malloc', 'demo', '50000');
  await browser.page.waitForTimeout(1500);  // longer than a refresh is away
  assert.equal(await browser.page.evaluate(picture), before);
  await browser.page.evaluate(() => document.activeElement.blur());
  await browser.page.keyboard.press('Space');
  assert.equal(await live.getAttribute('aria-pressed'), 'true');
  await browser.changes(picture, before);
});

test('Grafana is opened at what the page shows', async () => {
  const link = browser.page.locator('#elsewhere a', {hasText: 'Grafana'});
  for (const [path, graphs] of [['', ''], ['instances/demo', '/d/alloclab-instance?var-lab_instance=demo'], [`runs/${runs.first}`,
    `/d/alloclab-instance?var-lab_instance=run-${runs.first}`], [`step/${runs.first}/${runs.second}`,
    `/d/alloclab-side-by-side?var-left=run-${runs.first}&var-right=run-${runs.second}`]]) {
    await browser.open(lab.url(path));
    assert.equal(await link.getAttribute('href'), `http://127.0.0.1:3000${graphs}`);
  }
  await browser.open(lab.url(''));
  for (const run of [runs.first, runs.second]) await lab.run('instance', 'delete', `run-${run}`);  // which the last view opened
});
