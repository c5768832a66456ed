// One run: how far it is, and what came of it.
import {deleteButton} from '../actions.js';
import {get, number, post, query as queryOf, runPath, time} from '../api.js';
import {coursePanel, operationCosts} from '../course.js';
import {h} from '../dom.js';
import {bytes, clock, count, duration, hex, nanoseconds, ratio, short, words} from '../format.js';
import {rate, remember} from '../history.js';
import {LiveMachine} from '../live.js';
import {MemoryView} from '../memory_view.js';
import {nativePanels} from '../native.js';
import {alarms, command, configChips, facts, fragmentationFact, internalFragmentation, link, pairs, panel, progress, runState, table, utilisation} from '../parts.js';
import {reproducingCommand} from '../reproduce.js';
import {may, mayChange} from '../sign_in.js';
import {allocatorsOf, figureValue, freeSpace, historyOf, machineFacts, statisticsPanels} from '../statistics.js';
import {ended, workloadName} from './runs.js';

function progressPanel(run, live, known) {
  const done = number(run.operations_done), total = number(run.operations_total);
  const samples = remember(`run ${run.id}`, {time: Date.now(), operations: done, ...(live?.counters && historyOf(live))});
  const perSecond = rate(samples);
  const left = perSecond > 0 ? duration(1000 * (total - done) / perSecond) : '–';
  return [
    panel('Progress', h('div', {class: 'progress'}, progress(done, total, 'operations done'), h('span', {class: 'n'}, ratio(total ? done / total : 0))),
      `${count(done)} of ${count(total)} operations · ${Number.isFinite(perSecond) ? `${short(Math.round(perSecond))} per second · ` : ''}${left} left`),
    live?.counters && facts(machineFacts(live, known, samples)),
  ];
}

function summary({exact, measured}) {
  const {counters, heap} = exact;
  const operations = number(exact.operations), ns = number(measured.replay_ns);
  const peakHeap = number(counters.heap_size_peak_bytes);
  return facts([
    ['Operations', short(operations), `${short(Math.round(operations / Math.max(ns, 1) * 1e9))} per second`],
    ['Time per operation', operations > 0 ? nanoseconds(ns / operations) : '–', `replayed in ${nanoseconds(ns)}`],
    heap && ['Peak heap', bytes(peakHeap), `peak live ${bytes(number(counters.live_requested_peak_bytes))}`],
    heap && ['Peak utilisation', ratio(utilisation(number(counters.live_requested_peak_bytes), peakHeap)), 'peak live ÷ peak heap'],
    heap && !heap.broken && fragmentationFact(...freeSpace(heap)),
    heap && !heap.broken && ['Int. fragmentation', ratio(internalFragmentation(number(counters.live_requested_bytes), number(heap.live_block_bytes))), 'at the end'],
    ['486DX2-66', duration(number(exact.cycles_486) / 66e3), `${short(number(exact.cycles_486))} cycles`],
    ['386DX-33', duration(number(exact.cycles_386) / 33e3), `${short(number(exact.cycles_386))} cycles`],
  ]);
}

function checkpoints(list, info) {
  const figures = list[0].figures.map(({name}) => [words(name), 'n']);
  return table([['After operation', 'n'], ['Break', 'n'], ['Blocks', 'n'], ['Free blocks', 'n'], ['Free', 'n'], ...figures,
    ['Digest of the metadata (SHA-256)']],
    list.map((point) => h('tr', {}, h('td', {class: 'n'}, count(number(point.after_operation))), h('td', {class: 'n mono'}, hex(point.brk)),
      [[count, point.blocks], [count, point.free_blocks], [bytes, point.free_bytes]].map(([say, value]) =>
        h('td', {class: 'n'}, value === undefined ? '–' : say(number(value)))),
      point.figures.map((figure) => h('td', {class: 'n mono'}, figureValue(figure, info?.figures))),
      h('td', {class: 'digest'}, point.metadata_sha256))));
}

function provenance(run, {exact, measured}) {
  return pairs([
    ['Trace', exact.trace_sha256, 'digest'], ['Format', exact.trace_format],
    exact.trace_notes.length > 0 && ['Notes', exact.trace_notes.map((note) => h('div', {}, note))], exact.seed !== '0' && ['Seed', exact.seed],
    ['Broken invariants at the end', count(number(exact.violations)), `n ${number(exact.violations) > 0 ? 'bad' : ''}`],
    ['Cost model', exact.cost_model], ['Server', `${measured.server_version}, ${measured.server_build}`], ['Host', measured.host],
    number(measured.of_run) > 0 && ['Result of', `run ${measured.of_run}, the same; nothing was replayed`],
    run.owner !== '' && ['Owner', run.owner], ['Submitted', clock(time(run.submit_time))], ['Ended', clock(time(run.end_time))],
    ['Preparing the operations', nanoseconds(number(measured.prepare_ns))],
  ]);
}

function resultPanels(run, catalog) {
  const {exact} = run.result;
  const known = allocatorsOf(exact.config, catalog);
  return [
    summary(run.result),
    operationCosts(exact), coursePanel(exact),
    panel('Do it again', command(reproducingCommand(run, catalog)), 'exact: the same digests and counts on every machine'),
    exact.checkpoints.length > 0 && panel('Checkpoints', checkpoints(exact.checkpoints, known.heap)),
    statisticsPanels(exact, known),
    h('div', {class: 'columns'}, panel('Provenance', provenance(run, run.result))),
  ];
}

