// Memory as a picture: equal cells in address order on a canvas, each filled from the top with its parts in their colours, so that
// the area of a colour is the share of what it stands for. Pointer and keyboard move a cursor, which stays on its address when the
// cells change; whoever made the map is told.
import {h} from './dom.js';
import {hex} from './format.js';

const LABEL_WIDTH = 82;  // CSS pixels, for the addresses on the left
const COLUMNS_WIDE = 128, COLUMNS_NARROW = 64, NARROW = 560;
const GAP_FROM = 8;  // cells of fewer pixels touch each other
const STRIPE = 3;    // pixels
const WHEEL_STEP = 60, WHEEL_PAUSE_MS = 300;  // of turning, for one step of the zoom; after it, turning begins anew
const NUMBERED = 9;  // places of a trail
const KEYS = {ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1], PageUp: [0, -8], PageDown: [0, 8]};

// "#rrggbb" as a pixel of ImageData, in the byte order of all hosts of browsers.
function pixel(color) {
  const [red, green, blue] = [1, 3, 5].map((i) => parseInt(color.slice(i, i + 2), 16));
  return (0xFF000000 | (blue << 16) | (green << 8) | red) >>> 0;
}

export class CellMap {
  // keys: the parts of a cell by colour name, in the order in which they fill it; striped: those drawn in stripes.
  // onmove(): the cursor has moved. onopen(), onback(): Enter or a double click; Escape, which answers whether it did anything.
  // onzoom(by): in at the cursor, if `by` is positive, or out: + and -, and Ctrl and wheel or a pinch. onwhole(): 0.
  constructor({label, keys, striped = [], onmove, onopen = () => {}, onback = () => false, onzoom = null, onwhole = () => {}}) {
    Object.assign(this, {keys, striped, onmove, onopen, onback, onzoom, onwhole});
    this.hidden = new Set();  // keys of the parts that are not drawn
    this.cells = [];
    this.size = 0;
    this.at = null;  // the cursor: an address
    this.trail = [];  // [{address, taken, gap}]: places in the order in which something went to them; gap: not straight from the one before
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
    Object.assign(this, {cells, base, step, size: cells[0].length});
    this.draw();
  }

  setTrail(trail) {
    this.trail = trail;
    this.draw();
  }

  // The cell under the cursor, -1 when it is on none that is shown.
  get cursor() {
    const cell = this.at === null ? -1 : Math.floor((this.at - this.base) / this.step);
    return cell >= 0 && cell < this.size ? cell : -1;
  }

  addressOf(cell) {
    return this.base + cell * this.step;
  }

  weights(cell) {
    return this.cells.map((weights) => weights[cell]);
  }

  geometry() {
    const width = this.canvas.clientWidth;
    const columns = width > NARROW ? COLUMNS_WIDE : COLUMNS_NARROW;
    const side = (width - LABEL_WIDTH) / columns;
    return {columns, side, rows: Math.ceil(this.size / columns), width};
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
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    this.drawLabels(context, color('--muted'), color('--mono'), side, rows, columns, scale);
    this.drawCells(context, color, side * scale, columns, Math.round(LABEL_WIDTH * scale));
    this.drawTrail(context, color, side * scale, columns, Math.round(LABEL_WIDTH * scale), scale);
    this.drawCursor(context, color('--map-cursor'), color('--map-ground'), side * scale, columns, Math.round(LABEL_WIDTH * scale), scale);
  }

  drawLabels(context, color, font, side, rows, columns, scale) {
    context.fillStyle = color;
    context.font = `${11 * scale}px ${font}`;
    context.textBaseline = 'top';
    const every = Math.max(1, 2 ** Math.ceil(Math.log2(20 / side)));
    for (let row = 0; row < rows; row += every) {
      context.fillText(hex(this.addressOf(row * columns)), 0, row * side * scale);
    }
  }

  drawCells(context, color, side, columns, left) {
    const image = context.createImageData(this.canvas.width - left, this.canvas.height);
    const pixels = new Uint32Array(image.data.buffer);
    const ground = pixel(color('--map-ground'));
    const inks = this.keys.map((key) => (this.hidden.has(key) ? ground : pixel(color(`--map-${key}`))));
    const stripes = this.keys.map((key) => (this.striped.includes(key) ? ground : null));
    const gap = side >= GAP_FROM ? 1 : 0;
    for (let cell = 0; cell < this.size; ++cell) {
      const column = cell % columns, row = Math.floor(cell / columns);
      const x0 = Math.round(column * side), x1 = Math.min(Math.round((column + 1) * side) - gap, image.width);
      const y0 = Math.round(row * side), y1 = Math.min(Math.round((row + 1) * side) - gap, image.height);
      const ends = this.ends(cell, (x1 - x0) * (y1 - y0));
      let part = 0, filled = 0;
      for (let y = y0; y < y1; ++y) {
        for (let x = x0; x < x1; ++x, ++filled) {
          while (filled >= ends[part]) ++part;
          if (part === inks.length) break;
          const striped = stripes[part] !== null && Math.floor((x + y) / STRIPE) % 2 === 1;
          pixels[y * image.width + x] = striped ? stripes[part] : inks[part];
        }
      }
    }
    context.putImageData(image, left, 0);
  }

  // Where each part of a cell ends, counted in its pixels: the nearest whole pixel to its share of the area.
  ends(cell, area) {
    const total = this.cells.reduce((sum, weights) => sum + weights[cell], 0);
    let sum = 0;
    return this.cells.map((weights) => {
      sum += weights[cell];
      return total === 0 ? 0 : Math.round(area * sum / total);
    });
  }

