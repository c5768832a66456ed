// The two pictures of a machine's memory, heap and frames, each with an inspector that tells what is under the cursor.
import {get, number} from './api.js';
import {CellMap} from './cell_map.js';
import {composition, key} from './charts.js';
import {h, morphChildren} from './dom.js';
import {bytes, count, hex} from './format.js';

const CELLS = 8192;
const CHUNKS_SHOWN = 12;
const ZOOM = 16;
const FRAME_BYTES = 4096;
const KEYS = {
  allocated: 'allocated', free: 'free', beyond: 'beyond the break',
  heap: 'page of the heap', tables: 'page table', blocks: 'allocated pages', outside: 'outside the arena',
};
// The colour of a part of a frame cell.
const FRAME_COLORS = {heap: 'allocated', tables: 'tables', blocks: 'blocks', free: 'vacant', outside: 'beyond'};

const legend = (entries) => h('ul', {class: 'legend'}, entries.map(([color, text]) => h('li', {}, key(color), text)));

function layout(map, label, entries) {
  const inspector = h('div', {class: 'inspector', 'aria-live': 'polite', 'aria-label': `${label}: under the cursor`},
    h('p', {class: 'hint'}, 'Move over the map, or focus it and use the arrow keys.'));
  const element = h('div', {class: 'map'}, h('div', {class: 'picture'}, map.canvas, legend(entries)), inspector);
  return {element, inspector};
}

const partsList = (parts, unit) => h('p', {}, parts.filter((part) => part.value > 0).map((part, i) =>
  [i > 0 ? ' · ' : '', `${unit(part.value)} ${part.name}`]));

export class HeapMap {
  // base: "/api/instances/demo" or "/api/runs/7".
  constructor(base) {
    this.base = base;
    this.range = null;  // [from, to] when zoomed
    this.map = new CellMap({label: 'Heap map', keys: ['allocated', 'free', 'beyond'],
      onmove: (cell) => this.inspect(cell), onopen: (cell) => this.zoom(cell)});
    Object.assign(this, layout(this.map, 'Heap map', [['allocated', 'allocated'], ['free', 'free'], ['beyond', 'beyond the break']]));
    this.tools = this.makeTools();
  }

  makeTools() {
    const button = (text, title, onclick) => h('button', {type: 'button', class: 'plain', title, onclick}, text);
    this.zoomOut = button('Whole heap', 'Show the heap from its start to its break', () => this.show(null));
    this.zoomOut.disabled = true;
    return h('span', {class: 'tools'},
      button('Zoom in', 'At the cursor; or double-click, or Enter on the map', () => this.zoom(this.map.cursor)), this.zoomOut);
  }

  query() {
    return `cells=${CELLS}${this.range ? `&from=${this.range[0]}&to=${this.range[1]}` : ''}`;
  }

  update(heap) {
    this.heap = heap;
    const step = number(heap.cell_bytes);
    const beyond = heap.allocated_bytes.map((allocated, i) => step - allocated - heap.free_bytes[i]);
    this.map.set([heap.allocated_bytes, heap.free_bytes, beyond], heap.from, step);
    this.zoomOut.disabled = this.range === null;
  }

  show(range) {
    this.range = range;
    this.map.cursor = -1;
    this.map.pinned = false;
    this.onchange?.();
  }

  zoom(cell) {
    const step = number(this.heap?.cell_bytes);
    if (!step || step <= 4) return;
    const span = Math.max(step * CELLS / ZOOM, 4 * CELLS);
    const middle = cell < 0 ? (this.heap.start + this.heap.brk) / 2 : this.heap.from + cell * step;
    const aligned = Math.floor((middle - span / 2) / FRAME_BYTES) * FRAME_BYTES;
    const from = Math.max(this.heap.start, aligned);
    this.show([from, Math.min(from + span, this.heap.limit)]);
  }

  cellRange(cell) {
    const step = number(this.heap.cell_bytes), from = this.heap.from + cell * step;
    return [from, from + step];
  }

