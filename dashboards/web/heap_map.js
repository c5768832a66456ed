// The heap as a picture, whole or zoomed in, beside the blocks of the cell under the cursor. Picture and blocks come from one answer.
import {number, query as queryOf} from './api.js';
import {CellMap} from './cell_map.js';
import {key} from './charts.js';
import {h, morphChildren} from './dom.js';
import {bytes, hex} from './format.js';
import {FRAME_BYTES, layout, partsList} from './map_layout.js';

const CELLS = 8192;
const ZOOM = 16;
const WORD = 4;
const SETTLE_MS = 60;  // the cursor rests before the blocks under it are asked for
const PARTS = [['live', 'allocated'], ['free', 'free'], ['outside', 'beyond the break']];

export class HeapMap {
  // page: as of main.js; the range shown is in the address, as from and to.
  constructor(page) {
    this.page = page;
    this.map = new CellMap({label: 'Heap map', keys: PARTS.map(([part]) => part), onmove: () => this.moved(), onopen: () => this.zoomIn(),
      onback: () => this.zoomOut()});
    Object.assign(this, layout(this.map, 'Heap map', PARTS));
    const button = (text, title, onclick) => h('button', {type: 'button', class: 'plain', title, onclick}, text);
    this.buttons = {
      zoomIn: button('Zoom in', 'At the cursor; or double-click, or Enter on the map', () => this.zoomIn()),
      zoomOut: button('Zoom out', 'Or Escape on the map', () => this.zoomOut()),
      whole: button('Whole heap', 'From its start to its break', () => this.show(null)),
    };
    this.tools = h('span', {class: 'tools'}, Object.values(this.buttons));
  }

  // What to ask the server for; query: of the address.
  question(query) {
    const range = Object.fromEntries(['from', 'to'].filter((name) => query.has(name)).map((name) => [name, query.get(name)]));
    return queryOf({cells: CELLS, ...range, ...(this.map.at !== null && {at: this.map.at})});
  }

  update(heap, query) {
    this.heap = heap;
    this.zoomed = query.has('from');
    const step = number(heap.cell_bytes);
    const beyond = heap.allocated_bytes.map((allocated, i) => step - allocated - heap.free_bytes[i]);
    this.map.set([heap.allocated_bytes, heap.free_bytes, beyond], heap.from, step);
    this.buttons.zoomIn.disabled = step <= WORD;
    this.buttons.zoomOut.disabled = this.buttons.whole.disabled = !this.zoomed;
    this.inspect();
  }

  show(range) {
    const [from, to] = range ?? [null, null];
    this.page.choose({from: range && hex(from), to: range && hex(to)});
  }

  // A range of `span` bytes around the cursor, or else the middle of what is shown.
  around(span) {
    const {heap, map} = this;
    const middle = map.cursor < 0 ? heap.from + map.size * map.step / 2 : map.at;
    const aligned = Math.floor((middle - span / 2) / FRAME_BYTES) * FRAME_BYTES;
    const from = Math.max(heap.start, aligned);
    return [from, Math.min(from + span, heap.limit)];
  }

  zoomIn() {
    if (this.heap && this.map.step > WORD) this.show(this.around(Math.max(this.map.step / ZOOM, WORD) * CELLS));
  }

  // Whether there was something to leave.
  zoomOut() {
    if (!this.zoomed) return false;
    const span = this.map.step * ZOOM * CELLS;
    this.show(span >= this.heap.brk - this.heap.start ? null : this.around(span));
    return true;
  }

  moved() {
    this.inspect();
    clearTimeout(this.settling);
    this.settling = setTimeout(() => this.page.redraw(), SETTLE_MS);
  }

  inspect() {
    const {heap, map} = this;
    const cell = map.cursor;
    if (cell < 0) {
      morphChildren(this.inspector, [h('p', {class: 'hint'}, 'Move over the map, or focus it and use the arrow keys.')]);
      return;
    }
    const from = map.addressOf(cell), weights = map.weights(cell);
    const asked = heap.at >= from && heap.at < from + map.step;
    morphChildren(this.inspector, [h('h3', {}, `${hex(from)} – ${hex(from + map.step - 1)}`),
      partsList(PARTS.map(([part, name], i) => ({key: part, name, value: weights[i]})), bytes),
      asked ? this.blocks() : h('p', {class: 'hint'}, '…')]);
  }

  blocks() {
    const {at_chunks: blocks, at_more: more, brk} = this.heap;
    if (blocks.length === 0) return h('p', {class: 'hint'}, this.map.at >= brk ? 'No blocks beyond the break.' : 'No blocks here.');
    const row = (block) => h('tr', {}, h('td', {class: 'mono'}, key(block.allocated ? 'live' : 'free'), hex(block.address)),
      h('td', {class: 'n'}, bytes(block.bytes)), h('td', {}, block.previous_free ? 'prev. free' : ''), h('td', {class: 'mono n'}, hex(block.header)));
    return [
      h('div', {class: 'scroll'}, h('table', {class: 'blocks'}, h('thead', {}, h('tr', {}, ['Block', 'Size', 'Flags', 'Header'].map((name, i) =>
        h('th', {scope: 'col', class: i % 2 ? 'n' : ''}, name)))), h('tbody', {}, blocks.map(row)))),
      more && h('p', {class: 'hint'}, 'and more: zoom in to see them'),
    ];
  }
}
