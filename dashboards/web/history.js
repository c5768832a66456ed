// What the page has seen of each instance and run since it was opened: for rates and sparklines.

const SAMPLES_MAX = 240;
const RECENT = 20;  // kept second by second; of what is older, every other sample goes when there are too many
const series = new Map();

// Adds a sample {time (ms), operations, ...} and returns all of that name, oldest first. A name whose operations go back to
// fewer is another instance of the same name: its past is dropped.
export function remember(name, sample) {
  const samples = series.get(name) ?? [];
  const last = samples.at(-1);
  if (last && sample.operations < last.operations) samples.length = 0;
  if (!last || sample.time > last.time) samples.push(sample);
  const kept = samples.length <= SAMPLES_MAX ? samples
    : samples.filter((_, i) => i % 2 === 0 || i >= samples.length - RECENT);
  series.set(name, kept);
  return kept;
}

// Operations per second over about the last three seconds; NaN before there are two samples.
export function rate(samples) {
  const last = samples.at(-1);
  const first = samples.findLast((sample) => last.time - sample.time >= 2500) ?? samples[0];
  return first === last ? NaN : 1000 * (last.operations - first.operations) / (last.time - first.time);
}

// The points of a sparkline: [ms, value], without the samples that have no such value.
export const points = (samples, value) => samples.map((sample) => [sample.time, sample[value]]).filter(([, y]) => Number.isFinite(y));
