// Which blocks, sizes and moments fragmented a run: asked for by a button.
import {number} from './api.js';
import {h} from './dom.js';
import {bytes, count, hex, ratio, short} from './format.js';
import {list} from './parts.js';
import {RunSearch} from './run_search.js';

function draw(found, search) {
  const total = number(found.separated_cost);
  const share = (cost) => ratio(total > 0 ? number(cost) / total : NaN);
  const sites = found.sites.length > 0, site = (it) => number(it.site) === 0 ? 'not known' : it.called_by;
  const blocks = list([['Made by', 'n'], ['Asked for', 'n'], ['Address', 'mono'], ['Bytes', 'n'], ['Share of cost', 'n'], ['For operations', 'n'], ['Until', 'n'],
    ...(sites ? [['Called by', 'mono']] : [])],
    found.blocks.map((block) => [search.operation(block.allocated_by), bytes(number(block.request_bytes)), hex(block.address), bytes(number(block.bytes)),
      share(block.cost), short(number(block.operations)), search.operation(block.last_seen), ...(sites ? [site(block)] : [])]));
  const callers = list([['Call site', 'mono'], ['Share of cost', 'n'], ['Live at the peak', 'n']],
    found.sites.map((it) => [site(it), share(it.cost), bytes(number(it.peak_bytes))]));
  const sizes = list([['Block of', 'n'], ['Share of cost', 'n']],
    found.sizes.map((size) => [bytes(number(size.bytes)), share(size.cost)]));
  const rises = list([['From operation', 'n'], ['To', 'n'], ['Fragmentation', 'n']],
    found.rises.map((rise) => [search.operation(rise.from_operation), search.operation(rise.to_operation),
      `${ratio(rise.from_fragmentation)} → ${ratio(rise.to_fragmentation)}`]));
  const part = (title, table, items) => items.length > 0 && h('div', {}, h('h3', {}, title), table);
  return [
    part('Blocks that kept holes apart', blocks, found.blocks),
    part('Call sites that cost or hold most', callers, found.sites),
    h('div', {class: 'holes-rest'}, part('Their sizes', sizes, found.sizes), part('Where fragmentation rose', rises, found.rises)),
    h('p', {class: 'muted small'}, `A live block between two free ones costs their bytes for as many operations as it stays; ${count(number(found.looks))} looks. `,
      'As text: ', h('code', {}, `alloclab explain ${found.run}`))];
}

export const holesSearch = (seek) => new RunSearch(seek, {action: 'holes', draw});
