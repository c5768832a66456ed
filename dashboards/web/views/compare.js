// Allocators side by side: the newest run of a workload on each machine, one table for each size of RAM, and their curves.
//
// What is compared is chosen as in the list of runs, and stands in the address: workload, label (of a study), and the column that
// sorts. Runs that are under way fill in as they end.
import {get, number, query as queryOf, runPath} from '../api.js';
import {sparkline} from '../charts.js';
import * as course from '../course.js';
import {h} from '../dom.js';
import {bytes, count, ratio, short} from '../format.js';
import {isNative} from '../native.js';
import {panel, progress, runState, table} from '../parts.js';
import {may} from '../sign_in.js';
import {startComparison} from '../start_comparison.js';
import {ended, workloadName} from './runs.js';

const RUNS_MAX = 200;     // looked at
const ASKED_AT_ONCE = 8;  // results that are fetched in one refresh

const refused = (exact) => exact.counters.outcomes.filter(({outcome}) => outcome !== 'ok' && outcome !== 'zero_size')
  .reduce((sum, {count: n}) => sum + number(n), 0);

// value: of the exact part of a result; NaN where there is none. more: a larger one is better.
const FIGURES = [
  {name: 'refused', title: 'Refused', value: refused, say: count, unmarked: true},
  {name: 'peak_ram', title: 'Peak RAM', value: (exact) => number(exact.peak_ram_bytes), say: bytes},
  {name: 'utilisation', title: 'Utilisation', more: true, say: ratio,
    value: (exact) => number(exact.counters.live_requested_peak_bytes) / number(exact.peak_ram_bytes)},
  {name: 'fragmentation', title: 'Ext. frag.', value: (exact) => (course.hasCurve(exact) ? course.meanFragmentation(exact) : NaN), say: ratio},
  {name: 'steps', title: 'Steps', value: (exact) => course.mean(exact.search_steps_per_operation), say: short},
  {name: 'cycles', title: 'Cycles', value: (exact) => course.mean(exact.cycles_386_per_operation), say: short},
  {name: 'p99', title: 'p99', value: (exact) => (exact.cycles_386_per_operation ? number(exact.cycles_386_per_operation.p99) : NaN), say: short},
  {name: 'longest', title: 'Longest', value: (exact) => (exact.cycles_386_per_operation ? number(exact.cycles_386_per_operation.max) : NaN), say: short},
];

const machine = ({config}) => JSON.stringify([config.heap_allocator, config.page_allocator, config.unguarded, config.ram_bytes,
  Object.entries(config.parameters ?? {}).sort()]);

// The parameters that machines with the same heap allocator have with different values.
function differing(rows) {
  const values = new Map();
  for (const {config} of rows) {
    for (const [name, value] of Object.entries(config.parameters ?? {})) {
      const key = `${config.heap_allocator} ${name}`;
      values.set(key, (values.get(key) ?? new Set()).add(value));
    }
  }
  return new Set([...values].filter(([, different]) => different.size > 1).map(([key]) => key));
}

// "tlsf", "implicit-heap heap.fit = best".
const nameOf = ({config}, parameters) => [config.heap_allocator, ...Object.entries(config.parameters ?? {})
  .filter(([name]) => parameters.has(`${config.heap_allocator} ${name}`)).map(([name, value]) => `${name} = ${value}`)].join(' ');

function titleOf(run) {
  const operations = number(run.workload?.builtin?.operations);  // 0: as many as the workload has
  return [workloadName(run), operations > 0 && `${count(operations)} operations`, `RAM ${bytes(number(run.config.ram_bytes))}`].filter(Boolean).join(', ');
}

// The newest run of each machine that succeeded or may, by workload and RAM.
function groups(runs) {
  const tables = new Map(), seen = new Set();
  for (const run of runs) {
    if (run.config.heap_allocator === 'none' || isNative(run.config) || (ended(run) && run.state !== 'SUCCEEDED')) continue;
    const table = JSON.stringify([run.workload, run.config.ram_bytes]);
    if (seen.has(table + machine(run))) continue;
    seen.add(table + machine(run));
    tables.set(table, [...(tables.get(table) ?? []), run]);
  }
  return [...tables.values()].map((rows) => ({title: titleOf(rows[0]), rows: rows.reverse()}));
}

function best(values, more) {
  const known = values.filter(Number.isFinite);
  const [least, most] = [Math.min(...known), Math.max(...known)];
  return known.length < 2 || least === most ? NaN : more ? most : least;
}

