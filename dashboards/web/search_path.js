// The blocks that one operation looked at, in order: as a table to be opened, and as a trail for the map.
import {number} from './api.js';
import {h} from './dom.js';
import {bytes, count, hex} from './format.js';
import {table} from './parts.js';

const visitsOf = ({path}) => [...path?.first ?? [], ...path?.last ?? []];
const isTaken = ({taken_address: taken}, {address}) => address === taken;

export const trailOf = (explanation) => visitsOf(explanation).map((visit, i, all) => ({address: visit.address, taken: isTaken(explanation, visit),
  gap: i > 0 && number(visit.number) !== number(all[i - 1].number) + 1}));

export function searchPath(explanation) {
  const visits = visitsOf(explanation), all = number(explanation.path?.visits);
  if (all === 0) return [];
  const row = (visit) => h('tr', {}, h('td', {class: 'n'}, count(number(visit.number))), h('td', {class: 'mono'}, hex(visit.address)),
    h('td', {class: 'n'}, bytes(number(visit.bytes))), h('td', {}, visit.live ? 'live' : 'free'), h('td', {}, isTaken(explanation, visit) ? 'taken' : ''));
  const rows = visits.map(row);
  if (all > visits.length) rows.splice(explanation.path.first.length, 0, h('tr', {}, h('td', {colspan: 5}, `… ${count(all - visits.length)} more`)));
  const faults = explanation.path.page_faults, merged = explanation.merged;
  return [
    h('details', {class: 'search-path'}, h('summary', {}, `Blocks it looked at, in order: ${count(all)}`),
      table([['No.', 'n'], ['Address'], ['Bytes', 'n'], ['Kind'], ['']], rows)),
    h('p', {class: `muted small ${visits.some((visit) => isTaken(explanation, visit)) ? 'trail-note' : ''}`},
      'The line on the heap map is the way of its search', visits.some((visit) => isTaken(explanation, visit)) ? '; the ring is around the block that was taken' : '',
      merged.length > 0 && `; it became one with ${merged.map(({address}) => hex(address)).join(' and ')}`,
      faults.length > 0 && `; touching ${faults.map(hex).join(', ')} brought a page`, '.'),
  ];
}
