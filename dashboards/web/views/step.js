// Two runs of the same operations, side by side after the same one: both curves, one slider, both heap maps, and the figures that
// differ. Each is opened for this view, and closes by itself when it is not used.
import {ApiError, get, getWithin, instancePath, number, post, query as queryOf, runPath} from '../api.js';
import {sparkline} from '../charts.js';
import {fragmentation, hasCurve, heap, live} from '../course.js';
import {h} from '../dom.js';
import {bytes, count, hex, words} from '../format.js';
import {MemoryView} from '../memory_view.js';
import {configChips, link, panel, table} from '../parts.js';
import {allocatorsOf} from '../statistics.js';

const DIFF_MS = 25000;  // the server looks for 20 s
const opened = new Map();  // names of instances by run, for as long as this page lives

class Side {
  constructor(key, run, page) {
    Object.assign(this, {key, run, page});
    this.curves = h('div', {class: 'time-course', 'data-keep': `curves ${key}`, 'aria-hidden': 'true'});
  }

  // Opens the run if it is not, or not any more.
  async refresh(query, catalog, operation) {
    if (!this.config) {
      const {run} = await get(runPath(this.run));
      this.config = run.config;
      this.exact = run.result?.exact;
      if (this.exact && hasCurve(this.exact)) this.draw(this.exact);
    }
    const name = opened.get(this.key);
    const detail = name && await get(instancePath(name)).catch((error) => {
      if (error instanceof ApiError && error.code === 'NOT_FOUND') return null;
      throw error;
    });
    if (!detail?.moment || detail.moment.run !== this.run) {
      opened.set(this.key, (await post(`${runPath(this.run)}/open?operation=${operation}`)).instance);
      return this.refresh(query, catalog, operation);
    }
    if (this.name !== name) this.memory = new MemoryView(instancePath(name), this.page);
    Object.assign(this, {name, moment: detail.moment, statistics: detail.statistics, instance: detail.instance});
    await this.memory.refresh(query, allocatorsOf(this.config, catalog));
    return this;
  }

  draw(exact) {
    const top = Math.max(...heap(exact).map(([, value]) => value), 1);
    this.curves.append(sparkline(heap(exact), 'heap', {top}), sparkline(live(exact), 'live', {top, color: 'live'}),
      sparkline(fragmentation(exact), 'external fragmentation', {top: 1, color: 'free'}));
  }

  // In as many requests as it takes, as long as that is still wanted.
  async seek(operation, wanted) {
    while (number(this.moment.operation) !== operation && wanted() === operation) {
      this.moment = await post(`${instancePath(this.name)}/seek?operation=${operation}`);
    }
  }

  // Of it, what a column has room for.
  nodes(catalog) {
    const panels = this.memory.panels().slice(0, 2).filter(Boolean);
    for (const each of panels) each.setAttribute('aria-label', `${each.getAttribute('aria-label')} of run ${this.run}`);
    return h('div', {}, h('div', {class: 'head'}, h('h2', {}, link(`#/runs/${this.run}`, `Run ${this.run}`)), configChips(this.config, catalog)),
      this.curves, panels);
  }
}

// Where the two part: which operation is the first whose outcome, address or cost differs, as `alloclab runs diff` finds it.
class Parting {
  // seek(operation): both go there.
  constructor(runs, seek) {
    Object.assign(this, {runs, seek, asked: false});
    this.said = h('span', {id: 'parting', role: 'status'}, 'Looking for the first operation at which they part …');
    this.element = h('p', {class: 'time-bar', 'data-keep': `parting ${runs.join(' ')}`}, this.said);
  }

  async find() {
    if (this.asked) return;
    this.asked = true;
    try {
      this.tell(await getWithin(`${runPath(this.runs[0])}/diff?${queryOf({with: this.runs[1]})}`, DIFF_MS));
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.said.textContent = error.message;
    }
  }

  tell({identical, same_trace: sameTrace, first_operation: operation, first_difference: what}) {
    const first = number(operation);
    this.said.textContent = first > 0 ? `They part at operation ${count(first)}: ${what}`
      : !sameTrace ? 'They replayed different traces: no operation can be compared.'
        : identical ? 'They are alike in every operation and every figure.' : 'No operation differs; the figures below do.';
    if (first === 0) return;
    const jump = (id, text, to) => h('button', {type: 'button', class: 'plain', id, onclick: () => this.seek(to)}, text);
    this.element.prepend(jump('parting-before', 'Before they part', first - 1), jump('parting-go', 'Where they part', first));
  }
}

