// Allocators side by side, and comparisons that are started in the page.
import {test} from 'node:test';
import {browser, lab} from './fixture.js';

const namesAre = (expected) => browser.until((names) =>
  [...document.querySelectorAll('main tbody th a:first-child')].map((link) => link.textContent).join(' ') === names, expected);

test('the newest runs of one workload stand side by side, the best marked; the chosen column sorts', async () => {
  await browser.open(lab.url('compare?label=side'));
  await browser.says('No two runs of one workload');
  await lab.run('compare', 'sqlite', '--heap', 'tlsf,freertos-heap2,bump', '--ram', '64Mi', '--study', 'side');
  await namesAre('tlsf freertos-heap2 bump');
  await browser.until(() => document.querySelectorAll('main tbody svg.spark path.line').length === 3
    && document.querySelectorAll('main tbody td.good').length >= 4);
  await browser.page.locator('main thead').getByRole('button', {name: 'Cycles'}).click();
  await namesAre('bump tlsf freertos-heap2');
  await browser.at('#/compare?label=side&sort=cycles');
  await browser.page.getByRole('link', {name: 'freertos-heap2 in step with run'}).click();
  await browser.until(() => /^#\/step\/\d+\/\d+$/.test(location.hash) && document.querySelectorAll('.in-step canvas').length === 2);
  await browser.page.goBack();
  await browser.page.locator('main tbody th a').first().click();
  await browser.says('Cost of a heap operation');
});

test('a comparison is started in the page; what the server refuses is said', async () => {
  await browser.open(lab.url('compare?label=nothing-like-it'));
  await browser.page.locator('summary', {hasText: 'One run on each heap allocator'}).click();
  const form = browser.page.locator('form.start'), start = form.getByRole('button', {name: 'Start'});
  await form.getByRole('button', {name: 'None'}).click();
  await start.click();
  await browser.says('Choose two allocators at least.');
  for (const name of ['tlsf', 'bump']) await form.getByRole('checkbox', {name, exact: true}).check();
  await form.getByLabel('Workload').selectOption('sqlite');
  await form.getByRole('textbox', {name: 'RAM'}).fill('3');
  await start.click();
  await browser.says('ram_bytes');
  await form.getByRole('textbox', {name: 'RAM'}).fill('32Mi');
  await start.click();
  await namesAre('tlsf bump');
  await browser.until(() => document.querySelectorAll('main tbody td.good').length >= 4);
});
