// The page of a lab that asks for tokens: signing in and out. From here on the lab lets nobody in without one.
import assert from 'node:assert/strict';
import {execFileSync} from 'node:child_process';
import {test} from 'node:test';
import {NARROW, WIDE} from './browser.js';
import {complaintsOfAxe} from './axe.js';
import {browser, lab} from './fixture.js';

test('signing in with a token, and out', async () => {
  const token = execFileSync(lab.alloclabd, ['token', 'create', 'vic', '--role', 'viewer', '--data-dir', lab.data], {encoding: 'utf8'}).trim();
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
