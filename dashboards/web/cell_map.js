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
    const drawn = this.trail.length > 0 || trail.length > 0;
    this.trail = trail;
    if (drawn) this.draw();
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
    const context = this.canvas.getContext('2d');
    this.clear(context, Math.round(width * scale), Math.round(height * scale), `${height}px`);
    const style = getComputedStyle(document.documentElement);
    const color = (name) => style.getPropertyValue(name).trim();
    this.drawLabels(context, color('--muted'), color('--mono'), side, rows, columns, scale);
    this.drawCells(context, color, side * scale, columns, Math.round(LABEL_WIDTH * scale));
    this.drawTrail(context, color, side * scale, columns, Math.round(LABEL_WIDTH * scale), scale);
    this.drawCursor(context, color('--map-cursor'), color('--map-ground'), side * scale, columns, Math.round(LABEL_WIDTH * scale), scale);
  }

  // To so many pixels; a canvas that gets a size, even its own, is made anew, which takes longer than to wipe it.
  clear(context, width, height, shown) {
    this.canvas.style.height = shown;
    if (this.canvas.width === width && this.canvas.height === height) return void context.clearRect(0, 0, width, height);
    this.canvas.width = width;
    this.canvas.height = height;
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
    const width = this.canvas.width - left, {height} = this.canvas;
    if (this.image?.width !== width || this.image.height !== height) this.image = context.createImageData(width, height);
    const pixels = new Uint32Array(this.image.data.buffer);
    const ground = pixel(color('--map-ground'));
    const inks = this.keys.map((key) => (this.hidden.has(key) ? ground : pixel(color(`--map-${key}`))));
    const stripes = this.keys.map((key, part) => (this.striped.includes(key) ? ground : inks[part]));
    const gap = side >= GAP_FROM ? 1 : 0;
    const edge = (i, most) => [Math.round(i * side), Math.min(Math.round((i + 1) * side) - gap, most)];
    const across = Array.from({length: columns}, (_, column) => edge(column, width));
    const before = this.drawnBefore([width, height, columns, side, this.size, ground, ...inks].join());
    if (!before) pixels.fill(0);
    for (let cell = 0, row = 0; cell < this.size; ++row) {
      const [top, bottom] = edge(row, height);
      for (let column = 0; column < columns && cell < this.size; ++column, ++cell) {
        if (before && this.cells.every((weights, part) => weights[cell] === before[part][cell])) continue;
        this.fillCell(pixels, width, cell, across[column][0], across[column][1], top, bottom, inks, stripes);
      }
    }
    context.putImageData(this.image, left, 0);
  }

  // The cells that the image shows, if it was drawn in the same way: between two moments most stay as they are. None: it is empty.
  drawnBefore(way) {
    const before = this.drawn?.way === way && this.drawn.image === this.image ? this.drawn.cells : null;
    this.drawn = {way, image: this.image, cells: this.cells.map((weights) => weights.slice())};  // theirs may change in place
    return before;
  }

  // Its parts one after the other, row by row of its pixels, each to the nearest whole pixel of its share of the area.
  fillCell(pixels, width, cell, left, right, top, bottom, inks, stripes) {
    const {cells} = this, across = right - left, area = across * (bottom - top);
    let total = 0, sum = 0, filled = 0, x = left, row = top * width;
    for (let part = 0; part < cells.length; ++part) total += cells[part][cell];
    for (let part = 0; part <= cells.length; ++part) {  // behind the last one: what of a cell without any was drawn before
      const last = part === cells.length;
      if (!last && cells[part][cell] === 0) continue;
      sum += last ? 0 : cells[part][cell];
      const end = last ? area : Math.round(area * sum / total), ink = last ? 0 : inks[part], stripe = last ? 0 : stripes[part];
      for (; filled < end; ++filled) {
        pixels[row + x] = ink === stripe || Math.floor((x + row / width) / STRIPE) % 2 !== 1 ? ink : stripe;
        if (++x === right) {
          x = left;
          row += width;
        }
      }
    }
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
