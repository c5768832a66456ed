// The panels that an instance and a run have in common, from the messages Counters, HeapShape and PageShape. Which counters and
// figures there are, and what they mean, the allocators declare: here is only how such a list is shown.
import {number} from './api.js';
import {histogram} from './charts.js';
import {h} from './dom.js';
import {bytes, count, hex, ratio, words} from './format.js';
import {allocatorInfo, externalFragmentation, fragmentationFact, internalFragmentation, outcomesTable, pairs, panel} from './parts.js';

const numbers = (list) => (list ?? []).map(number);
const mean = (sum, n) => (n > 0 ? (sum / n).toLocaleString('en-US', {maximumFractionDigits: sum / n < 100 ? 1 : 0}) : '–');

// Free bytes and the largest piece of them, of the heap or else of the pages; NaN where the chain of blocks is broken.
export function freeSpace(heap, pages) {
  const {broken, free_bytes: free, largest_free_bytes: largest} = heap ?? pages;
  return broken ? [NaN, NaN] : [number(free), number(largest)];
}
const UNKNOWN = 'the chain of blocks is broken';

// What history.js remembers of a machine beside its operations. statistics: a message Statistics.
export const historyOf = ({counters, heap, pages}) => ({
  live: number(heap ? counters.live_requested_bytes : counters.page_live_bytes), external: externalFragmentation(...freeSpace(heap, pages)),
});

function pageFacts(counters, pages, samples) {
  const [free, largest] = freeSpace(null, pages);
  return [
    ['Allocated pages', bytes(number(counters.page_live_bytes)), `peak ${bytes(number(counters.page_live_peak_bytes))}`],
    ...(pages.broken ? [['Free pages', 'unknown', UNKNOWN]] : [
      ['Free pages', bytes(free), `of ${bytes(number(pages.arena_bytes))}`],
      ['Free blocks', count(number(pages.free_blocks)), `largest ${bytes(largest)}`],
      fragmentationFact(free, largest, samples),
    ]),
  ];
}

// known: of allocatorsOf().
export function machineFacts({counters, heap, pages}, known, samples) {
  if (!heap) return pageFacts(counters, pages, samples);
  const size = heap.brk - heap.start, requested = number(counters.live_requested_bytes);
  const [free, largest] = freeSpace(heap, pages);
  return [
    ['Live bytes', bytes(requested), `peak ${bytes(number(counters.live_requested_peak_bytes))}`],
    ['Live blocks', count(number(counters.live_blocks)), `peak ${count(number(counters.live_blocks_peak))}`],
    ['Heap size', bytes(size), `of ${bytes(heap.limit - heap.start)}`],
    ...(heap.broken ? [['Free in the heap', 'unknown', UNKNOWN]] :
      known.heap?.shows_blocks === false ? [['Free in the heap', 'unknown', 'this allocator does not tell its blocks']] : [
      ['Free in the heap', bytes(free), `largest ${bytes(largest)}`],
      fragmentationFact(free, largest, samples),
      ['Int. fragmentation', ratio(internalFragmentation(requested, number(heap.live_block_bytes))), 'metadata, padding'],
    ]),
  ];
}

// The two allocators of a machine, as the catalogue describes them, and the machine itself; undefined: one that it does not know.
export const allocatorsOf = (config, catalog) => ({
  heap: allocatorInfo(catalog.heap_allocators, config.heap_allocator), pages: allocatorInfo(catalog.page_allocators, config.page_allocator),
  machine: {counters: catalog.machine_counters, figures: catalog.machine_figures},
});

// [{name: "with", value: "below"}] -> ", with below"
const labelled = (labels) => labels.map(({name, value}) => `, ${words(name)} ${words(value)}`).join('');
const counterValue = (name, value) => (/(^|_)bytes$/.test(name) ? bytes(value) : count(value));

const FIGURE = {COUNT: count, BYTES: bytes, ADDRESS: hex, WORD: hex};
export const figureValue = ({name, value}, infos) => (FIGURE[infos?.find((info) => info.name === name)?.unit] ?? count)(number(value));

// Rows for pairs(): what an allocator counts and what it has now, each with its explanation.
function declaredRows(counters, figures, info) {
  const help = (infos, name) => infos?.find((each) => each.name === name)?.help;
  return [
    ...(figures ?? []).map((figure) => [words(figure.name), figureValue(figure, info?.figures), 'n', help(info?.figures, figure.name)]),
    ...(counters ?? []).map(({name, labels, value}) => [`${words(name)}${labelled(labels)}`, counterValue(name, number(value)), 'n',
      help(info?.counters, name)]),
  ];
}

function searchPanel(title, {counts, sum} = {}, what, max) {
  const searches = numbers(counts), total = searches.reduce((all, n) => all + n, 0);
  return panel(title, histogram(searches, count, 'searches'),
    `blocks looked at per ${what} · mean ${mean(number(sum), total)}${max === undefined ? '' : ` · max ${count(max)}`}`);
}

export function statisticsPanels({counters, heap, pages}, known) {
  const withBlocks = heap && !heap.broken && known.heap?.shows_blocks !== false;
  return [
    h('div', {class: 'columns'},
      withBlocks && panel('Free blocks by size', histogram(numbers(heap.free_blocks_by_size), bytes, 'blocks', 'free'), 'number of blocks'),
      heap && searchPanel('Search length', counters.heap_search_steps, 'heap operation', number(counters.search_max)),
      (counters.page_search_steps?.counts ?? []).length > 0 && searchPanel('Page search length', counters.page_search_steps, 'page request'),
      heap && panel('Requests by size', histogram(numbers(counters.request_bytes?.counts), bytes, 'requests'), 'number of requests')),
    h('div', {class: 'columns'},
      panel('Outcomes', outcomesTable(counters.outcomes ?? [])),
      heap && panel('Heap allocator', pairs(declaredRows(counters.heap, heap.figures, known.heap)), known.heap?.name),
      panel('Page allocator', pairs(declaredRows(counters.pages, pages?.figures, known.pages)), known.pages?.name),
      panel('Memory management', pairs(declaredRows(counters.machine, counters.machine_figures, known.machine)), 'of the simulated processor')),
  ];
}
