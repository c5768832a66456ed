// The heap as a picture, whole or zoomed in, beside the blocks of the cell under the cursor. Picture and blocks come from one answer.
import {number, query as queryOf} from './api.js';
import {CellMap} from './cell_map.js';
import {key} from './charts.js';
import {h, morphChildren} from './dom.js';
import {bytes, hex, words} from './format.js';
import {exportButtons} from './map_export.js';
import {FRAME_BYTES, hideAbsent, hideChosen, layout, partsList} from './map_layout.js';
import {figureValue} from './statistics.js';

const CELLS = 8192;
const ZOOM = 16;
const WORD = 4;
const SETTLE_MS = 60;  // the cursor rests before the blocks under it are asked for
const PARTS = [['live', 'live'], ['metadata', 'metadata'], ['free', 'free'], ['broken', 'not known: the chain is broken'], ['outside', 'beyond the break']];

// The weights of PARTS. What no block covers lies beyond the break, behind a broken place, or has not been read.
function cells(heap, step) {
  const {live_bytes: live, metadata_bytes: metadata, free_bytes: free} = heap;
  const beyond = live.map((_, i) => Math.min(step, Math.max(0, heap.from + (i + 1) * step - heap.brk)));
  const uncovered = live.map((_, i) => Math.max(0, step - live[i] - metadata[i] - free[i] - beyond[i]));
  return [live, metadata, free, uncovered.map((bytes, i) => (heap.broken ? bytes : 0)), beyond];
}

export class HeapMap {
  // page: as of main.js; the range shown is in the address, as from and to. picker, if set: {mark, title, live, pick(address)}, a button of
  // each block, or of the live ones alone.
  constructor(page) {
    this.page = page;
    this.picker = null;
    this.map = new CellMap({label: 'Heap map', keys: PARTS.map(([part]) => part), striped: ['broken'],
      onmove: () => this.moved(), onopen: () => this.zoomIn(),
      onback: () => this.zoomOut(), onzoom: (by) => (by > 0 ? this.zoomIn() : this.zoomOut()), onwhole: () => this.show(null)});
    Object.assign(this, layout(this.map, 'Heap map', PARTS, page));
    const button = (id, text, title, onclick) => h('button', {type: 'button', class: 'plain', 'data-do': id, title, onclick}, text);
    this.buttons = {
      zoomIn: button('zoom-in', 'Zoom in', 'At the cursor; or double-click, Enter, + or Ctrl and wheel on the map', () => this.zoomIn()),
      zoomOut: button('zoom-out', 'Zoom out', 'Or Escape, − or Ctrl and wheel on the map', () => this.zoomOut()),
      whole: button('zoom-whole', 'Whole heap', 'From its start to its break; or 0 on the map', () => this.show(null)),
    };
    this.tools = h('span', {class: 'tools'}, exportButtons('heap-map', this.map, () => this.title(), PARTS), Object.values(this.buttons));
  }

  // What to ask the server for; query: of the address.
  question(query) {
    const range = Object.fromEntries(['from', 'to'].filter((name) => query.has(name)).map((name) => [name, query.get(name)]));
    return queryOf({cells: CELLS, ...range, ...(this.map.at !== null && {at: this.map.at})});
  }

  // info: what the catalogue says of the allocator.
  update(heap, query, info) {
    this.heap = heap;
    this.fieldInfos = info?.block_fields;
    this.zoomed = query.has('from');
    const step = number(heap.cell_bytes);
    hideChosen(this.legend, this.map, query);
    this.map.set(cells(heap, step), heap.from, step);
    hideAbsent(this.legend, this.map, ['metadata', 'broken']);
    this.buttons.zoomIn.disabled = step <= WORD;
    this.buttons.zoomOut.disabled = this.buttons.whole.disabled = !this.zoomed;
    this.inspect();
  }

  title() {
    const {base, size, step} = this.map;
    return `${document.title.split(' · ')[0]}: heap ${hex(base)} to ${hex(base + size * step - 1)}`;
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
    const {at_blocks: blocks, at_more: more, brk, broken, field_names: fields} = this.heap;
    if (blocks.length === 0) {
      return h('p', {class: 'hint'}, this.map.at >= brk ? 'No blocks beyond the break.' : broken ? 'Behind the broken place: not known.' : 'No blocks here.');
    }
    const {picker} = this;
    const pick = (block) => picker && h('td', {}, (block.kind === 'LIVE' || !picker.live) && h('button', {type: 'button', class: 'plain',
      'aria-label': `${picker.title}: block at ${hex(block.address)}`, title: picker.title,
      onclick: () => picker.pick(block.kind === 'LIVE' ? block.payload : Math.max(block.address, this.map.at))}, picker.mark));
    const row = (block) => h('tr', {}, h('td', {class: 'mono'}, key(block.kind.toLowerCase()), hex(block.address)),
      h('td', {class: 'n'}, bytes(number(block.bytes))), block.fields.map((value, i) => h('td', {class: 'mono n'}, figureValue({name: fields[i], value}, this.fieldInfos))),
      pick(block));
    return [
      h('div', {class: 'scroll'}, h('table', {class: 'blocks'}, h('thead', {}, h('tr', {}, ['Block', 'Size', ...fields.map(words)].map((name, i) =>
        h('th', {scope: 'col', class: i > 0 ? 'n' : ''}, name)), picker && h('td', {}))), h('tbody', {}, blocks.map(row)))),
      more && h('p', {class: 'hint'}, 'and more: zoom in to see them'),
    ];
  }
}
