// axe-core finds nothing on any view, in both schemes, wide and narrow.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {complaintsOfAxe} from './axe.js';
import {NARROW, WIDE} from './browser.js';
import {browser, lab, runs} from './fixture.js';
import {VIEWS} from './views.js';

test('axe sees what is wrong', async () => {  // or its silence would say nothing
  await browser.open(lab.url(''));
  await browser.page.evaluate(() => document.querySelector('main').append(document.createElement('input'), Object.assign(document.createElement('p'),
    {id: 'pale', textContent: 'pale'})));
  await browser.page.evaluate(() => {
    document.querySelector('#live').click();  // or the next refresh takes it away
    document.querySelector('#pale').style.cssText = 'color: #888; background: #808080';
  });
  const found = (await complaintsOfAxe(WIDE)).map((line) => line.split(':')[0]);
  for (const rule of ['label', 'color-contrast', 'dark']) assert.ok(found.includes(rule), `${rule} is not in ${found}`);
});

test('a moment of a run to look at', async () => {
  runs.moment = await lab.openRun(runs.first, 10000);
});

for (const name of Object.keys(VIEWS())) {
  test(`axe finds nothing: ${name}`, async () => {
    for (const size of [WIDE, NARROW]) {
      await browser.look(size, 'light');
      await browser.open(lab.url(VIEWS()[name]));
      await browser.page.evaluate(() => {
        document.querySelector('#live').click();  // what moves is not looked at
        document.querySelectorAll('details').forEach((each) => (each.open = true));
      });
      assert.deepEqual(await complaintsOfAxe(size), [], `${size.width} pixels`);
    }
    await browser.look(WIDE, 'light');
  });
}