// One element, whatever there is to say: the actions behind it keep their place.
function remarks({label, pinned}) {
  const said = [label !== '' && label, pinned && 'pinned'].filter(Boolean).map((text) => h('span', {}, text));
  return h('span', {class: 'muted', hidden: said.length === 0}, said.flatMap((node, i) => (i > 0 ? [' · ', node] : [node])));
}

// A handler that answers false would keep all other keys from the field.
const onEnter = (act) => (event) => {
  if (event.key === 'Enter') act();
};

// What can be done with a run: change(what, then, values) asks the server for it.
class RunActions {
  constructor(id, page, change) {
    const button = (what, text, onclick) => h('button', {type: 'button', class: 'plain', id: `run-${what}`, onclick}, text);
    this.label = h('input', {id: 'run-repeat-label', size: 12, placeholder: 'its label', 'aria-label': 'Label of the repetition', autocomplete: 'off'});
    this.other = h('input', {id: 'run-other', size: 6, placeholder: 'run', inputmode: 'numeric', 'aria-label': 'Compare with run', autocomplete: 'off',
      onkeydown: onEnter(() => this.compare(id))});
    this.cancel = button('cancel', 'Cancel', change('cancel', () => {}));
    this.repeat = button('repeat', 'Repeat', () => change('repeat', (run) => (location.hash = `#/runs/${run.id}`),
      this.label.value.trim() === '' ? {} : {label: this.label.value.trim()})());
    this.travel = button('open', 'Time travel', change('open', (moment) => (location.hash = `#/instances/${moment.instance}`)));
    this.step = button('compare', 'Compare with', () => this.compare(id));
    this.name = h('input', {id: 'run-name', size: 12, maxlength: 128, placeholder: 'none', 'aria-label': 'Label of this run', autocomplete: 'off',
      onkeydown: onEnter(() => this.rename.click())});
    this.rename = button('rename', 'Set label', () => change('update', (run) => (this.name.value = run.label), {label: this.name.value.trim()})());
    this.pin = button('pin', '', () => change('update', () => {}, {pinned: this.pin.dataset.pinned === 'yes' ? 0 : 1})());
    this.pin.title = 'A pinned run is kept until somebody deletes it';
    this.remove = deleteButton('run-delete', 'Delete', change('delete', () => (location.hash = '#/runs')));
    this.element = h('span', {class: 'actions'});
  }

  compare(id) {
    const other = this.other.value.trim().replace(/^#/, '');
    if (/^\d+$/.test(other) && other !== id) location.hash = `#/step/${id}/${other}`;
    else this.other.focus();
  }

  // Those that fit the run as it is, in a place that is left alone.
  show(run, id) {
    const pinned = run.pinned ? 'yes' : 'no';
    if (this.pin.dataset.pinned === undefined) this.name.value = run.label;
    if (this.pin.dataset.pinned !== pinned) Object.assign(this.pin, {textContent: run.pinned ? 'Unpin' : 'Pin'}).dataset.pinned = pinned;
    const user = may('user'), exact = run.result?.exact;
    const fit = ended(run) ? [...(user ? [this.repeat, this.label] : []), ...(user && exact ? [this.travel, this.step, this.other] : []),
      ...(mayChange(run.owner) ? [this.pin, this.rename, this.name, this.remove] : [])] : mayChange(run.owner) ? [this.cancel] : [];
    if (fit.length !== this.element.children.length || fit.some((each, i) => each !== this.element.children[i])) this.element.replaceChildren(...fit);
    return h('span', {'data-keep': `actions ${id}`}, !this.element.isConnected && this.element);
  }
}

export function open(id, page) {
  const memory = new MemoryView(runPath(id), page), live = new LiveMachine(runPath(id), page);
  let catalog = null, mapped = false, problem = null, over = false;
  const change = (what, then, values = {}) => async () => {
    problem = null;
    try {
      then(await post(`${runPath(id)}/${what}?${queryOf(values)}`));
    } catch (error) {
      problem = error.message;
    }
    page.redraw();
  };
  const actions = new RunActions(id, page, change);

  // Of a run at work the figures and the map come together.
  async function read(query) {
    if (over) return get(runPath(id));
    const {detail, map} = await live.read(memory.question(query));
    over = ended(detail.run);
    if (over) live.close(Infinity);
    // The machine of a run may be gone before its map is asked for.
    mapped = !over && memory.take(map, query, allocatorsOf(detail.run.config, catalog));
    return detail;
  }

  return {
    title: `Run ${id}`,
    async refresh(query) {
      catalog ??= await get('/api/catalog');
      const {run, live: machine} = await read(query);
      return [
        h('div', {class: 'head'}, h('span', {class: 'crumb'}, link('#/runs', 'Runs'), ` / run ${run.id}`),
          h('h1', {}, workloadName(run)), runState(run.state), remarks(run),
          configChips(run.result?.exact?.config ?? run.config, catalog), actions.show(run, id)),
        problem && h('div', {class: 'panel bad', role: 'alert'}, problem),
        run.error && h('div', {class: 'panel bad', role: 'alert'}, run.error),
        number(run.differs_from) > 0 && h('div', {class: 'panel bad', role: 'alert'},
          `Run ${run.differs_from} was the same and came to something else, which must not be.`),
        !ended(run) && progressPanel(run, machine, allocatorsOf(run.config, catalog)),
        alarms((machine ?? run.result?.exact)?.heap, (machine ?? run.result?.exact)?.pages),
        mapped && memory.panels(),
        run.result?.measured?.native ? [nativePanels(run.result), panel('Do it again', command(reproducingCommand(run, catalog)))]
          : run.result?.exact && resultPanels(run, catalog),
      ];
    },
    mounted: (main) => mapped && memory.mount(main),
    close: () => live.close(),
  };
}
