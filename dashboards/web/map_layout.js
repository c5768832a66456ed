// What the two maps share: the names of their parts, and a picture with its legend and, beside it, what is under the cursor.
import {composition, key} from './charts.js';
import {h} from './dom.js';

export const FRAME_BYTES = 4096;

export const legend = (entries) => h('ul', {class: 'legend'}, entries.map(([color, text]) => h('li', {}, key(color), text)));

// entries: [colour, text] of each part.
export function layout(map, label, entries) {
  const inspector = h('div', {class: 'inspector', 'aria-live': 'polite', 'aria-label': `${label}: under the cursor`},
    h('p', {class: 'hint'}, 'Move over the map, or focus it and use the arrow keys.'));
  const element = h('div', {class: 'map'}, h('div', {class: 'picture'}, map.canvas, legend(entries)), inspector);
  return {element, inspector};
}

// parts: [{key, name, value}]; unit: how a value is said.
export const partsList = (parts, unit) => [
  composition(parts),
  h('table', {class: 'parts'}, h('tbody', {}, parts.filter((part) => part.value > 0).map((part) => h('tr', {},
    h('td', {}, key(part.key), part.name), h('td', {class: 'n'}, unit(part.value)))))),
];
