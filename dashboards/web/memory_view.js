// Asks for the memory map of one machine and keeps its two pictures up to date, beside the view that shows them.
import {get, number} from './api.js';
import {composition, histogram, key} from './charts.js';
import {h} from './dom.js';
import {bytes, count} from './format.js';
import {FrameMap} from './frame_map.js';
import {HeapMap} from './heap_map.js';
import {FRAME_BYTES} from './map_layout.js';
import {panel} from './parts.js';

// Of the heap's pages up to its break: how many have a frame, and how many were never touched, or given back.
function residence(heap, frames) {
  const pages = Math.ceil((heap.brk - heap.start) / FRAME_BYTES), resident = Math.min(frames.heap.reduce((sum, n) => sum + n, 0), pages);
  if (pages === 0) return null;
  return h('div', {class: 'residence'}, composition([{key: 'heap', value: resident}, {key: 'outside', value: pages - resident}]),
    h('p', {class: 'small muted', id: 'residence'}, key('heap'), `resident ${bytes(resident * FRAME_BYTES)} `, key('outside'),
      `promised, untouched ${bytes((pages - resident) * FRAME_BYTES)}, of ${bytes(heap.brk - heap.start)} up to the break`));
}

export class MemoryView {
  // base: "/api/instances/demo" or "/api/runs/7"; page: as of main.js.
  constructor(base, page) {
    this.base = base;
    this.heapMap = new HeapMap(page);
    this.frameMap = new FrameMap(page);
  }

  // What to ask for; query: of the address.
  question(query) {
    return this.heapMap.question(query);
  }

  // known: of allocatorsOf(). False when there is no machine (any more).
  async refresh(query, known) {
    return this.take(await get(`${this.base}/map?${this.question(query)}`), query, known);
  }

  // As refresh(), with a map that is there already.
  take(data, query, known) {
    Object.assign(this, {data, query, known});
    return !data.gone;
  }

  // The panels, as a tree to be morphed in; mount() then puts the living pictures in their places.
  panels() {
    const {heap, frames, torn, partial} = this.data;
    const all = this.known.heap?.shows_blocks !== false, told = all || number(heap?.blocks ?? 0) > 0;
    const note = heap && [`one cell = ${bytes(number(heap.cell_bytes))}`, `${count(number(heap.blocks))} blocks`,
      !all && 'what is free is not known: as free is drawn what was never touched', torn && 'changed while it was read',
      partial && 'incomplete: too many blocks for one look'].filter(Boolean).join(' · ');
    return [
      heap && !told && panel('Heap', h('p', {class: 'muted'}, 'This allocator does not tell its blocks: there is no map of them.')),
      heap && told && panel('Heap', [h('div', {'data-keep': `heap-map ${this.base}`}), residence(heap, frames)], note,
        h('span', {'data-keep': `heap-tools ${this.base}`})),
      panel('Page frames', h('div', {'data-keep': `frame-map ${this.base}`}),
        `all of RAM · one cell = ${count(number(frames.cell_frames))} frame${number(frames.cell_frames) === 1 ? '' : 's'} of 4 KiB`,
        h('span', {'data-keep': `frame-tools ${this.base}`})),
      heap?.live_blocks_by_size.length > 0 && panel('Live blocks by size', histogram(heap.live_blocks_by_size, bytes, 'blocks', 'live'),
        this.query.has('from') ? 'number of blocks in the part that is shown' : 'number of blocks, metadata included'),
    ];
  }

  mount(main) {
    const place = (name, element) => {
      const slot = main.querySelector(`[data-keep="${name} ${this.base}"]`);
      if (slot && !slot.firstChild) slot.append(element);
    };
    place('heap-map', this.heapMap.element);
    place('heap-tools', this.heapMap.tools);
    place('frame-map', this.frameMap.element);
    place('frame-tools', this.frameMap.tools);
    if (this.data.heap) this.heapMap.update(this.data.heap, this.query, this.known.heap);
    this.frameMap.update(this.data.frames, this.query);
  }
}
