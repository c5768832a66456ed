// Several servers on one PostgreSQL are one lab: the page of one links to that of the other, where an instance lives.
import assert from 'node:assert/strict';
import {after, before, describe, test} from 'node:test';
import {browser, lab} from './fixture.js';
import {Lab} from './lab.js';
import {Postgres} from './postgres.js';

const skip = Postgres.programs() ? false : 'PostgreSQL is not installed';
const postgres = new Postgres(), labs = [];

async function join(...options) {
  const joined = new Lab(lab.alloclabd, lab.alloclab);
  labs.push(joined);
  await joined.start('--store', postgres.url, ...options);
  return joined;
}

describe('a lab of several servers', {skip}, () => {
  before(() => postgres.start());
  after(async () => {
    await browser.page.goto('about:blank');  // the page would go on asking a server that is gone
    for (const joined of labs) await joined.close();
    await postgres.close();
  });

  test('an instance of another server is a link to its page', async () => {
    const one = await join(), other = await join();
    await one.run('instance', 'create', 'far', '--ram', '1Mi');
    await browser.open(other.url('instances/far'));
    await browser.says('lives on another server of this lab');
    const link = browser.page.locator('main').getByRole('link', {name: `Look at it on ${one.web.slice('http://'.length)}`});
    assert.equal(await link.getAttribute('href'), one.url('instances/far'));
    await link.click();
    await browser.page.locator('main h1', {hasText: 'far'}).waitFor();
    assert.equal(await browser.page.evaluate(() => location.origin), one.web);
  });

  test('what another server says of itself becomes no script', async () => {
    const near = labs[0];
    // A server takes no such address as an option; who writes to the database may say anything.
    for (const [name, page] of [['bad', 'javascript:alert(document.domain)'], ['worse', 'https://x/"><script>alert(1)</script>'],
      ['two', 'https://good.example.org\n@evil.example.org/']]) {
      const misled = await join();
      await misled.run('instance', 'create', name, '--ram', '1Mi');
      const server = `(SELECT server FROM alloclab.instance WHERE name = '${name}')`;
      const bytes = Buffer.from(page).toString('hex');
      postgres.run('psql', '-h', postgres.folder, '-U', 'alloclab', '-d', 'postgres', '-c',
        `UPDATE alloclab.server SET page = '\\x${bytes}' WHERE id = ${server}`);
      await browser.open(near.url(`instances/${name}`));
      await browser.says('lives on another server of this lab');
      const hrefs = await browser.page.locator('main a').evaluateAll((links) => links.map((link) => link.href));
      assert.ok(hrefs.every((href) => href.startsWith(near.web) || new URL(href).host === 'x'), `${page}: ${hrefs}`);
      assert.equal(await browser.page.locator('main script').count(), 0);
    }
  });
});
