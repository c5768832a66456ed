// The panels that an instance and a run have in common, from the messages Counters, HeapShape and PageShape.
import {h} from './dom.js';
import {number} from './api.js';
import {histogram} from './charts.js';
import {bytes, count, ratio} from './format.js';
import {externalFragmentation, fragmentationFact, internalFragmentation, outcomesTable, pairs, panel} from './parts.js';

const numbers = (list) => (list ?? []).map(number);
const mean = (sum, n) => (n > 0 ? (sum / n).toLocaleString('en-US', {maximumFractionDigits: sum / n < 100 ? 1 : 0}) : '–');

// Free bytes and the largest piece of them, of the heap or else of the pages.
const freeSpace = (heap, pages) => (heap ? [number(heap.free_bytes), heap.largest_free_bytes]
  : [number(pages.free_bytes), number(pages.largest_run_bytes)]);

// What history.js remembers of a machine beside its operations. statistics: a message Statistics.
export const historyOf = ({counters, heap, pages}) => ({
  live: number(heap ? counters.live_requested_bytes : counters.page_live_bytes), external: externalFragmentation(...freeSpace(heap, pages)),
});

function pageFacts(counters, pages, samples) {
  const [free, largest] = freeSpace(null, pages);
  return [
    ['Allocated pages', bytes(number(counters.page_live_bytes)), `peak ${bytes(number(counters.page_live_peak_bytes))}`],
    ['Free pages', bytes(free), `of ${bytes(number(pages.arena_bytes))}`],
    ['Free runs', count(pages.runs), `largest ${bytes(largest)}`],
    fragmentationFact(free, largest, samples),
  ];
}

export function machineFacts({counters, heap, pages}, samples) {
  if (!heap) return pageFacts(counters, pages, samples);
  const size = heap.brk - heap.start, requested = number(counters.live_requested_bytes);
  const [free, largest] = freeSpace(heap, pages);
  return [
    ['Live bytes', bytes(requested), `peak ${bytes(number(counters.live_requested_peak_bytes))}`],
    ['Live blocks', count(number(counters.live_blocks)), `peak ${count(number(counters.live_blocks_peak))}`],
    ['Heap size', bytes(size), `of ${bytes(heap.limit - heap.start)}`],
    ['Free in the heap', bytes(free), `largest ${bytes(largest)}`],
    fragmentationFact(free, largest, samples),
    ['Int. fragmentation', ratio(internalFragmentation(requested, number(heap.live_block_bytes))), 'headers, padding'],
  ];
}

function searchPanels(counters, heap) {
  const {search_headers: headers, search_runs: runs} = counters;
  const heapCounts = numbers(headers?.counts), runCounts = numbers(runs?.counts);
  const searches = heapCounts.reduce((sum, n) => sum + n, 0);
  return [
    heap && panel('Search length', histogram(heapCounts, count, 'searches'),
      `headers visited per search · mean ${mean(number(headers?.sum), searches)} · max ${count(number(counters.search_max))}`),
    runCounts.length > 0 && panel('Page search length', histogram(runCounts, count, 'searches'), 'runs visited per page request'),
  ];
}

function heapCosts(costs) {
  const [previous, next, both, neither] = [0, 1, 2, 3].map((k) => count(number(costs.coalesces?.[k])));
  return [
    ['Headers visited', count(number(costs.headers_visited))], ['Words loaded', count(number(costs.words_loaded))],
    ['Words stored', count(number(costs.words_stored))], ['Splits', count(number(costs.splits))],
    ['Coalesced with the previous chunk', previous], ['Coalesced with the next', next], ['Coalesced with both', both],
    ['Nothing to coalesce', neither], ['Times the heap grew', count(number(costs.grows))], ['Grown by', bytes(number(costs.grown_bytes))],
    ['Copied by realloc', bytes(number(costs.copied_bytes))], ['Cleared by calloc', bytes(number(costs.zeroed_bytes))],
  ];
}

function machineCosts(pages, vm) {
  return [
    ['Page faults, on demand', count(number(vm.demand_faults))], ['Page faults, not mapped', count(number(vm.not_mapped_faults))],
    ['Page faults, protection', count(number(vm.protection_faults))], ['Page faults without a frame left', count(number(vm.refused_faults))],
    ['Frames of the heap', count(vm.mapped_frames)], ['Frames of page tables', count(vm.page_table_frames)],
    ['Page runs visited', count(number(pages.runs_visited))], ['Runs split', count(number(pages.splits))],
    ['Frees merged with a neighbour', count(numbers(pages.merges).slice(1).reduce((sum, n) => sum + n, 0))],
    ['Filled with junk on free', bytes(number(pages.filled_bytes))],
  ];
}

const freePages = (pages) => [
  ['Free page frames', `${bytes(number(pages.free_bytes))} of ${bytes(number(pages.arena_bytes))}`],
  ['Free page runs', count(pages.runs)], ['Largest run', bytes(number(pages.largest_run_bytes))],
];

export function statisticsPanels(counters, heap, pages) {
  return [
    h('div', {class: 'columns'},
      heap && panel('Free chunks by size', histogram(numbers(heap.free_blocks_by_size), bytes, 'chunks', 'free'), 'number of chunks'),
      searchPanels(counters, heap),
      heap && panel('Requests by size', histogram(numbers(counters.request_bytes?.counts), bytes, 'requests'), 'number of requests')),
    h('div', {class: 'columns'},
      panel('Outcomes', outcomesTable(counters.outcomes ?? [])),
      heap && counters.heap && panel('Cost of the heap', pairs(heapCosts(counters.heap)), 'exact, as the original code does it'),
      panel('Pages and faults', pairs([...(pages ? freePages(pages) : []), ...machineCosts(counters.pages ?? {}, counters.vm ?? {})]))),
  ];
}
