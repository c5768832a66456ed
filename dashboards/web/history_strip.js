// How an instance came to be as it is: its figures since its first operation, and since when its free memory is in pieces.
import {number} from './api.js';
import {sparkline} from './charts.js';
import {h} from './dom.js';
import {bytes, clock, count, ratio} from './format.js';
import {externalFragmentation, NOTABLE, panel, table} from './parts.js';

// [{time, operations, live, arena, external}, ...], oldest first; history: a message InstanceHistory.
export const pointsOf = (history) => history.unix_ms.map((time, i) => ({time: number(time), operations: number(history.operations[i]),
  live: number(history.live_bytes[i]), arena: number(history.arena_bytes[i]),
  external: externalFragmentation(number(history.free_bytes[i]), number(history.largest_free_bytes[i]))}));

// The first of the points at the end at which free memory is in pieces; null: it is not.
export function fragmentedSince(points) {
  const last = points.findLastIndex(({external}) => !(external >= NOTABLE));
  return points[last + 1] ?? null;
}

function sentence(points) {
  const since = fragmentedSince(points);
  if (since === null) return 'Most of the free memory is in one piece.';
  const {external} = points.at(-1);
  return `Fragmented since ${clock(since.time)} (operation ${count(since.operations)}): ${ratio(external)} of the free memory is outside the largest piece.`;
}

function row(name, points, value, say, options) {
  const known = points.map((point) => [point.time, point[value]]).filter(([, y]) => Number.isFinite(y));
  if (known.length < 2) return null;
  const [, most] = known.reduce((best, point) => (point[1] > best[1] ? point : best));
  return h('tr', {}, h('th', {scope: 'row'}, name), h('td', {class: 'wide'}, sparkline(known, `${name} since the first operation`, options)),
    h('td', {class: 'n'}, say(known.at(-1)[1])), h('td', {class: 'n'}, say(most)));
}

export function historyStrip(history, hasHeap) {
  const points = pointsOf(history);
  if (points.length < 2) return null;
  const top = Math.max(...points.map(({arena}) => arena), 1);
  return panel('History', [
    h('p', {id: 'fragmented-since', class: points.at(-1).external >= NOTABLE ? 'notable' : 'muted'}, sentence(points)),
    table([['Figure'], [`${clock(points[0].time)} to ${clock(points.at(-1).time)}`, 'wide'], ['Now', 'n'], ['Most', 'n']], [
      row('Live', points, 'live', bytes, {top, color: 'live'}), hasHeap && row('Heap', points, 'arena', bytes, {top}),
      row('Ext. fragmentation', points, 'external', ratio, {top: 1, color: 'free'})].filter(Boolean))],
  `${count(points.at(-1).operations)} operations`);
}