  async inspect(cell) {
    const [from, to] = this.cellRange(cell);
    this.pending?.abort();
    this.pending = new AbortController();
    const {signal} = this.pending;
    this.render(cell, this.chunks?.from === from ? this.chunks.list : null);
    if (from >= this.heap.brk || from + (to - from) <= this.heap.start) return;
    await new Promise((resolve) => setTimeout(resolve, 60));
    if (signal.aborted) return;
    try {
      const page = await get(`${this.base}/chunks?from=${from}&to=${to}&limit=${CHUNKS_SHOWN + 1}`, signal);
      this.chunks = {from, list: page.chunks};
      if (this.map.cursor === cell) this.render(cell, page.chunks);
    } catch { /* the map's own refresh tells what is wrong */ }
  }

  render(cell, chunks) {
    const [from, to] = this.cellRange(cell);
    const parts = ['allocated', 'free', 'beyond'].map((part, i) => ({key: part, name: KEYS[part], value: this.map.weights(cell)[i]}));
    morphChildren(this.inspector, [
      h('h3', {}, `${hex(from)} – ${hex(to - 1)}`), composition(parts), partsList(parts, bytes),
      chunks && chunks.length > 0 ? this.chunkTable(chunks) : h('p', {class: 'hint'}, from >= this.heap.brk ? 'No chunks beyond the break.' : '…'),
    ]);
  }

  chunkTable(chunks) {
    const row = (chunk) => h('tr', {}, h('td', {class: 'mono'}, key(chunk.allocated ? 'allocated' : 'free'), hex(chunk.address)),
      h('td', {class: 'n'}, bytes(chunk.bytes)), h('td', {}, chunk.previous_free ? 'prev. free' : ''), h('td', {class: 'mono n'}, hex(chunk.header)));
    return [
      h('table', {}, h('thead', {}, h('tr', {}, ['Chunk', 'Size', 'Flags', 'Header'].map((name, i) =>
        h('th', {scope: 'col', class: i % 2 ? 'n' : ''}, name)))), h('tbody', {}, chunks.slice(0, CHUNKS_SHOWN).map(row))),
      chunks.length > CHUNKS_SHOWN && h('p', {class: 'hint'}, 'and more: zoom in to see them'),
    ];
  }
}

export class FrameMap {
  constructor() {
    const parts = Object.entries(FRAME_COLORS);
    this.map = new CellMap({label: 'Map of page frames', keys: parts.map(([, color]) => color), onmove: (cell) => this.inspect(cell)});
    Object.assign(this, layout(this.map, 'Page frames', parts.map(([part, color]) => [color, KEYS[part]])));
  }

  update(frames) {
    this.step = number(frames.cell_frames);
    const total = number(frames.ram_bytes) / FRAME_BYTES;
    const known = [frames.heap, frames.page_tables, frames.blocks, frames.free];
    const outside = frames.free.map((_, i) => Math.min(this.step, total - i * this.step) - known.reduce((sum, part) => sum + part[i], 0));
    this.map.set([...known, outside], 0, this.step * FRAME_BYTES);
  }

  inspect(cell) {
    const from = cell * this.step, weights = this.map.weights(cell);
    const parts = Object.entries(FRAME_COLORS).map(([part, color], i) => ({key: color, name: KEYS[part], value: weights[i]}));
    const frames = parts.reduce((sum, part) => sum + part.value, 0);
    morphChildren(this.inspector, [
      h('h3', {}, `${hex(from * FRAME_BYTES)} – ${hex((from + frames) * FRAME_BYTES - 1)}`), composition(parts),
      h('table', {}, h('tbody', {}, parts.filter((part) => part.value > 0).map((part) => h('tr', {},
        h('td', {}, key(part.key), part.name), h('td', {class: 'n'}, count(part.value)))))),
      h('p', {class: 'hint'}, frames === 1 ? `frame ${count(from)}` : `frames ${count(from)} to ${count(from + frames - 1)}`),
    ]);
  }
}