// {name: value} of every whole number in the statistics.
function numbersOf({counters, heap: shape, pages}) {
  const found = {};
  const add = (name, value) => {
    if (/^\d+$/.test(String(value))) found[name] = number(value);
  };
  for (const [part, fields] of [['', counters], ['heap ', shape ?? {}], ['pages ', pages ?? {}]]) {
    for (const [name, value] of Object.entries(fields)) add(part + name, value);
  }
  for (const {operation, outcome, count: n} of counters.outcomes) add(`outcome ${operation} ${outcome}`, n);
  for (const part of ['heap', 'pages', 'machine']) {
    for (const {name, labels, value} of counters[part]) add([part, name, ...labels.flatMap((label) => [label.name, label.value])].join(' '), value);
  }
  return found;
}

const say = (name, value) => (/ (brk|start|limit|arena_first)$/.test(name) ? hex(value) : name.endsWith('_bytes') ? bytes(value) : count(value));

function differences(sides) {
  const [a, b] = sides.map(({statistics}) => numbersOf(statistics));
  const names = Object.keys(a).filter((name) => name in b && a[name] !== b[name]).sort();
  return panel('Figures that differ', names.length === 0 ? h('p', {class: 'muted'}, 'None.')
    : table([['Figure'], ...sides.map(({run}) => [`Run ${run}`, 'n'])], names.map((name) => h('tr', {}, h('th', {scope: 'row'}, words(name)),
      h('td', {class: 'n'}, say(name, a[name])), h('td', {class: 'n'}, say(name, b[name]))))));
}

export function open(pair, page) {
  const runs = pair.split('/'), sides = runs.map((run, i) => new Side(`${pair} ${i}`, run, page));
  let catalog = null, wanted = null;
  const where = h('output', {class: 'n'}), said = h('p', {class: 'muted small', role: 'status'});
  const slider = h('input', {type: 'range', class: 'time', min: 0, step: 1, 'aria-label': 'Both after operation', oninput: () => seek(Number(slider.value))});
  const button = (text, label, by) => h('button', {type: 'button', class: 'plain', 'aria-label': label, title: label,
    onclick: () => seek(Number(slider.value) + by)}, text);
  const parting = new Parting(runs, (operation) => seek(operation));
  const bar = h('section', {class: 'panel', 'data-keep': `step ${pair}`, 'aria-label': 'Time of both'}, h('h2', {}, 'Time'), slider,
    h('p', {class: 'time-bar'}, button('◀', 'Both one operation back', -1), button('▶|', 'Both one operation forth', 1), ' ', where), parting.element, said);

  const tell = (operation) => (where.textContent = `both after operation ${count(operation)} of ${count(Number(slider.max))}`);

  // The newest wish counts.
  async function seek(operation) {
    const busy = wanted !== null;
    wanted = Math.min(Math.max(operation, 0), Number(slider.max));
    slider.value = wanted;
    tell(wanted);
    if (busy) return;
    said.textContent = '';
    try {
      for (let gone = null; gone !== wanted;) {
        gone = wanted;
        await Promise.all(sides.map((side) => side.seek(gone, () => wanted)));
        page.redraw();
      }
    } catch (error) {
      said.textContent = error.message;
    }
    wanted = null;
  }

  return {
    title: `Runs ${runs.join(' and ')}`,
    async refresh(query) {
      catalog ??= await get('/api/catalog');
      parting.find();
      for (const side of sides) await side.refresh(query, catalog, Number(slider.value));
      const ends = sides.map(({moment}) => number(moment.operations));
      slider.max = Math.min(...ends);
      if (wanted === null) {
        const at = number(sides[0].moment.operation);
        if (document.activeElement !== slider) slider.value = at;
        tell(at);
        if (number(sides[1].moment.operation) !== at) seek(Math.min(at, ...ends));
      }
      return [
        h('div', {class: 'head'}, h('span', {class: 'crumb'}, link('#/compare', 'Compare'), ' / in step'), h('h1', {}, `Runs ${runs.join(' and ')}`)),
        ends[0] !== ends[1] && h('p', {class: 'bad'}, 'These two replayed different operations.'),
        bar, h('div', {class: 'in-step'}, sides.map((side) => side.nodes(catalog))), differences(sides),
        h('p', {class: 'muted small'}, 'Where they part ways, as text: ', h('code', {}, `alloclab explain ${runs[0]} --with ${runs[1]}`)),
      ];
    },
    mounted: (main) => sides.forEach((side) => side.memory.mount(main)),
  };
}
