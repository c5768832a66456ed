// What the page has seen of each instance and run since it was opened: for rates and sparklines.

const SAMPLES_MAX = 120;
const series = new Map();

// Adds a sample {time (ms), operations, live} and returns all of that name, oldest first. A name whose operations go back to
// fewer is another instance of the same name: its past is dropped.
export function remember(name, sample) {
  const samples = series.get(name) ?? [];
  const last = samples.at(-1);
  if (last && sample.operations < last.operations) samples.length = 0;
  if (!last || sample.time > last.time) samples.push(sample);
  if (samples.length > SAMPLES_MAX) samples.shift();
  series.set(name, samples);
  return samples;
}

// Operations per second over about the last three seconds; NaN before there are two samples.
export function rate(samples) {
  const last = samples.at(-1);
  const first = samples.findLast((sample) => last.time - sample.time >= 2500) ?? samples[0];
  return first === last ? NaN : 1000 * (last.operations - first.operations) / (last.time - first.time);
}
