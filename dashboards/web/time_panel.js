// Time travel over an opened run: a slider over its operations, with its course drawn behind; steps, jumps, and why an operation
// ended as it did.
import {ApiError, get, instancePath, number, post, runPath} from './api.js';
import {sparkline} from './charts.js';
import {fragmentation, hasCurve, heap, live} from './course.js';
import {h} from './dom.js';
import {count} from './format.js';
import {holesSearch} from './holes_panel.js';
import {failures} from './parts.js';
import {searchPath, trailOf} from './search_path.js';
import {TenantsPanel} from './tenants_panel.js';

const REST_MS = 100;  // between two moments of a slider that is dragged, so that the slider itself follows smoothly
const PLAY_MS = 100, PLAY_STEPS = 200;  // from end to end

// [[what, operation, from], ...]: the moments that people look for. from: it is behind that one, and at the latest at `operation`.
function marks(exact) {
  const most = (points) => points.reduce((best, point) => (point[1] > best[1] ? point : best))[0];
  const found = [['Peak live', most(live(exact))], ['Worst fragmentation', most(fragmentation(exact))]];
  const failed = exact.curve.failed_operations?.findIndex((failures) => number(failures) > 0) ?? -1;
  const operation = exact.curve.operation;
  if (failed >= 0) found.push(['First failure', number(operation[failed]), failed > 0 ? number(operation[failed - 1]) : 0]);
  return found;
}

export class TimePanel {
  // showTrail([{address, taken}, ...]): the way of a search, to be drawn on the map.
  constructor(name, page, showTrail) {
    this.showTrail = showTrail;
    this.path = instancePath(name);
    this.page = page;
    this.wanted = null;  // the operation that is being gone to
    this.arrived = null;  // and the one that was come to since the last answer
    this.playing = null;
    this.said = h('p', {class: 'muted small', role: 'status'});
    this.why = h('div', {});
    this.holes = holesSearch((operation) => this.seek(operation));
    this.tenants = new TenantsPanel((operation) => this.seek(operation), () => this.moment.run);
    this.where = h('output', {class: 'n'});
    this.slider = h('input', {type: 'range', class: 'time', min: 0, step: 1, 'aria-label': 'After operation',
      oninput: () => this.seek(Number(this.slider.value))});
    this.jumps = h('span', {});
    this.course = h('div', {class: 'time-course', 'aria-hidden': 'true'});
    const button = (text, label, onclick) => h('button', {type: 'button', class: 'plain', 'aria-label': label, title: label, onclick}, text);
    this.play = button('▶', 'Play', () => this.togglePlay());
    this.element = h('section', {class: 'panel', 'data-keep': `time ${name}`, 'aria-label': 'Time'}, h('h2', {}, 'Time'),
      this.course, this.slider,
      h('p', {class: 'time-bar'}, button('◀', 'One operation back', () => this.step(-1)), this.play,
        button('▶|', 'One operation forth', () => this.step(1)), ' ', this.where, ' ',
        button('Why?', 'Why the last operation ended as it did', () => this.explain()), ' ',
        button('What fragmented it?', 'Which blocks of the whole run kept free memory in pieces', () => this.holes.find(this.moment.run)), ' ', this.jumps),
      this.said, this.why, this.tenants.element, this.holes.element);
  }

  // The moment as the server has it; `run` is read once, for its course.
  async show(moment) {
    const arrived = this.arrived;
    this.arrived = null;
    if (arrived !== null && number(moment.operation) !== arrived) return;  // asked for before that: another answer follows
    this.moment = moment;
    const operations = number(moment.operations);
    this.slider.max = operations;
    if (this.wanted === null && document.activeElement !== this.slider) this.slider.value = number(moment.operation);
    this.where.textContent = `after operation ${count(this.wanted ?? number(moment.operation))} of ${count(operations)}`;
    if (this.exact !== undefined) return;
    this.exact = (await get(runPath(moment.run))).run.result?.exact ?? null;
    if (!this.exact || !hasCurve(this.exact)) return;
    const top = Math.max(...heap(this.exact).map(([, value]) => value), 1);
    this.course.append(sparkline(heap(this.exact), 'heap', {top}), sparkline(live(this.exact), 'live', {top, color: 'live'}),
      sparkline(fragmentation(this.exact), 'external fragmentation', {top: 1, color: 'free'}));
    this.jumps.append(...marks(this.exact).flatMap(([what, operation, from]) =>
      [h('button', {type: 'button', class: 'plain', onclick: () => (from === undefined ? this.seek(operation) : this.seekFailure(from, operation))}, what), ' ']));
  }

