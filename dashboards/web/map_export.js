// A memory map as a picture of its own, to be kept or shown elsewhere: SVG in lines and rectangles, PNG as it is on the screen; both
// with a title, the legend, and the colours of the page as they are now.
import {h, s} from './dom.js';
import {hex} from './format.js';

const CELL = 8, LABELS = 92, MARGIN = 16, TITLE = 28, LEGEND = 30, ENTRY = 150;  // units of the SVG
const COLUMNS = 128;

const color = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// [part, from, to] of a cell, as shares of its height, from the top.
function bands(map, cell) {
  const weights = map.weights(cell), total = weights.reduce((sum, weight) => sum + weight, 0);
  let sum = 0;
  return weights.flatMap((weight, i) => {
    const from = sum;
    sum += total > 0 ? weight / total : 0;
    return weight > 0 && !map.hidden.has(map.keys[i]) ? [[map.keys[i], from, sum]] : [];
  });
}

// One path for each part: the bands of a row that continue each other become one.
function paths(map) {
  const found = new Map(map.keys.map((key) => [key, '']));
  const rows = Math.ceil(map.size / COLUMNS);
  for (let row = 0; row < rows; ++row) {
    let open = [];  // [part, from, to, column at which it began]
    for (let column = 0; column <= COLUMNS; ++column) {
      const cell = row * COLUMNS + column, here = column < COLUMNS && cell < map.size ? bands(map, cell) : [];
      const goesOn = (band) => here.some((other) => [0, 1, 2].every((i) => other[i] === band[i]));
      for (const [part, from, to, start] of open.filter((band) => !goesOn(band))) {
        const x = LABELS + start * CELL, y = (row + from) * CELL, width = (column - start) * CELL, height = (to - from) * CELL;
        found.set(part, `${found.get(part)}M${x} ${+y.toFixed(2)}h${width}v${+height.toFixed(2)}h${-width}z`);
      }
      open = here.map((band) => open.find((other) => [0, 1, 2].every((i) => other[i] === band[i])) ?? [...band, column]);
    }
  }
  return found;
}

// Those of `parts` that are in the picture.
const shownParts = (map, parts) => parts.filter(([part]) => !map.hidden.has(part) && map.cells[map.keys.indexOf(part)].some((weight) => weight > 0));

// parts: [colour, name] of each part of a cell.
export function svgOf(map, title, parts) {
  const rows = Math.ceil(map.size / COLUMNS), columns = Math.min(COLUMNS, map.size);
  const shown = shownParts(map, parts);
  const width = 2 * MARGIN + LABELS + Math.max(columns * CELL, shown.length * ENTRY), height = 2 * MARGIN + TITLE + rows * CELL + LEGEND;
  const ink = color('--text'), font = {'font-family': 'monospace', 'font-size': 11, fill: ink};
  const every = Math.max(1, Math.ceil(16 / CELL));
  const picture = s('g', {transform: `translate(${MARGIN} ${MARGIN + TITLE})`},
    [...paths(map)].filter(([, path]) => path !== '').map(([part, path]) => s('path', {d: path, fill: color(`--map-${part}`)})),
    Array.from({length: rows}, (_, row) => row).filter((row) => row % every === 0)
      .map((row) => s('text', {x: 0, y: row * CELL + 10, ...font}, hex(map.addressOf(row * COLUMNS)))));
  const legend = s('g', {transform: `translate(${MARGIN} ${MARGIN + TITLE + rows * CELL + 18})`}, shown.map(([part, name], i) => s('g', {
    transform: `translate(${LABELS + ENTRY * i} 0)`}, s('rect', {width: 10, height: 10, fill: color(`--map-${part}`), stroke: color('--line')}),
  s('text', {x: 16, y: 10, ...font}, name))));
  return s('svg', {xmlns: 'http://www.w3.org/2000/svg', width, height, viewBox: `0 0 ${width} ${height}`, role: 'img', 'aria-label': title},
    s('title', {}, title), s('rect', {width, height, fill: color('--map-ground')}),
    s('text', {x: MARGIN, y: MARGIN + 12, ...font, 'font-size': 14, 'font-weight': 'bold'}, title), picture, legend);
}

function save(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', {href: url, download: name}).click();
  setTimeout(() => URL.revokeObjectURL(url), 10000);
}

const fileName = (title, kind) => `${title.replace(/[^\w.-]+/g, '-').toLowerCase()}.${kind}`;

function savePng(map, title, parts) {
  const scale = devicePixelRatio, {width, height} = map.canvas;
  const top = Math.round(34 * scale), bottom = Math.round(30 * scale), margin = Math.round(12 * scale);
  const canvas = h('canvas', {width: width + 2 * margin, height: height + top + bottom});
  const context = canvas.getContext('2d');
  context.fillStyle = color('--map-ground');
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(map.canvas, margin, top);
  context.font = `bold ${14 * scale}px sans-serif`;
  context.fillStyle = color('--text');
  context.fillText(title, margin, 22 * scale);
  context.font = `${11 * scale}px sans-serif`;
  let x = margin;
  for (const [part, name] of shownParts(map, parts)) {
    context.fillStyle = color(`--map-${part}`);
    context.fillRect(x, height + top + 8 * scale, 10 * scale, 10 * scale);
    context.fillStyle = color('--text');
    context.fillText(name, x + 15 * scale, height + top + 17 * scale);
    x += context.measureText(name).width + 34 * scale;
  }
  canvas.toBlob((blob) => save(blob, fileName(title, 'png')), 'image/png');
}

// Two buttons; title() says what is shown.
export function exportButtons(id, map, title, parts) {
  const made = (kind, onclick) => h('button', {type: 'button', class: 'plain', 'data-do': `${id}-${kind}`, title: `Save the map as ${kind.toUpperCase()}`, onclick},
    `Save ${kind.toUpperCase()}`);
  return [
    made('svg', () => save(new Blob([new XMLSerializer().serializeToString(svgOf(map, title(), parts))], {type: 'image/svg+xml'}), fileName(title(), 'svg'))),
    made('png', () => savePng(map, title(), parts)),
  ];
}
