// Pieces that several views share.
import {h} from './dom.js';
import {number} from './api.js';
import {sparkline} from './charts.js';
import {bytes, count, hex, ratio, words} from './format.js';
import {points} from './history.js';

export const link = (href, text) => h('a', {href}, text);
export const instanceLink = (name) => link(`#/instances/${encodeURIComponent(name)}`, name);
export const runLink = (id) => link(`#/runs/${id}`, `#${id}`);

// The states of a run, each with its sign.
export const STATES = {QUEUED: '…', RUNNING: '▸', SUCCEEDED: '✓', FAILED: '✗', CANCELLED: '■', INTERRUPTED: '!'};
export const runState = (state) => h('span', {class: `state ${state}`, 'data-sign': STATES[state] ?? '?'}, state.toLowerCase());

export function progress(done, total, label) {
  return h('progress', {max: Math.max(total, 1), value: done, 'aria-label': label}, `${done} of ${total}`);
}

// items: [name, value, note]; value and note are text or nodes.
export function facts(items) {
  return h('dl', {class: 'facts'}, items.filter(Boolean).map(([name, value, note]) =>
    h('div', {}, h('dt', {}, name), h('dd', {}, value, note && h('small', {}, note)))));
}

export function panel(title, content, note, tools) {
  return h('section', {class: 'panel', 'aria-label': title}, h('div', {class: 'title'}, h('h2', {}, title),
    note && h('span', {class: 'muted small'}, note), tools && h('span', {class: 'push'}, tools)), content);
}

// rows: [name, value, class of the value, what it means]; a null row is left out.
export const pairs = (rows) => h('table', {class: 'pairs'}, h('tbody', {}, rows.filter(Boolean).map(([name, value, css, help]) =>
  h('tr', {title: help}, h('th', {scope: 'row'}, name), h('td', {class: css ?? 'n'}, value)))));

// Where it is wider than the screen, it scrolls, also by keyboard.
export function table(head, rows) {
  return h('div', {class: 'scroll', tabindex: 0}, h('table', {}, h('thead', {}, h('tr', {}, head.map(([name, css]) =>
    (name === '' ? h('td') : h('th', {scope: 'col', class: css ?? ''}, name))))), h('tbody', {}, rows)));
}

// A table of things, of which each row becomes a card on a narrow screen. columns: [name, class of its cells];
// rows: one list of contents each.
export function list(columns, rows) {
  const cell = (content, i) => h('td', {class: columns[i][1] ?? '', 'data-name': columns[i][0]}, content !== '' && h('div', {}, content));
  const whole = table(columns, rows.map((row) => h('tr', {}, row.map(cell))));
  whole.removeAttribute('tabindex');
  whole.firstChild.classList.add('cards');
  return whole;
}

export function command(text) {
  const copy = async (event) => {
    const button = event.currentTarget;
    await navigator.clipboard?.writeText(text);
    button.textContent = 'Copied';
    setTimeout(() => (button.textContent = 'Copy'), 1500);
  };
  return h('div', {class: 'command'}, h('code', {}, text), h('button', {type: 'button', class: 'plain', onclick: copy}, 'Copy'));
}

// What the catalogue says of an allocator; undefined: nothing.
export const allocatorInfo = (allocators, name) => allocators.find((info) => info.name === name);

// [name, value] of the parameters that are not the catalogue's defaults.
export function changedParameters(config, catalog) {
  const own = [allocatorInfo(catalog.page_allocators, config.page_allocator),
    allocatorInfo([...catalog.heap_allocators, ...catalog.native_allocators], config.heap_allocator)];
  const known = new Map(own.flatMap((info) => info?.parameters ?? []).map((parameter) => [parameter.name, parameter.default_value]));
  return Object.entries(config.parameters ?? {}).sort().filter(([name, value]) => known.get(name) !== value);
}

// A configuration in words; of its parameters those that are not the defaults.
export const configWords = (config, catalog) => [
  config.heap_allocator === 'none' ? 'no heap' : config.heap_allocator,
  ...(number(config.ram_bytes) > 0 ? [config.page_allocator, `${bytes(number(config.ram_bytes))} RAM`] : []),  // a real allocator has none
  ...(config.unguarded ? ['unguarded'] : []), ...changedParameters(config, catalog).map(([name, value]) => `${name} = ${value}`),
];

export const configChips = (config, catalog) => h('ul', {class: 'chips', 'aria-label': 'Configuration'},
  configWords(config, catalog).map((text) => h('li', {}, text)));

// Free memory cut into pieces: 1 - largest / free. NaN when nothing is free.
export const externalFragmentation = (free, largest) => (free > 0 ? 1 - largest / free : NaN);
// From here on at most half, at most a tenth of the free memory can go to one request.
export const NOTABLE = 0.5;
const SEVERE = 0.9;
export const fragmentation = (value) => (value >= NOTABLE
  ? h('span', {class: value >= SEVERE ? 'severe' : 'notable'}, `▲\u00a0${ratio(value)}`) : ratio(value));

// samples of history.js with `external`, as the view remembers them.
export function fragmentationFact(free, largest, samples) {
  const value = externalFragmentation(free, largest);
  return ['Ext. fragmentation', [fragmentation(value), samples && sparkline(points(samples, 'external'),
    'external fragmentation since this page was opened', {top: 1, color: 'free'})],
    value >= NOTABLE ? `${bytes(free)} free, largest piece ${bytes(largest)}` : '1 − largest ÷ free'];
}
// Bytes of live blocks that nobody asked for: headers and padding. A part of a whole, so NaN where more was asked for than the blocks
// hold: an unguarded heap gives too little when a size wraps at 32 bits, and what its program took twice is counted twice.
export const internalFragmentation = (requested, block) => (block > 0 && requested <= block ? 1 - requested / block : NaN);

// The most that was live as a part of the most that the heap was long; NaN where it is no part of it, for the same reasons.
export const utilisation = (live, heap) => (heap > 0 && live <= heap ? live / heap : NaN);

// Where a chain of blocks is broken: what lies behind cannot be told.
export const alarm = (title, broken) => broken && h('section', {class: 'panel alarm', role: 'alert'},
  h('h2', {}, `✗ ${title} at ${hex(broken.address)}`), h('p', {}, broken.what),
  h('p', {class: 'muted small'}, 'What lies behind cannot be told: it is shown as unknown, and the figures leave it out.'));
export const alarms = (heap, pages) => [alarm('The heap is broken', heap?.broken), alarm('The list of free pages is broken', pages?.broken)];

const FINE = new Set(['ok', 'zero_size']);
export const failures = (outcomes) => outcomes.reduce((sum, {outcome, count: times}) => sum + (FINE.has(outcome) ? 0 : number(times)), 0);

export function outcomesTable(outcomes) {
  if (outcomes.length === 0) return h('p', {class: 'muted small'}, 'No operations yet.');
  return table([['Operation'], ['Outcome'], ['Count', 'n']], outcomes.map((item) => h('tr', {},
    h('td', {}, words(item.operation)), h('td', {class: FINE.has(item.outcome) ? '' : 'bad'}, words(item.outcome)),
    h('td', {class: 'n'}, count(number(item.count))))));
}
