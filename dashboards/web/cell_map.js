// Memory as a picture: equal cells in address order on a canvas, each in the mixed colour of what lies in it. Pointer and
// keyboard move a cursor; whoever made the map is told which cell it is on.
import {h} from './dom.js';
import {hex} from './format.js';

const LABEL_WIDTH = 82;  // CSS pixels, for the addresses on the left
const KEYS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], PageUp: [0, -8], PageDown: [0, 8]};

// "#rrggbb" -> [r, g, b] in linear light, where colours mix as the eye expects.
function linear(color) {
  return [1, 3, 5].map((i) => (parseInt(color.slice(i, i + 2), 16) / 255) ** 2.2);
}

export class CellMap {
  // keys: the parts of a cell by colour name, e.g. ['allocated', 'free', 'beyond'].
  constructor({label, keys, onmove, onopen}) {
    this.keys = keys;
    this.onmove = onmove;
    this.onopen = onopen ?? (() => {});
    this.cells = [];
    this.cursor = -1;
    this.pinned = false;
    this.canvas = h('canvas', {tabindex: 0, role: 'application', 'aria-roledescription': 'memory map', 'aria-label': label});
    this.listen();
    let width = 0;
    new ResizeObserver(() => {
      if (this.canvas.clientWidth !== width) requestAnimationFrame(() => this.draw());
      width = this.canvas.clientWidth;
    }).observe(this.canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
  }

  // cells: one array of weights per key, in equal units; base and step are the address of the first cell and the size of one.
  set(cells, base, step) {
    this.cells = cells;
    this.base = base;
    this.step = step;
    this.size = cells[0].length;
    if (this.cursor >= this.size) this.cursor = -1;
    this.draw();
    if (this.cursor >= 0) this.onmove(this.cursor);
  }

  weights(cell) {
    return this.cells.map((weights) => weights[cell]);
  }

  geometry() {
    const width = this.canvas.clientWidth;
    const columns = width > 560 ? 128 : 64;
    const side = (width - LABEL_WIDTH) / columns;
    return {columns, side, rows: Math.ceil(this.size / columns), width};
  }

  colors() {
    const style = getComputedStyle(document.documentElement);
    return Object.fromEntries([...this.keys.map((key) => [key, `--map-${key}`]), ['text', '--muted'], ['cursor', '--map-cursor']]
      .map(([name, variable]) => [name, style.getPropertyValue(variable).trim()]));
  }

  draw() {
    if (!this.size || this.canvas.clientWidth === 0) return;
    const {columns, side, rows, width} = this.geometry();
    const scale = devicePixelRatio;
    const height = Math.ceil(rows * side) + 2;
    this.canvas.style.height = `${height}px`;
    this.canvas.width = Math.round(width * scale);
    this.canvas.height = Math.round(height * scale);
    const context = this.canvas.getContext('2d');
    const colors = this.colors();
    this.drawLabels(context, colors.text, side, rows, columns, scale);
    this.drawCells(context, colors, side * scale, columns, LABEL_WIDTH * scale);
    this.drawCursor(context, colors.cursor, side * scale, columns, LABEL_WIDTH * scale, scale);
  }

  drawLabels(context, color, side, rows, columns, scale) {
    context.fillStyle = color;
    context.font = `${11 * scale}px ${getComputedStyle(document.documentElement).getPropertyValue('--mono')}`;
    context.textBaseline = 'top';
    const every = 2 ** Math.ceil(Math.log2(20 / side));
    for (let row = 0; row < rows; row += Math.max(1, every)) {
      context.fillText(hex(this.base + row * columns * this.step), 0, row * side * scale);
    }
  }

  drawCells(context, colors, side, columns, left) {
    const palette = this.keys.map((key) => linear(colors[key]));
    const gap = side >= 8 ? 1 : 0;  // thinner cells blend into one picture
    const names = new Map();  // most cells share a few colours
    for (let i = 0; i < this.size; ++i) {
      const total = this.cells.reduce((sum, weights) => sum + weights[i], 0);
      if (total === 0) continue;
      const parts = this.cells.map((weights) => Math.round(63 * weights[i] / total));
      const id = parts.join();
      if (!names.has(id)) names.set(id, this.mix(palette, parts));
      context.fillStyle = names.get(id);
      const x = Math.round(left + (i % columns) * side), y = Math.round(Math.floor(i / columns) * side);
      context.fillRect(x, y, Math.round(left + (i % columns + 1) * side) - x - gap, Math.round((Math.floor(i / columns) + 1) * side) - y - gap);
    }
  }

  mix(palette, parts) {
    const total = parts.reduce((sum, part) => sum + part, 0);
    const channel = (c) => Math.round(255 * (palette.reduce((sum, color, k) => sum + color[c] * parts[k], 0) / total) ** (1 / 2.2));
    return `rgb(${channel(0)} ${channel(1)} ${channel(2)})`;
  }

  drawCursor(context, color, side, columns, left, scale) {
    if (this.cursor < 0) return;
    context.strokeStyle = color;
    context.lineWidth = 2 * scale;
    context.strokeRect(Math.round(left + (this.cursor % columns) * side) - scale, Math.round(Math.floor(this.cursor / columns) * side),
      Math.round(side) + scale, Math.round(side) + scale);
  }

  cellAt(event) {
    const {columns, side} = this.geometry();
    const column = Math.floor((event.offsetX - LABEL_WIDTH) / side), row = Math.floor(event.offsetY / side);
    const cell = row * columns + column;
    return column >= 0 && column < columns && cell >= 0 && cell < this.size ? cell : -1;
  }

  move(cell) {
    if (cell < 0 || cell >= this.size || cell === this.cursor) return;
    this.cursor = cell;
    this.draw();
    this.onmove(cell);
  }

  listen() {
    this.canvas.onpointermove = (event) => !this.pinned && this.move(this.cellAt(event));
    this.canvas.onclick = (event) => {
      const cell = this.cellAt(event);
      this.pinned = cell >= 0 && !(this.pinned && cell === this.cursor);
      this.move(cell);
    };
    this.canvas.ondblclick = () => this.cursor >= 0 && this.onopen(this.cursor);
    this.canvas.onkeydown = (event) => {
      const {columns} = this.geometry();
      if (event.key in KEYS) {
        const [dx, dy] = KEYS[event.key];
        this.pinned = true;
        this.move(this.cursor < 0 ? 0 : this.cursor + dx + dy * columns);
      } else if (event.key === 'Enter' && this.cursor >= 0) this.onopen(this.cursor);
      else if (event.key === 'Escape') this.pinned = false;
      else return;
      event.preventDefault();
    };
  }
}
