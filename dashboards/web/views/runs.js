// All runs, newest first, or those that fit a filter.
import {get, number, query as queryOf, time} from '../api.js';
import {h} from '../dom.js';
import {bytes, clock, count, duration, nanoseconds, ratio, short} from '../format.js';
import {rate, remember} from '../history.js';
import {isNative} from '../native.js';
import {command, configWords, list, panel, progress, runLink, runState, STATES, utilisation} from '../parts.js';
import {may} from '../sign_in.js';
import {startRun} from '../start_run.js';

const PAGE_SIZE = 50;

export const ended = (run) => !['QUEUED', 'RUNNING'].includes(run.state);

export function workloadName({workload, label}) {
  const {builtin, spec, trace_sha256: sha256} = workload ?? {};
  if (builtin) return builtin.name;
  if (spec) return spec.name || 'specification';
  return label || (sha256 ? `trace ${sha256.slice(0, 12)}…` : 'workload');
}

function operations(run) {
  const done = number(run.operations_done), total = number(run.operations_total);
  if (ended(run)) return done === total || total === 0 ? count(done) : `${count(done)} of ${count(total)}`;
  const perSecond = rate(remember(`run ${run.id}`, {time: Date.now(), operations: done}));
  return [progress(done, total, `run ${run.id}`), h('small', {class: 'muted'}, run.state === 'QUEUED' ? `${count(total)} to do`
    : Number.isFinite(perSecond) ? `${ratio(total ? done / total : 0)} · ${short(Math.round(perSecond))} / s` : ratio(total ? done / total : 0))];
}

// What came of it, in a few numbers: of an ended run. A summary without a value is one of a run that did nothing.
function results({config, summary, operations_done: done}) {
  if (!summary) return ['', '', '', '', ''];
  const operations = number(done), heap = number(summary.heap_peak_bytes), pages = number(summary.page_peak_bytes);
  const perOperation = (sum, say) => (operations > 0 ? say(sum / operations) : '–');
  const failed = number(summary.failed_operations), broken = number(summary.violations);
  if (isNative(config)) return ['–', '–', perOperation(number(summary.replay_ns), nanoseconds), count(failed), '–'];
  return [
    [bytes(heap || pages), h('small', {class: 'muted'}, heap > 0 ? `${ratio(utilisation(number(summary.live_peak_bytes), heap))} used` : 'of pages')],
    perOperation(number(summary.cycles_386), short), perOperation(number(summary.replay_ns), nanoseconds),
    h('span', {class: failed > 0 ? 'bad' : ''}, count(failed)),
    broken > 0 ? h('span', {class: 'bad'}, count(broken)) : '0',
  ];
}

const COLUMNS = [['Run', 'name'], ['Workload'], ['Machine', 'machine'], ['State'], ['Operations', 'n'], ['Peak memory', 'n'], ['Cycles each', 'n'],
  ['Time each', 'n'], ['Failed', 'n'], ['Broken', 'n'], ['Took', 'n'], ['Submitted', 'n']];

function row(run, catalog) {
  const name = workloadName(run), took = time(run.end_time) - time(run.submit_time);
  return [
    [runLink(run.id), run.pinned && h('small', {class: 'muted'}, 'pinned')], [name, run.label && run.label !== name && h('small', {class: 'muted'}, run.label)],
    configWords(run.config, catalog).map((text, i) => [i > 0 && ' · ', h('span', {}, text)]),
    [runState(run.state), run.error && h('small', {class: 'muted'}, run.error)],
    operations(run), ...results(run), ended(run) ? duration(took) : '', clock(time(run.submit_time))];
}

export const runsTable = (runs, catalog) => h('div', {class: 'runs'}, list(COLUMNS, runs.map((run) => row(run, catalog))));

// What is chosen stands in the address under these names; the server filters, as it does for the command line.
const FILTERS = ['workload', 'state', 'label', 'allocator'];
const chosenFilters = (query) => FILTERS.filter((name) => query.has(name));

function filterBar(query, catalog, runs, page) {
  const choose = (name, options) => (event) => page.choose({[name]: event.target.value, before: null}, options);
  const select = (name, text, values) => h('label', {}, text, h('select', {name, onchange: choose(name)},
    h('option', {value: ''}, 'all'), values.map((value) => h('option', {value, selected: query.get(name) === value}, value.toLowerCase()))));
  const input = (name, text, hint, names) => h('label', {}, text, h('input', {type: 'search', name, placeholder: hint, value: query.get(name) ?? '',
    list: names && `${name}-names`, autocomplete: 'off', oninput: choose(name, {replace: true})}),
  names && h('datalist', {id: `${name}-names`}, [...new Set(names)].sort().map((value) => h('option', {value}))));
  const allocators = [...catalog.heap_allocators, ...catalog.page_allocators, ...catalog.native_allocators].map(({name}) => name);
  return h('form', {class: 'filters', role: 'search', 'aria-label': 'Which runs', onsubmit: (event) => event.preventDefault()},
    input('workload', 'Workload', 'a part of its name', runs.filter((run) => !run.workload?.trace_sha256).map(workloadName)),
    select('state', 'State', Object.keys(STATES)), input('label', 'Label', 'a part of it'), select('allocator', 'Allocator', allocators),
    chosenFilters(query).length > 0 && h('button', {type: 'button', class: 'plain',
      onclick: () => page.choose(Object.fromEntries([...FILTERS, 'before'].map((name) => [name, null])))}, 'All runs'));
}

export function open(_, page) {
  let catalog = null, form = null;
  return {
    title: 'Runs',
    async refresh(query) {
      catalog ??= await get('/api/catalog');
      if (may('user')) form ??= await startRun((run) => (location.hash = `#/runs/${run.id}`));
      const chosen = chosenFilters(query);
      const asked = {page_size: PAGE_SIZE, ...Object.fromEntries(chosen.map((name) => [name, query.get(name)])),
        ...(query.has('before') && {page_token: query.get('before')})};
      const {runs, next_page_token: older} = await get(`/api/runs?${queryOf(asked)}`);
      const turn = (text, disabled, before) => h('button', {type: 'button', class: 'plain', disabled, onclick: () => page.choose({before})}, text);
      return [
        h('div', {class: 'head'}, h('h1', {}, 'Runs')),
        form && panel('Start a run', h('details', {'data-keep': 'start-run', id: 'start-run-details'},
          !form.isConnected && [h('summary', {}, 'A workload, or a trace file, on a machine of your choice'), form])),
        panel('Workloads replayed on fresh machines', [
          filterBar(query, catalog, runs, page),
          runs.length > 0 ? runsTable(runs, catalog) : chosen.length > 0 ? h('p', {class: 'empty'}, 'No run fits.')
            : h('div', {class: 'empty'}, h('p', {}, 'None yet. Start one:'), command('alloclab submit steady-state'))],
        null, h('span', {class: 'tools'}, turn('Newest', !query.has('before'), null), turn('Older', older === '', older))),
      ];
    },
  };
}
