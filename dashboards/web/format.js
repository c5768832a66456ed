// Values as people read them: three digits and the unit that suits. Every function takes a number.

const DAY = 86400, HOUR = 3600, MINUTE = 60;

const digits = (value) => (value < 1000 ? Number(value.toPrecision(3)) : Math.round(value));

// units: [[1, 'ns'], [1000, 'µs'], ...], the smallest first. What would round up to the next unit is said in that one.
function scaled(value, units) {
  let k = units.findLastIndex(([size]) => value >= size);
  if (k < 0) k = 0;
  if (k + 1 < units.length && digits(value / units[k][0]) * units[k][0] >= units[k + 1][0]) ++k;
  const [size, unit] = units[k];
  const scaledValue = value / size;
  const text = Number.isInteger(scaledValue) ? String(scaledValue)
    : scaledValue < 100 ? scaledValue.toPrecision(3) : String(Math.round(scaledValue));
  return unit ? `${text} ${unit}` : text;
}

const BYTES = ['B', 'KiB', 'MiB', 'GiB', 'TiB'].map((unit, k) => [1024 ** k, unit]);
export const bytes = (value) => scaled(value, BYTES);

const WHOLE = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
export const count = (value) => WHOLE.format(value);

// 12,345,678 -> "12.3 M", for places where the order of magnitude is the message.
const COUNTS = [[1e3, 'k'], [1e6, 'M'], [1e9, 'G'], [1e12, 'T']];
export function short(value) {
  if (value < 1e4) return Number.isInteger(value) ? count(value) : String(digits(value));
  return scaled(value, COUNTS);
}

export const ratio = (value) => (Number.isFinite(value) ? `${(100 * value).toFixed(1)} %` : '–');
export const hex = (value) => `0x${(value >>> 0).toString(16).padStart(8, '0')}`;

const SECONDS = [[1e-9, 'ns'], [1e-6, 'µs'], [1e-3, 'ms'], [1, 's']];
export function duration(ms) {
  if (!Number.isFinite(ms) || ms < 0) return '–';
  if (ms === 0) return '0 s';
  const s = ms / 1000;
  if (digits(s) < MINUTE) return scaled(s, SECONDS);
  const whole = Math.round(s);
  const [unit, name, part, partName] = whole < HOUR ? [MINUTE, 'min', 1, 's'] : whole < DAY ? [HOUR, 'h', MINUTE, 'min'] : [DAY, 'd', HOUR, 'h'];
  return `${Math.floor(whole / unit)} ${name} ${Math.floor((whole % unit) / part)} ${partName}`;
}
export const nanoseconds = (ns) => duration(ns / 1e6);

export const clock = (ms) => (Number.isFinite(ms) ? new Date(ms).toLocaleString('en-GB', {
  day: '2-digit', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit',
}) : '–');

// "out_of_memory" -> "out of memory"
export const words = (name) => name.replaceAll('_', ' ').toLowerCase();
