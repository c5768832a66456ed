// The page of a lab that asks for tokens: signing in and out. From here on the lab lets nobody in without one.
import assert from 'node:assert/strict';
import {execFileSync, spawnSync} from 'node:child_process';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {test} from 'node:test';
import {NARROW, WIDE} from './browser.js';
import {complaintsOfAxe} from './axe.js';
import {browser, lab} from './fixture.js';

const makeToken = (name, role) =>
  execFileSync(lab.alloclabd, ['token', 'create', name, '--role', role, '--data-dir', lab.data], {encoding: 'utf8'}).trim();

test('signing in with a token, and out', async () => {
  const token = makeToken('vic', 'viewer');
  await browser.open(lab.url('runs'));
  const {page} = browser, signIn = page.locator('main').getByRole('button', {name: 'Sign in'});
  for (const size of [WIDE, NARROW]) assert.deepEqual(await complaintsOfAxe(size), []);
  await browser.look(WIDE, 'light');
  await page.getByLabel('Token').fill('wrong');
  await signIn.click();
  await browser.says('none of this lab, or was revoked');
  await page.getByLabel('Token').fill(token);
  await page.keyboard.press('Enter');
  await page.locator('main tbody tr').first().waitFor();
  await page.locator('#session', {hasText: 'vic (viewer)'}).waitFor();
  assert.equal(await page.evaluate(() => document.cookie), '', 'scripts cannot read the cookie');
  assert.ok(!(await page.evaluate(() => location.href + document.documentElement.outerHTML)).includes(token));
  await browser.open(lab.url(''));  // the cookie stays
  await page.locator('#session', {hasText: 'vic (viewer)'}).waitFor();
  await page.locator('#session').getByRole('button', {name: 'Sign out'}).click();
  await signIn.waitFor();
  assert.equal(await page.locator('#session').innerText(), '');
});

test('a trace says whose it is, and only its owner changes a run', async () => {
  const trace = join(lab.folder, 'hers.rep');
  writeFileSync(trace, '20000\n2\n4\n1\na 0 100\na 1 50\nf 0\nf 1\n');
  const tokens = {uma: makeToken('uma', 'user'), bob: makeToken('bob', 'user')};
  const env = {...process.env, ALLOCLAB_TOKEN: tokens.uma};
  const asUma = (...words) => spawnSync(lab.alloclab, ['--server', lab.grpc, ...words], {encoding: 'utf8', env});
  await lab.until(() => asUma('runs', 'list').status === 0);  // the server knows the token
  const number = asUma('submit', trace, '--quiet').stdout.trim().split(/\s+/).at(-1);
  const {page} = browser, head = page.locator('.head');
  for (const [name, token] of Object.entries(tokens)) {
    await browser.open(lab.url(`runs/${number}`));
    await page.getByLabel('Token').fill(token);
    await page.keyboard.press('Enter');
    await head.getByRole('button', {name: 'Repeat'}).waitFor();
    assert.equal(await head.getByRole('button', {name: 'Pin', exact: true}).count(), name === 'uma' ? 1 : 0);
    assert.equal(await head.getByLabel('Label of this run').count(), name === 'uma' ? 1 : 0);
    await browser.says('Owner');
    await browser.open(lab.url('runs'));
    await page.locator('#start-run-details summary').click();
    assert.match(await page.locator('#run-workload').innerText(), /hers\.rep \(4 operations, uma's trace\)/);
    await page.locator('#session').getByRole('button', {name: 'Sign out'}).click();
    await page.locator('main').getByRole('button', {name: 'Sign in'}).waitFor();
  }
});
