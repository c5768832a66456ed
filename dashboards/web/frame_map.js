// All of RAM as a picture, beside what the frames under the cursor are used for.
import {number} from './api.js';
import {CellMap} from './cell_map.js';
import {h, morphChildren} from './dom.js';
import {count, hex} from './format.js';
import {exportButtons} from './map_export.js';
import {FRAME_BYTES, hideAbsent, hideChosen, layout, partsList} from './map_layout.js';

// [colour, name] of the parts of a cell.
const PARTS = [['heap', 'page of the heap'], ['tables', 'page table'], ['live', 'allocated pages'], ['free', 'free'],
  ['broken', 'not known: the list is broken'], ['outside', 'outside the arena']];

// The weights of PARTS. With a broken list nobody knows which of the other pages are allocated.
function cells({heap, page_tables: tables, blocks, free, broken, ram_bytes: ram}, step) {
  const total = number(ram) / FRAME_BYTES, none = blocks.map(() => 0);
  const outside = free.map((_, i) => Math.min(step, total - i * step) - heap[i] - tables[i] - blocks[i] - free[i]);
  return [heap, tables, broken ? none : blocks, free, broken ? blocks : none, outside];
}

export class FrameMap {
  // page: as of main.js.
  constructor(page) {
    this.map = new CellMap({label: 'Map of page frames', keys: PARTS.map(([part]) => part), striped: ['broken'], onmove: () => this.inspect()});
    this.picker = null;  // {title, pick(address)}: a button of the first frame under the cursor
    Object.assign(this, layout(this.map, 'Page frames', PARTS, page));
    this.tools = h('span', {class: 'tools'}, exportButtons('frame-map', this.map, () => `${document.title.split(' · ')[0]}: page frames`, PARTS));
  }

  update(frames, query) {
    const step = number(frames.cell_frames);
    hideChosen(this.legend, this.map, query);
    this.map.set(cells(frames, step), 0, step * FRAME_BYTES);
    hideAbsent(this.legend, this.map, ['broken']);
    this.inspect();
  }

  inspect() {
    const cell = this.map.cursor;
    if (cell < 0) return;
    const from = this.map.addressOf(cell), weights = this.map.weights(cell);
    const frames = weights.reduce((sum, weight) => sum + weight, 0), first = from / FRAME_BYTES;
    morphChildren(this.inspector, [
      h('h3', {}, `${hex(from)} – ${hex(from + frames * FRAME_BYTES - 1)}`),
      partsList(PARTS.map(([part, name], i) => ({key: part, name, value: weights[i]})), count),
      h('p', {class: 'hint'}, frames === 1 ? `frame ${count(first)}` : `frames ${count(first)} to ${count(first + frames - 1)}`),
      this.picker && h('button', {type: 'button', class: 'plain', onclick: () => this.picker.pick(from)}, this.picker.title),
    ]);
  }
}
