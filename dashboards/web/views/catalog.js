// The allocators that this server knows, and what may be set about them.
import {get} from '../api.js';
import {h} from '../dom.js';
import {command, panel, table} from '../parts.js';

function allocator(info, isDefault) {
  return panel(info.title || info.name, [
    h('p', {}, info.description), h('p', {class: 'muted small'}, info.source),
    info.parameters.length > 0 && table([['Parameter'], ['Default'], ['Expects'], ['']], info.parameters.map((parameter) => h('tr', {},
      h('td', {class: 'name mono'}, parameter.name), h('td', {class: 'mono'}, parameter.default_value), h('td', {}, parameter.expects),
      h('td', {class: 'muted'}, parameter.description)))),
  ].filter(Boolean), isDefault ? `${info.name} · default` : info.name);
}

export function open() {
  return {
    title: 'Catalogue',
    async refresh() {
      const {heap_allocators: heaps, page_allocators: pages} = await get('/api/catalog');
      return [
        h('div', {class: 'head'}, h('h1', {}, 'Catalogue')),
        h('p', {class: 'muted'}, 'A machine is made of one of each. Parameters are given by name:'),
        command('alloclab instance create demo --param heap.engine=literal'),
        h('h2', {}, 'Heap allocators'), heaps.map((info, i) => allocator(info, i === 0)),
        h('h2', {}, 'Page allocators'), pages.map((info, i) => allocator(info, i === 0)),
      ];
    },
  };
}