  // A line from place to place, the first ones numbered, a ring around the one that was taken. What lies outside the picture is left
  // out, and so is the line to the next row where the way goes on to the neighbour.
  drawTrail(context, color, side, columns, left, scale) {
    const cells = this.trail.map((place) => ({...place, cell: Math.floor((place.address - this.base) / this.step)}))
      .filter(({cell, taken}, i, all) => cell >= 0 && cell < this.size && (taken || cell !== all[i - 1]?.cell));
    const at = ({cell}) => [left + (cell % columns + .5) * side, (Math.floor(cell / columns) + .5) * side];
    const row = ({cell}) => Math.floor(cell / columns);
    const ink = color('--map-cursor'), ground = color('--map-ground');
    for (const [stroke, width] of [[ground, 4], [ink, 1.5]]) {
      context.strokeStyle = stroke;
      context.lineWidth = width * scale;
      context.beginPath();
      cells.forEach((place, i) => {
        const before = cells[i - 1];
        const wraps = before && row(before) !== row(place) && Math.abs(place.cell - before.cell) < columns / 2;
        if (!before || wraps || place.gap) context.moveTo(...at(place));
        else context.lineTo(...at(place));
      });
      context.stroke();
    }
    for (const place of cells) this.drawDisc(context, at(place), Math.min(2.5 * scale, .5 * side), ink);
    for (const place of cells.filter(({taken}) => taken)) {
      this.drawRing(context, at(place), 7 * scale, ground, 6 * scale);
      this.drawRing(context, at(place), 7 * scale, color('--map-taken'), 3 * scale);
    }
    this.drawNumbers(context, cells.slice(0, NUMBERED).map(at), ink, ground, scale);
  }

  drawDisc(context, [x, y], radius, fill) {
    context.fillStyle = fill;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.fill();
  }

  drawRing(context, [x, y], radius, stroke, width) {
    context.strokeStyle = stroke;
    context.lineWidth = width;
    context.beginPath();
    context.arc(x, y, radius, 0, 2 * Math.PI);
    context.stroke();
  }

  // 1, 2, ... below their places; those are left out that would stand on the one before.
  drawNumbers(context, places, ink, ground, scale) {
    context.font = `bold ${11 * scale}px sans-serif`;
    context.textBaseline = 'top';
    context.lineWidth = 3 * scale;
    context.strokeStyle = ground;
    context.fillStyle = ink;
    let last = null;
    places.forEach(([x, y], i) => {
      if (last && Math.abs(x - last[0]) < 14 * scale && Math.abs(y - last[1]) < 14 * scale) return;
      last = [x, y];
      context.strokeText(i + 1, x, y + 3 * scale);
      context.fillText(i + 1, x, y + 3 * scale);
    });
  }

  drawCursor(context, color, halo, side, columns, left, scale) {
    const cell = this.cursor;
    if (cell < 0) return;
    const x = left + (cell % columns) * side, y = Math.floor(cell / columns) * side;
    for (const [stroke, grow] of [[halo, 3 * scale], [color, 1.5 * scale]]) {
      context.strokeStyle = stroke;
      context.lineWidth = 2 * scale;
      context.strokeRect(Math.max(x - grow, scale), Math.max(y - grow, scale), side + 2 * grow, side + 2 * grow);
    }
  }

  cellAt(event) {
    const {columns, side} = this.geometry();
    const column = Math.floor((event.offsetX - LABEL_WIDTH) / side), row = Math.floor(event.offsetY / side);
    const cell = row * columns + column;
    return column >= 0 && column < columns && cell >= 0 && cell < this.size ? cell : -1;
  }

  move(cell) {
    if (cell < 0 || cell >= this.size || cell === this.cursor) return;
    this.at = this.addressOf(cell);
    this.draw();
    this.onmove();
  }

  listen() {
    this.canvas.onpointermove = (event) => !this.pinned && this.move(this.cellAt(event));
    this.canvas.onclick = (event) => {
      const cell = this.cellAt(event);
      this.pinned = cell >= 0 && !(this.pinned && cell === this.cursor);
      this.move(cell);
    };
    this.canvas.ondblclick = () => this.cursor >= 0 && this.onopen();
    let turned = 0, last = 0;
    this.canvas.addEventListener('wheel', (event) => {
      if (!this.onzoom || !event.ctrlKey) return;  // without Ctrl the page scrolls
      event.preventDefault();
      if (event.timeStamp - last > WHEEL_PAUSE_MS || Math.sign(turned) !== Math.sign(-event.deltaY)) turned = 0;
      last = event.timeStamp;
      turned -= event.deltaY;
      if (Math.abs(turned) < WHEEL_STEP) return;
      this.move(this.cellAt(event));
      this.onzoom(turned);
      turned = 0;
    }, {passive: false});
    this.canvas.onkeydown = (event) => {
      const {columns} = this.geometry();
      if (event.key in KEYS) {
        const [dx, dy] = KEYS[event.key];
        this.pinned = true;
        this.move(this.cursor < 0 ? 0 : this.cursor + dx + dy * columns);
      } else if (event.key === 'Enter' && this.cursor >= 0) this.onopen();
      else if (event.key === 'Escape') this.pinned = this.onback() && this.pinned;
      else if (this.onzoom && '+=-'.includes(event.key)) this.onzoom(event.key === '-' ? -1 : 1);
      else if (this.onzoom && event.key === '0') this.onwhole();
      else return;
      event.preventDefault();
    };
  }
}