  step(by) {
    return this.seek((this.wanted ?? number(this.moment.operation)) + by);
  }

  // Goes there in as many requests as it takes; the newest wish counts.
  async seek(operation) {
    const busy = this.wanted !== null;
    this.wanted = Math.min(Math.max(operation, 0), number(this.moment.operations));
    this.slider.value = this.wanted;
    this.where.textContent = `after operation ${count(this.wanted)} of ${count(number(this.moment.operations))}`;
    if (busy) return;
    this.why.replaceChildren();
    this.showTrail([]);
    try {
      while (this.wanted !== number(this.moment.operation)) {
        await this.replayTo(this.wanted);
        this.page.redraw();
        await new Promise((done) => { setTimeout(done, REST_MS); });
      }
    } catch (error) {
      this.said.textContent = error.message;
    }
    this.wanted = null;
    this.arrived = number(this.moment.operation);
  }

  // A request's worth of the way there.
  async replayTo(operation) {
    this.moment = await post(`${this.path}/seek?operation=${operation}`);
    const at = number(this.moment.operation);
    this.said.textContent = operation === at ? '' : `replaying: at operation ${count(at)} …`;
  }

  // Goes to the first operation that failed, behind `from` and at the latest `to`, unless the reader wishes to be elsewhere meanwhile.
  async seekFailure(from, to) {
    if (this.wanted !== null) return;
    const wished = this.wanted = to;
    try {
      for (let middle; this.wanted === wished && to - from > 1;) {
        middle = Math.floor((from + to) / 2);
        await this.replayTo(middle);
        if (number(this.moment.operation) !== middle) continue;
        if (failures((await get(this.path)).statistics.counters.outcomes) > 0) to = middle;
        else from = middle;
      }
    } catch (error) {
      this.said.textContent = error.message;
    }
    const operation = this.wanted === wished ? to : this.wanted;
    this.wanted = null;
    this.seek(operation);
  }

  async explain() {
    const operation = this.wanted ?? number(this.moment.operation);
    if (operation === 0) return void (this.said.textContent = 'No operation has happened yet.');
    for (;;) {
      try {
        const explanation = await post(`${this.path}/explain?operation=${operation}`);
        this.said.textContent = '';
        this.why.replaceChildren(h('ul', {class: 'why'}, explanation.sentences.map((sentence) => h('li', {}, sentence))), ...searchPath(explanation));
        this.showTrail(trailOf(explanation));
        return;
      } catch (error) {
        this.said.textContent = error.message;
        if (!(error instanceof ApiError) || error.code !== 'DEADLINE_EXCEEDED') return;
      }
    }
  }

  togglePlay() {
    const start = this.playing === null;
    clearInterval(this.playing);
    this.playing = null;
    this.play.textContent = start ? '❚❚' : '▶';
    this.play.setAttribute('aria-label', start ? 'Pause' : 'Play');
    if (!start) return;
    const operations = number(this.moment.operations), stride = Math.max(1, Math.round(operations / PLAY_STEPS));
    if (number(this.moment.operation) === operations) this.seek(0);
    this.playing = setInterval(() => {
      if (!this.element.isConnected || number(this.moment.operation) >= operations) return this.togglePlay();
      if (this.wanted === null) this.step(stride);
    }, PLAY_MS);
  }
}
