// How smooth the page is while its slider is dragged over a heap of 100,000 blocks: frames and tasks, by Chromium's own tracing.
//
//   node measure_drag.js ALLOCLABD ALLOCLAB CHROMIUM [SECONDS]
//
// Prints figures, as JSON. Without a graphics card Chromium draws by software, on the same cores on which the server replays.
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {performance} from 'node:perf_hooks';
import {browser, close, lab, start} from './fixture.js';

const SECONDS = Number(process.argv[5] ?? 5);
const FRAME_MS = 1000 / 60, LONG_MS = 50, MOUSE_MS = 8;
const BLOCKS = 100_000;
const CATEGORIES = ['devtools.timeline', 'disabled-by-default-devtools.timeline', 'disabled-by-default-devtools.timeline.frame'];
const SPEC = `name: many-blocks
seed: 1
phases:
  - name: fill
    operations: ${BLOCKS}
    live_blocks: ${BLOCKS}
    size: {uniform: {min: 16, max: 256}}
  - name: churn
    operations: ${BLOCKS}
    live_blocks: ${BLOCKS}
    size: {uniform: {min: 16, max: 256}}
`;

// From the middle of the slider to its end and back, for SECONDS; every move is one of a hand that never rests.
async function drag() {
  const {page} = browser, slider = page.locator('input.time');
  await slider.scrollIntoViewIfNeeded();
  const {x, y, width, height} = await slider.boundingBox(), level = y + height / 2;
  const place = (part) => [x + width * (0.5 + 0.48 * part), level];
  await page.mouse.move(...place(0));
  await page.mouse.down();
  const begin = performance.now(), moves = [];
  // A mouse tells where it is 125 times a second, whether the page has taken the last word or not: who waits for each answer measures
  // the way there and back.
  for (let now = begin; now - begin < 1000 * SECONDS; now = performance.now()) {
    const part = Math.abs((((now - begin) / 2000) % 2) - 1);  // two seconds from end to end
    moves.push(page.mouse.move(...place(1 - part)));
    await new Promise((done) => { setTimeout(done, Math.max(0, begin + moves.length * MOUSE_MS - performance.now())); });
  }
  await Promise.all(moves);
  await page.mouse.up();
  return {moves: moves.length, ms: performance.now() - begin};
}

async function traced(action) {
  const session = await browser.page.context().newCDPSession(browser.page), events = [];
  session.on('Tracing.dataCollected', ({value}) => events.push(...value));
  await session.send('Tracing.start', {transferMode: 'ReportEvents', traceConfig: {includedCategories: CATEGORIES}});
  const said = await action();
  const complete = new Promise((resolve) => session.once('Tracing.tracingComplete', resolve));
  await session.send('Tracing.end');
  await complete;
  return {...said, events};
}

const round = (value) => Math.round(10 * value) / 10;
const quantile = (sorted, part) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))];

// Of the page's renderer: when a frame was drawn, how far apart these are, and what kept its main thread.
function figures({events, moves, ms}) {
  const main = events.find(({name, args}) => name === 'thread_name' && args.name === 'CrRendererMain');
  const of = (name) => events.filter((event) => event.name === name && event.pid === main.pid);
  const drawn = of('DrawFrame').map(({ts}) => ts / 1000).sort((a, b) => a - b);
  const gaps = drawn.slice(1).map((at, i) => at - drawn[i]).sort((a, b) => a - b);
  const all = of('RunTask').filter(({tid}) => tid === main.tid), tasks = all.map(({dur}) => (dur ?? 0) / 1000);
  const work = all.map(({tdur}) => (tdur ?? 0) / 1000);  // processor time: what is left of it on a busy host
  const seeks = events.filter(({name, args}) => name === 'ResourceSendRequest' && args.data.url.includes('/seek?')).length;
  return {
    seconds: round(ms / 1000), mouse_moves: moves, moments_asked_for: seeks, frames_drawn: drawn.length, frames_per_second: round(1000 * drawn.length / ms),
    frame_gap_ms: {median: round(quantile(gaps, 0.5)), p95: round(quantile(gaps, 0.95)), longest: round(gaps.at(-1))},
    gaps_within_a_60th: round(100 * gaps.filter((gap) => gap <= 1.1 * FRAME_MS).length / gaps.length),
    long_frames: gaps.filter((gap) => gap > LONG_MS).length,
    main_thread: {busy_percent: round(100 * tasks.reduce((sum, task) => sum + task, 0) / ms), tasks_over_50_ms: tasks.filter((task) => task > LONG_MS).length,
      longest_task_ms: round(Math.max(...tasks)), processor_ms: round(work.reduce((sum, task) => sum + task, 0)),
      longest_task_processor_ms: round(Math.max(...work)), tasks_over_a_60th_of_processor: work.filter((task) => task > FRAME_MS).length},
  };
}

await start();
try {
  const spec = join(lab.folder, 'many-blocks.yaml');
  writeFileSync(spec, SPEC);
  const number = await lab.finish(spec, '--ram', '256Mi');
  const name = await lab.openRun(number, 1.5 * BLOCKS);
  await browser.open(lab.url(`instances/${name}`));
  await browser.until(() => document.querySelectorAll('.time-course svg').length === 3);
  await browser.until(() => document.querySelector('canvas[aria-label="Heap map"]')?.width > 300);
  const blocks = await browser.page.evaluate(async (instance) => (await (await fetch(`/api/instances/${instance}/map?cells=8192`)).json()).heap.blocks, name);
  console.log(JSON.stringify({blocks: Number(blocks), ...figures(await traced(drag))}, null, 1));
} finally {
  await close();
}
