// The allocators that this server knows: what may be set about them, what they count, what their blocks hold.
import {get} from '../api.js';
import {h} from '../dom.js';
import {example} from '../example.js';
import {words} from '../format.js';
import {nativeCatalog} from '../native.js';
import {command, panel, table} from '../parts.js';

const cell = (content, css) => h('td', {class: css}, content);

// Counters of one name in one row, with the values of their label.
function countersTable(counters) {
  const byName = Map.groupBy(counters, ({name}) => name);
  return table([['Counts'], ['']], [...byName].map(([name, group]) => h('tr', {}, cell(name, 'name mono'),
    cell([group[0].help, group[0].label && h('small', {class: 'muted'},
      `${words(group[0].label)}: ${group.map((info) => words(info.label_value)).join(', ')}`)]))));
}

const namedTable = (title, infos) => infos.length > 0 && table([[title], ['']], infos.map(({name, help}) => h('tr', {}, cell(name, 'name mono'), cell(help))));

const parametersTable = (parameters) => table([['Parameter'], ['Default'], ['Expects'], ['']], parameters.map((parameter) => h('tr', {},
  cell(parameter.name, 'name mono'), cell(parameter.default_value, 'mono'), cell(parameter.expects), cell(parameter.description, 'muted'))));

// The paragraphs behind the first one: where it ran, what it is good and bad at.
const story = (paragraphs) => paragraphs.length > 0 && h('dl', {class: 'story'}, paragraphs.map((paragraph) => {
  const [what, ...text] = paragraph.split(': ');
  return [h('dt', {}, what), h('dd', {}, text.join(': '))];
}));

function allocator(info, isDefault, operations) {
  const [summary, ...paragraphs] = info.description.split('\n\n');
  return panel(info.title || info.name, [
    h('p', {}, summary), info.example && example(info.example, operations), story(paragraphs),
    h('p', {class: 'muted small'}, info.source),
    !info.shows_blocks && h('p', {class: 'muted small'}, 'It does not tell its blocks: no map, and free memory is unknown.'),
    info.parameters.length > 0 && parametersTable(info.parameters),
    info.counters.length > 0 && h('details', {'data-keep': `counters ${info.name}`}, h('summary', {}, 'What it tells'),
      countersTable(info.counters), namedTable('Has now', info.figures), namedTable('In a block', info.block_fields)),
  ], isDefault ? `${info.name} · default` : info.name);
}

export function open() {
  return {
    title: 'Catalogue',
    async refresh() {
      const {heap_allocators: heaps, page_allocators: pages, machine_counters: counters, machine_figures: figures,
        native_allocators: natives, example_operations: operations} = await get('/api/catalog');
      const parameter = [...heaps, ...pages].flatMap(({parameters}) => parameters)[0];
      return [
        h('div', {class: 'head'}, h('h1', {}, 'Catalogue')),
        h('p', {class: 'muted'}, 'A machine is made of one of each. Parameters are given by name:'),
        parameter && command(`alloclab instance create demo --param ${parameter.name}=${parameter.default_value}`),
        h('h2', {}, 'Heap allocators'), heaps.map((info, i) => allocator(info, i === 0, operations)),
        h('h2', {}, 'Page allocators'), pages.map((info, i) => allocator(info, i === 0)),
        h('h2', {}, 'Real allocators'), panel('Measured by runs', nativeCatalog(natives), 'alloclab compare --native all; no machine is made of them'),
        h('h2', {}, 'The machine'), panel('Memory management', [countersTable(counters), namedTable('Has now', figures)], 'of the simulated processor'),
      ];
    },
  };
}
