// Small pictures of numbers: sparkline, histogram, composition bar. All are SVG without inline style.
import {h, s} from './dom.js';
import {count} from './format.js';

// points: [ms, value], oldest first; drawn from zero up to `top`, or to the largest value. The title is what a screen reader says.
export function sparkline(points, title, {top = Math.max(...points.map(([, y]) => y), 1), color} = {}) {
  const picture = s('svg', {class: `spark ${color ? `of-${color}` : ''}`, viewBox: '0 0 100 24', preserveAspectRatio: 'none', role: 'img', 'aria-label': title});
  if (points.length < 2) return picture;
  const [start] = points[0], span = points.at(-1)[0] - start || 1;
  const path = points.map(([x, y]) => `${(100 * (x - start) / span).toFixed(2)},${(23 - 22 * y / top).toFixed(2)}`).join('L');
  picture.append(s('path', {class: 'area', d: `M0,24L${path}L100,24Z`}), s('path', {class: 'line', d: `M${path}`}));
  return picture;
}

// Bucket 0 holds 0, bucket 1 holds 1, bucket k holds 2^(k-2) < v <= 2^(k-1).
function bucketLabel(k, format) {
  if (k <= 1) return format(k);
  const low = 2 ** (k - 2) + 1, high = 2 ** (k - 1);
  return low === high ? format(high) : `≤ ${format(high)}`;
}

// A histogram over powers of two, from the first bucket in use to the last. color: a key of the map, if it counts what has one.
export function histogram(counts, format, what, color) {
  const first = counts.findIndex((n) => n > 0);
  if (first < 0) return h('p', {class: 'muted small'}, 'Nothing yet.');
  const last = counts.findLastIndex((n) => n > 0);
  const top = Math.max(...counts);
  const total = counts.reduce((sum, n) => sum + n, 0);
  const rows = [];
  for (let k = first; k <= last; ++k) {
    rows.push(
      h('dt', {}, bucketLabel(k, format)),
      h('dd', {'aria-hidden': 'true'}, s('svg', {viewBox: '0 0 100 10', preserveAspectRatio: 'none'},
        s('rect', {class: color && `key-${color}`, x: 0, y: 0, height: 10, width: counts[k] === 0 ? 0 : Math.max(0.4, 100 * counts[k] / top)}))),
      h('dd', {class: 'n', title: `${(100 * counts[k] / total).toFixed(2)} % of ${count(total)} ${what}`}, count(counts[k])));
  }
  return h('dl', {class: 'histogram'}, rows);
}

// One bar split by `parts`: [{key: 'live', value: 12}, ...].
export function composition(parts) {
  const total = parts.reduce((sum, part) => sum + part.value, 0) || 1;
  let x = 0;
  return s('svg', {class: 'composition', viewBox: '0 0 100 10', preserveAspectRatio: 'none', 'aria-hidden': 'true'}, parts.map((part) => {
    const width = 100 * part.value / total;
    x += width;
    return s('rect', {class: `key-${part.key}`, x: x - width, y: 0, width, height: 10});
  }));
}

export const key = (name) => s('svg', {class: 'key', viewBox: '0 0 10 10', 'aria-hidden': 'true'}, s('rect', {class: `key-${name}`, width: 10, height: 10, rx: 2}));