function sorted(rows, name) {
  const figure = FIGURES.find((each) => each.name === name);
  if (!figure) return rows;
  const rank = ({values}) => (values ? (figure.more ? -1 : 1) * values[FIGURES.indexOf(figure)] : NaN);
  return [...rows].sort((a, b) => (Number.isFinite(rank(a)) ? 0 : 1) - (Number.isFinite(rank(b)) ? 0 : 1) || rank(a) - rank(b) || 0);
}

function cellsOf({run, exact, values}, bests, name) {
  if (!exact) {
    const done = number(run.operations_done), total = number(run.operations_total);
    return h('td', {colspan: FIGURES.length + 1}, ended(run) ? runState(run.state) : [runState(run.state), ' ', progress(done, total, `run ${run.id}`)]);
  }
  const curve = course.hasCurve(exact)
    ? sparkline(course.fragmentation(exact), `fragmentation of ${name} over the operations`, {top: 1, color: 'free'}) : '–';
  return [FIGURES.map(({say, unmarked}, i) => {
    const good = !unmarked && values[i] === bests[i];
    const css = `n ${good ? 'good' : ''} ${unmarked && values[i] > 0 ? 'bad' : ''}`;
    return h('td', {class: css}, Number.isFinite(values[i]) ? say(values[i]) : '–', good && h('span', {title: 'best of its column'}, ' *'));
  }), h('td', {class: 'wide'}, curve)];
}

function comparison({title, rows}, results, sort, page) {
  const known = rows.map((run) => {
    const exact = results.get(run.id);
    return {run, exact, values: exact && FIGURES.map(({value}) => value(exact))};
  });
  const parameters = differing(rows);
  const bests = FIGURES.map(({more}, i) => best(known.filter(({values}) => values).map(({values}) => values[i]), more));
  const header = (figure) => [h('button', {type: 'button', class: 'plain', 'aria-pressed': String(sort === figure.name),
    onclick: () => page.choose({sort: sort === figure.name ? null : figure.name}, {replace: true})}, figure.title, sort === figure.name && ' ▾'), 'n'];
  return panel(title, table([['Heap allocator'], ...FIGURES.map(header), ['Fragmentation over the operations', 'wide']],
    sorted(known, sort).map((row) => {
      const name = nameOf(row.run, parameters);
      const first = rows[0].id, inStep = row.exact && row.run.id !== first;
      return h('tr', {}, h('th', {scope: 'row'}, h('a', {href: `#/runs/${row.run.id}`}, name),
        inStep && [' ', h('a', {href: `#/step/${first}/${row.run.id}`, title: `In step with run ${first}`, 'aria-label': `${name} in step with run ${first}`}, '⇄')]),
      cellsOf(row, bests, name));
    })),
  '* best of its column; cycles are of a 386DX-33, per heap operation');
}

const field = (query, page, name, text, hint) => h('label', {}, text, h('input', {type: 'search', name, placeholder: hint, value: query.get(name) ?? '',
  autocomplete: 'off', oninput: (event) => page.choose({[name]: event.target.value}, {replace: true})}));

export function open(_, page) {
  const results = new Map();  // exact parts by the run's number; they never change
  let form = null;
  return {
    title: 'Compare',
    async refresh(query) {
      const asked = {page_size: RUNS_MAX};
      for (const name of ['workload', 'label']) if (query.get(name)) asked[name] = query.get(name);
      const {runs} = await get(`/api/runs?${queryOf(asked)}`);
      if (may('user')) form ??= await startComparison((chosen) => page.choose(chosen));
      const tables = groups(runs).filter(({rows}) => rows.length > 1);
      const missing = tables.flatMap(({rows}) => rows).filter((run) => ended(run) && !results.has(run.id)).slice(0, ASKED_AT_ONCE);
      await Promise.all(missing.map(async ({id}) => results.set(id, (await get(runPath(id))).run.result?.exact)));
      if (missing.length === ASKED_AT_ONCE) setTimeout(page.redraw, 0);
      return [
        h('div', {class: 'head'}, h('h1', {}, 'Compare')),
        panel('What is compared', h('form', {class: 'filters', role: 'search', 'aria-label': 'Which runs', onsubmit: (event) => event.preventDefault()},
          field(query, page, 'workload', 'Workload', 'a part of its name'), field(query, page, 'label', 'Label or study', 'a part of it')),
        'the newest run of each machine'),
        form && panel('Start a comparison', h('details', {'data-keep': 'start'},  // which stays as it is, with what is typed into it
          !form.isConnected && [h('summary', {}, 'One run on each heap allocator'), form]),
          'as alloclab compare does'),
        tables.length > 0 ? tables.map((each) => comparison(each, results, query.get('sort'), page))
          : h('div', {class: 'panel empty'}, h('p', {}, 'No two runs of one workload fit.')),
      ];
    },
  };
}
