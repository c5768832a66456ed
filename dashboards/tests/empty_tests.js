// The page of a lab in which nothing has happened yet, what it weighs, and its arithmetic; then things to look at are made.
import assert from 'node:assert/strict';
import {test} from 'node:test';
import {browser, fill, lab} from './fixture.js';

const WEIGHT_MAX = 300 * 1024;  // bytes that the server sends of everything but data; all views are loaded with the first

test('the overview of an empty lab says how to begin', async () => {
  await browser.open(lab.url(''));
  await browser.says('alloclab instance create demo');
  await browser.says('alloclab submit steady-state');
  assert.deepEqual(await browser.page.locator('#elsewhere a').allTextContents(), ['Grafana', 'Prometheus', '/metrics']);
});

test('page weight: at most 300 KiB', async () => {
  const page = await browser.browser.newPage(), loaded = new Map(), bodies = [];  // one whose cache is empty
  page.on('response', (response) => {
    const {pathname} = new URL(response.url());
    if (!pathname.startsWith('/api/')) bodies.push(response.body().then((body) => loaded.set(pathname, body.length)));
  });
  await page.goto(lab.url(''));
  await page.locator('main h1').waitFor();
  await Promise.all(bodies);
  await page.close();
  const weight = [...loaded.values()].reduce((sum, bytes) => sum + bytes, 0);
  console.log(`${loaded.size} files, ${weight} bytes`);
  assert.ok(loaded.has('/') && loaded.has('/main.js') && loaded.has('/style.css') && loaded.size > 20, [...loaded.keys()].join(' '));
  assert.ok(weight <= WEIGHT_MAX, `${weight} bytes: ${[...loaded].sort((a, b) => b[1] - a[1]).slice(0, 5).join('; ')}`);
});

test('values have three digits and the unit that suits', async () => {
  const format = [
    ['nanoseconds', 0, '0 s'], ['nanoseconds', 25.31, '25.3 ns'], ['nanoseconds', 68788.5, '68.8 µs'], ['nanoseconds', 999960, '1.00 ms'],
    ['nanoseconds', 1e9, '1 s'], ['duration', 59990, '1 min 0 s'], ['duration', 3599700, '1 h 0 min'], ['duration', 90000000, '1 d 1 h'],
    ['duration', NaN, '–'], ['bytes', 0, '0 B'], ['bytes', 1023, '1023 B'], ['bytes', 4096, '4 KiB'], ['bytes', 1048575, '1.00 MiB'],
    ['bytes', 2977955, '2.84 MiB'], ['short', 0.25, '0.25'], ['short', 9999, '9,999'], ['short', 999999, '1.00 M'], ['short', 12345678, '12.3 M']];
  const said = await browser.page.evaluate(async (calls) => {
    const module = await import('/format.js');
    return calls.map(([name, value]) => [name, value, module[name](value)]);
  }, format);
  assert.deepEqual(said, format);
});

test('a part of a whole is no part where a wrapped size made the whole too small', async () => {
  const said = await browser.page.evaluate(async () => {
    const {internalFragmentation, utilisation} = await import('/parts.js');
    return [internalFragmentation(75, 100), internalFragmentation(4294967295, 12), utilisation(25, 100), utilisation(4294967295, 4100)].map(String);
  });
  assert.deepEqual(said, ['0.25', 'NaN', '0.25', 'NaN']);
});

test('an answer that stops in the middle is no answer', async () => {
  const code = await browser.page.evaluate(async () => {
    const {get} = await import('/api.js');
    const real = window.fetch;
    window.fetch = async () => new Response(new ReadableStream({start(it) {
      it.enqueue(new TextEncoder().encode('{"run":'));
      it.error(new Error('cut'));
    }}));
    const answer = get('/api/server');
    window.fetch = real;
    return answer.then(() => 'answered', (error) => error.code);
  });
  assert.equal(code, 'UNREACHABLE');
});

test('things to look at', async () => {
  await fill().catch((error) => {
    console.error(`${error}; nothing of what follows can be tested`);
    process.exit(1);
  });
});
