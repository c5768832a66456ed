// Values as people read them. Every function takes a number.

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value) {
  let unit = 0;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    ++unit;
  }
  return `${unit === 0 || Number.isInteger(value) ? value : value.toPrecision(value < 10 ? 2 : 3)} ${UNITS[unit]}`
    .replace(/(\d)e\+3/, '$1000');
}

export const count = (value) => value.toLocaleString('en-US', {maximumFractionDigits: 0});

// 12,345,678 -> "12.3 M", for places where the order of magnitude is the message.
export function short(value) {
  for (const [limit, unit] of [[1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (value >= limit) return `${(value / (unit === 'k' ? 1e3 : limit)).toPrecision(3)} ${unit}`;
  }
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : count(value);
}

export const ratio = (value) => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : '–');
export const hex = (value) => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

export function duration(ms) {
  if (!Number.isFinite(ms) || ms < 0) return '–';
  if (ms < 1) return `${Math.max(1, Math.round(ms * 1000))} µs`;
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`;
  const s = ms / 1000;
  if (s < 60) return `${s.toFixed(s < 10 ? 2 : 1)} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

export const clock = (ms) => (Number.isFinite(ms) ? new Date(ms).toLocaleString('en-GB', {
  day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit',
}) : '–');

// "out_of_memory" -> "out of memory"
export const words = (name) => name.replaceAll('_', ' ').toLowerCase();
