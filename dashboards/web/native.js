// What a run on a real allocator measured, and the real allocators that the server's host has.
import {number} from './api.js';
import {h} from './dom.js';
import {bytes, count, nanoseconds} from './format.js';
import {facts, pairs, panel, table} from './parts.js';

export const isNative = (config) => config.heap_allocator.startsWith('native:');

export function nativePanels({measured: {native, ...measured}}) {
  const {latency} = native, operations = number(native.operations);
  const each = (total) => (total === undefined ? 'not counted here' : (total / operations).toPrecision(3));
  const ns = (value) => nanoseconds(number(value));
  return [
    facts([
      ['Time per operation', nanoseconds(native.ns_mean), `${nanoseconds(native.ns_low)} to ${nanoseconds(native.ns_high)} at 95 %, ${count(native.repeats)} repeats`],
      ['p99', ns(latency.p99), `p50 ${ns(latency.p50)}, p99.9 ${ns(latency.p999)}`], ['Longest', ns(latency.max), 'of single operations'],
      ['Peak RSS', bytes(number(native.peak_rss_bytes)), `peak live ${bytes(number(native.peak_live_bytes))}`],
      ['Page faults', count(native.page_faults), 'of one replay'],
    ]),
    h('p', {class: 'muted small'}, 'Measured on the server’s host, each replay in a fresh process: true of this host and this hour only.'),
    panel('Replays', pairs([
      ['Library', native.library, 'mono'], ['Operations', count(operations)], ['Left out', count(number(native.skipped_operations))],
      ['Refused', count(number(native.refused_operations))], ['Instructions per operation', each(native.instructions)],
      ['Cache misses per operation', each(native.cache_misses)], ['Clock alone', ns(native.clock_ns)], ['Processor', String(native.cpu)],
      ['Server', `${measured.server_version}, ${measured.server_build}`], ['Host', measured.host],
    ])),
  ];
}

export const nativeCatalog = (natives) => table([['Name'], [''], ['Here']], natives.map(({name, description, absent}) => h('tr', {},
  h('td', {class: 'name mono'}, name), h('td', {}, description), h('td', {class: absent ? 'muted' : ''}, absent || 'yes'))));
