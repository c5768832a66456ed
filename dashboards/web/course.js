// How a run went: its curve and what single operations cost, from the exact part of its result.
import {number} from './api.js';
import {sparkline} from './charts.js';
import {h} from './dom.js';
import {bytes, count, ratio, short} from './format.js';
import {panel, table} from './parts.js';

export const hasCurve = (exact) => (exact.curve?.operation?.length ?? 0) > 1;

// [[operation, value], ...] of one column.
const column = ({curve}, name) => curve.operation.map((operation, i) => [number(operation), number(curve[name][i])]);

export const live = (exact) => column(exact, 'live_bytes');
export const heap = (exact) => column(exact, 'heap_bytes');
export function fragmentation({curve}) {
  return curve.operation.map((operation, i) => {
    const free = number(curve.free_bytes[i]), largest = number(curve.largest_free_bytes[i]);
    return [number(operation), free > 0 && largest <= free ? 1 - largest / free : 0];
  });
}

// Of the points at which anything was free.
export function meanFragmentation(exact) {
  const free = exact.curve.free_bytes.map(number);
  const values = fragmentation(exact).filter((_, i) => free[i] > 0).map(([, value]) => value);
  return values.length > 0 ? values.reduce((sum, value) => sum + value, 0) / values.length : NaN;
}

export const mean = (distribution) => (number(distribution?.count) > 0 ? number(distribution.sum) / number(distribution.count) : NaN);

function line(name, points, say, options) {
  const [at, most] = points.reduce((best, point) => (point[1] > best[1] ? point : best));
  return most <= 0 ? null : h('tr', {}, h('th', {scope: 'row'}, name), h('td', {class: 'wide'}, sparkline(points, `${name} over the operations`, options)),
    h('td', {class: 'n'}, say(most)), h('td', {class: 'n'}, count(at)));
}

export function coursePanel(exact) {
  if (!hasCurve(exact)) return null;
  const top = Math.max(...heap(exact).map(([, value]) => value), 1);
  return panel('Course', table([['Figure'], ['Over the operations', 'wide'], ['Most', 'n'], ['At operation', 'n']], [
    line('Live', live(exact), bytes, {top, color: 'live'}), line('Heap', heap(exact), bytes, {top}),
    line('Ext. fragmentation', fragmentation(exact), ratio, {top: 1, color: 'free'}),
    line('Pages live', column(exact, 'page_live_bytes'), bytes)].filter(Boolean)));
}

export function operationCosts(exact) {
  const rows = [['Cycles of a 386DX-33', exact.cycles_386_per_operation], ['Cycles of a 486DX2-66', exact.cycles_486_per_operation],
    ['Search steps', exact.search_steps_per_operation]].filter(([, values]) => number(values?.count) > 0);
  if (rows.length === 0) return null;
  return panel('Cost of a heap operation', table([[''], ['Mean', 'n'], ['p50', 'n'], ['p90', 'n'], ['p99', 'n'], ['p99.9', 'n'], ['Longest', 'n']],
    rows.map(([name, values]) => h('tr', {}, h('th', {scope: 'row'}, name), h('td', {class: 'n'}, short(mean(values))),
      ['p50', 'p90', 'p99', 'p999', 'max'].map((quantile) => h('td', {class: 'n'}, count(number(values[quantile]))))))));
}
