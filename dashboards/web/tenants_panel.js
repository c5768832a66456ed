// Who lived at an address: asked for by a form, or by the blocks under the cursor of a map.
import {number, query} from './api.js';
import {h} from './dom.js';
import {bytes, count, hex} from './format.js';
import {list} from './parts.js';
import {RunSearch} from './run_search.js';

function draw(found, search) {
  const ended = (tenant) => number(tenant.ended_by) || number(found.operations);
  const blocks = list([['Allocated by', 'n'], ['Ended by', 'n'], ['Operations', 'n'], ['Address', 'mono'], ['Bytes', 'n']],
    found.tenants.map((tenant) => [search.operation(tenant.allocated_by), search.operation(tenant.ended_by),
      count(ended(tenant) - number(tenant.allocated_by)), hex(tenant.address), bytes(number(tenant.bytes))]));
  return [found.tenants.length > 0 && blocks, h('p', {class: 'muted small'}, 'As text: ',
    h('code', {}, `alloclab explain ${found.run} --address ${hex(found.address)}${found.pages ? ' --pages' : ''}`))];
}

export class TenantsPanel {
  // seek: as of RunSearch. run(): which one.
  constructor(seek, run) {
    this.run = run;
    this.search = new RunSearch(seek, {action: 'tenants', draw});
    this.address = h('input', {type: 'text', size: 11, required: true, placeholder: '0xc0400004', pattern: '0[xX][0-9a-fA-F]{1,8}|[0-9]{1,10}',
      title: 'An address, as 0xc0400004', 'aria-label': 'Address', spellcheck: 'false', autocomplete: 'off'});
    this.kind = h('select', {'aria-label': 'Kind of address'}, h('option', {value: 0}, 'of the heap'), h('option', {value: 1}, 'of RAM (pages)'));
    this.element = h('div', {},
      h('form', {class: 'who-lived', onsubmit: (event) => { event.preventDefault(); this.find(); }}, 'Who lived at ', this.address, ' ', this.kind, ' ',
        h('button', {type: 'submit', class: 'plain'}, 'Find')),
      this.search.element);
  }

  find() {
    return this.search.find(this.run(), `?${query({address: this.address.value, pages: this.kind.value})}`);
  }

  // Of a heap's block or a frame.
  pick(address, pages) {
    this.address.value = hex(address);
    this.kind.value = pages ? 1 : 0;
    return this.find();
  }
}
