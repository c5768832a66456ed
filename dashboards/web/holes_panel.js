// Which blocks, sizes and moments fragmented a run: asked for by a button, found on an opened run of its own, so that the one that is
// looked at stays where it is.
import {instancePath, number, post, runPath} from './api.js';
import {h, morphChildren} from './dom.js';
import {bytes, count, hex, ratio, short} from './format.js';
import {list} from './parts.js';

export class HolesPanel {
  // seek(operation): the reader wants to see that moment.
  constructor(seek) {
    this.seek = seek;
    this.busy = false;
    this.element = h('div', {class: 'holes'});
  }

  // The server looks for a second per request, and keeps what it found until the run is closed.
  async find(run) {
    if (this.busy) return;
    this.busy = true;
    let opened = null;
    try {
      opened = instancePath((await post(`${runPath(run)}/open?operation=0`)).instance);
      for (;;) {
        const found = await post(`${opened}/holes`);
        this.show(found);
        if (!this.element.isConnected || number(found.looked_at) === number(found.operations)) break;
      }
    } catch (error) {
      morphChildren(this.element, [h('p', {class: 'muted small', role: 'status'}, error.message)]);
    }
    if (opened) await post(`${opened}/close`).catch(() => {});  // it may be closed already
    this.busy = false;
  }

  operation(number_) {
    const operation = number(number_);
    return operation === 0 ? '–' : h('button', {type: 'button', class: 'plain', title: 'Go there', onclick: () => this.seek(operation)}, count(operation));
  }

  show(found) {
    const total = number(found.separated_cost), looked = number(found.looked_at), operations = number(found.operations);
    const share = (cost) => ratio(total > 0 ? number(cost) / total : NaN);
    const blocks = list([['Made by', 'n'], ['Asked for', 'n'], ['Address', 'mono'], ['Bytes', 'n'], ['Share of cost', 'n'], ['For operations', 'n'], ['Until', 'n']],
      found.blocks.map((block) => [this.operation(block.allocated_by), bytes(number(block.request_bytes)), hex(block.address), bytes(number(block.bytes)),
        share(block.cost), short(number(block.operations)), this.operation(block.last_seen)]));
    const sizes = list([['Block of', 'n'], ['Share of cost', 'n']],
      found.sizes.map((size) => [bytes(number(size.bytes)), share(size.cost)]));
    const rises = list([['From operation', 'n'], ['To', 'n'], ['Fragmentation', 'n']],
      found.rises.map((rise) => [this.operation(rise.from_operation), this.operation(rise.to_operation),
        `${ratio(rise.from_fragmentation)} → ${ratio(rise.to_fragmentation)}`]));
    const part = (title, table, items) => items.length > 0 && h('div', {}, h('h3', {}, title), table);
    morphChildren(this.element, [
      looked < operations && h('p', {class: 'muted small', role: 'status'}, `looking: at operation ${count(looked)} of ${count(operations)} …`),
      h('ul', {class: 'found'}, found.sentences.map((sentence) => h('li', {}, sentence))),
      part('Blocks that kept holes apart', blocks, found.blocks),
      h('div', {class: 'holes-rest'}, part('Their sizes', sizes, found.sizes), part('Where fragmentation rose', rises, found.rises)),
      h('p', {class: 'muted small'}, `A live block between two free ones costs their bytes for as many operations as it stays; ${count(number(found.looks))} looks. `,
        'As text: ', h('code', {}, `alloclab explain ${found.run}`))]);
  }
}
