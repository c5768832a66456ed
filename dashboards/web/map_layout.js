// What the two maps share: the names of their parts, and a picture with its legend and, beside it, what is under the cursor.
import {composition, key} from './charts.js';
import {h} from './dom.js';

export const FRAME_BYTES = 4096;

// parts: [colour, name] of each part of a cell. A picture, the legend below it, whose entries hide and show their parts, and the
// inspector beside it. page: as of main.js; what is hidden stands in the address, as hide, for all maps of a view.
export function layout(map, label, parts, page) {
  const toggle = (part) => {
    const hidden = new Set(map.hidden);
    if (!hidden.delete(part)) hidden.add(part);
    page.choose({hide: [...hidden].join(',') || null}, {replace: true});
  };
  const legend = h('ul', {class: 'legend', 'aria-label': `${label}: parts that are drawn`}, parts.map(([color, text]) => h('li', {'data-part': color},
    h('button', {type: 'button', 'aria-pressed': 'true', title: 'Hide or show', onclick: () => toggle(color)}, key(color), text))));
  const inspector = h('div', {class: 'inspector', 'aria-live': 'polite', 'aria-label': `${label}: under the cursor`},
    h('p', {class: 'hint'}, 'Move over the map, or focus it and use the arrow keys.'));
  const element = h('div', {class: 'map'}, h('div', {class: 'picture'}, map.canvas, legend), inspector);
  return {element, inspector, legend};
}

// Hides the parts that the address names.
export function hideChosen(legend, map, query) {
  map.hidden = new Set((query.get('hide') ?? '').split(',').filter(Boolean));
  for (const item of legend.children) item.firstChild.setAttribute('aria-pressed', String(!map.hidden.has(item.dataset.part)));
}

// Hides the legend of parts that come seldom, while there is nothing of them.
export function hideAbsent(legend, map, seldom) {
  for (const part of seldom) {
    legend.querySelector(`[data-part="${part}"]`).hidden = map.cells[map.keys.indexOf(part)].every((weight) => weight === 0);
  }
}

// parts: [{key, name, value}]; unit: how a value is said.
export const partsList = (parts, unit) => [
  composition(parts),
  h('table', {class: 'parts'}, h('tbody', {}, parts.filter((part) => part.value > 0).map((part) => h('tr', {},
    h('td', {}, key(part.key), part.name), h('td', {class: 'n'}, unit(part.value)))))),
];
