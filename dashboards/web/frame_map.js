// All of RAM as a picture, beside what the frames under the cursor are used for.
import {number} from './api.js';
import {CellMap} from './cell_map.js';
import {h, morphChildren} from './dom.js';
import {count, hex} from './format.js';
import {FRAME_BYTES, layout, partsList} from './map_layout.js';

// Fields of a FrameMap, each with its colour and its name.
const PARTS = [['heap', 'heap', 'page of the heap'], ['page_tables', 'tables', 'page table'], ['blocks', 'live', 'allocated pages'], ['free', 'free', 'free'],
  [null, 'outside', 'outside the arena']];

export class FrameMap {
  constructor() {
    this.map = new CellMap({label: 'Map of page frames', keys: PARTS.map(([, color]) => color), onmove: () => this.inspect()});
    Object.assign(this, layout(this.map, 'Page frames', PARTS.map(([, color, name]) => [color, name])));
  }

  update(frames) {
    const step = number(frames.cell_frames), total = number(frames.ram_bytes) / FRAME_BYTES;
    const known = PARTS.filter(([field]) => field).map(([field]) => frames[field]);
    const outside = frames.free.map((_, i) => Math.min(step, total - i * step) - known.reduce((sum, part) => sum + part[i], 0));
    this.map.set([...known, outside], 0, step * FRAME_BYTES);
    this.inspect();
  }

  inspect() {
    const cell = this.map.cursor;
    if (cell < 0) return;
    const from = this.map.addressOf(cell), weights = this.map.weights(cell);
    const frames = weights.reduce((sum, weight) => sum + weight, 0), first = from / FRAME_BYTES;
    morphChildren(this.inspector, [
      h('h3', {}, `${hex(from)} – ${hex(from + frames * FRAME_BYTES - 1)}`),
      partsList(PARTS.map(([, color, name], i) => ({key: color, name, value: weights[i]})), count),
      h('p', {class: 'hint'}, frames === 1 ? `frame ${count(first)}` : `frames ${count(first)} to ${count(first + frames - 1)}`),
    ]);
  }
}
