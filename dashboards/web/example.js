// How an allocator lays out its memory: the first blocks of a small heap in a row, wider ones for more bytes, though not in proportion.
import {key} from './charts.js';
import {h, s} from './dom.js';
import {bytes} from './format.js';

const HEIGHT = 26, WIDTH = 640, SMALLEST = 8;  // of the drawing's units
const weight = (size) => Math.log2(size + 2);

// The parts of a block from its first byte on: [kind, bytes].
function partsOf({address, bytes: size, kind, payload}) {
  const total = Number(size), header = payload - address;
  if (kind !== 'LIVE') return [[kind === 'FREE' ? 'free' : 'metadata', total]];
  return header > 0 && header < total ? [['metadata', header], ['live', total - header]] : [['live', total]];
}

const textOf = ({bytes: size, kind, payload, address}) =>
  `${bytes(Number(size))} ${kind.toLowerCase()}${kind === 'LIVE' && payload > address ? `, ${payload - address} B of it in front of the payload` : ''}`;

export function example({blocks}, operations) {
  const all = blocks.map((block) => {
    const parts = partsOf(block).map(([kind, size]) => ({kind, width: SMALLEST + 6 * weight(size)}));
    return {block, parts, width: parts.reduce((sum, {width}) => sum + width, 0)};
  });
  const scale = Math.min(1, WIDTH / all.reduce((sum, {width}) => sum + width + 2, 0));
  let x = 0;
  const drawn = all.map(({block, parts}) => {
    const rectangles = parts.map(({kind, width}) => {
      const at = x;
      x += width * scale;
      return s('rect', {class: `key-${kind}`, x: at.toFixed(1), y: 0, width: (width * scale).toFixed(1), height: HEIGHT});
    });
    x += 2 * scale;
    return s('g', {}, s('title', {}, textOf(block)), rectangles);
  });
  return h('figure', {class: 'example'},
    s('svg', {viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: 'img', 'aria-label': `First blocks: ${blocks.map(textOf).join('; ')}`}, drawn),
    h('figcaption', {class: 'muted small'}, ['metadata', 'live', 'free'].map((name) => [key(name), ` ${name} `]),
      `· Its first blocks after ${operations}; a wider one has more bytes, not in proportion.`));
}
