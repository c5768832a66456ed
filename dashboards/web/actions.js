// Buttons and forms that change something: each says what came of it, and is there only for those who may.
import {ApiError, post, query as queryOf} from './api.js';
import {h} from './dom.js';
import {bytes, count, hex, words} from './format.js';
import {may} from './sign_in.js';

export const field = (text, input) => h('label', {}, text, input);
export const button = (id, text, onclick, attributes = {}) => h('button', {type: 'button', class: 'plain', id, onclick, ...attributes}, text);

// A line that says what came of something, politely to screen readers.
export class Said {
  constructor(id) {
    this.element = h('p', {id, class: 'muted small', role: 'status'});
  }

  say(text, bad = false) {
    this.element.textContent = text;
    this.element.className = `${bad ? 'bad' : 'muted'} small`;
  }

  // What `work` resolves to; what goes wrong is said, and then it is undefined.
  async attempt(work) {
    this.say('');
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      this.say(error.message, true);
      return undefined;
    }
  }
}

// A button that asks once more before it destroys something.
export function deleteButton(id, text, onconfirmed) {
  const made = button(id, text, () => {
    if (made.dataset.sure) return onconfirmed();
    made.dataset.sure = 'yes';
    made.textContent = `${text}: sure?`;
    setTimeout(() => {
      delete made.dataset.sure;
      made.textContent = text;
    }, 4000);
    return undefined;
  });
  return made;
}

// name of the path, what people call it, and which values it needs.
const OPERATIONS = [['malloc', 'malloc', ['bytes']], ['calloc', 'calloc', ['count', 'bytes']], ['realloc', 'realloc', ['address', 'bytes']],
  ['free', 'free', ['address']], ['allocate-pages', 'allocate pages', ['bytes']], ['free-pages', 'free pages', ['address', 'bytes']]];
const PAGES_ONLY = ['allocate-pages', 'free-pages'];

function told(operation, {outcome, address, sequence, cost, refusal}) {
  const steps = ['heap', 'pages'].reduce((sum, part) => sum + Number(cost[part].search_steps), 0);
  return [`${operation}: ${words(outcome)}`, address > 0 && hex(address), `operation ${count(Number(sequence))}`, `${count(steps)} blocks looked at`,
    `${count(Number(cost.cycles_386))} cycles of a 386`,
    refusal && `needed ${bytes(Number(refusal.needed_bytes))}${refusal.largest_free_bytes === undefined ? '' : `, largest free ${bytes(Number(refusal.largest_free_bytes))}`}`,
  ].filter(Boolean).join(' · ');
}

// Single operations on an instance, by hand. pick(address) puts one into the form.
export class PokeForm {
  // path: "/api/instances/demo"; ondone(): the machine has changed.
  constructor(path, hasHeap, ondone) {
    this.said = new Said('poke-said');
    const offered = OPERATIONS.filter(([name]) => hasHeap || PAGES_ONLY.includes(name));
    this.kind = h('select', {id: 'poke-operation', onchange: () => this.show()}, offered.map(([name, text]) => h('option', {value: name}, text)));
    const input = (name, value, text) => field(text, h('input', {id: `poke-${name}`, name, value, size: 12, autocomplete: 'off', spellcheck: 'false'}));
    this.fields = {count: input('count', '1', 'Elements'), address: input('address', '', 'Address'), bytes: input('bytes', '1000', 'Bytes')};
    this.form = h('form', {class: 'filters', id: 'poke', 'aria-label': 'Operate by hand', onsubmit: (event) => {
      event.preventDefault();
      this.submit(path, ondone);
    }}, field('Operation', this.kind), Object.values(this.fields), h('button', {type: 'submit', class: 'plain', id: 'poke-do'}, 'Do it'));
    this.element = h('section', {class: 'panel', 'data-keep': `poke ${path}`, 'aria-label': 'Operate by hand'},
      h('h2', {}, 'Operate by hand'), this.form, this.said.element);
    this.show();
  }

  get operation() {
    return OPERATIONS.find(([name]) => name === this.kind.value);
  }

  show() {
    for (const [name, label] of Object.entries(this.fields)) label.hidden = !this.operation[2].includes(name);
  }

  pick(address) {
    this.fields.address.querySelector('input').value = hex(address);
    if (!this.operation[2].includes('address')) this.kind.value = [...this.kind.options].some(({value}) => value === 'free') ? 'free' : 'free-pages';
    this.show();
  }

  async submit(path, ondone) {
    const [name, text, needed] = this.operation;
    const values = Object.fromEntries(needed.map((value) => [value, this.fields[value].querySelector('input').value.trim()]));
    const reply = await this.said.attempt(() => post(`${path}/${name}?${queryOf(values)}`));
    if (reply === undefined) return;
    this.said.say(told(text, reply), reply.outcome !== 'OK');
    if (reply.address > 0 && needed.length > 0 && name !== 'free' && name !== 'free-pages') this.fields.address.querySelector('input').value = hex(reply.address);
    ondone();
  }
}

const select = (id, options, chosen) => h('select', {id}, options.map(([value, text]) => h('option', {value, selected: value === chosen}, text)));

// The fields that make a machine, and what they say.
export class MachineFields {
  constructor(prefix, catalog) {
    const names = (list) => list.map(({name}) => [name, name]);
    this.inputs = {
      heap: select(`${prefix}-heap`, names(catalog.heap_allocators), catalog.heap_allocators[0].name),
      pages: select(`${prefix}-pages`, names(catalog.page_allocators), catalog.page_allocators[0].name),
      ram: h('input', {id: `${prefix}-ram`, value: '64Mi', size: 8, autocomplete: 'off'}),
      parameters: h('input', {id: `${prefix}-parameters`, placeholder: 'heap.fit=best,…', size: 18, autocomplete: 'off', spellcheck: 'false'}),
    };
    this.unguarded = h('input', {type: 'checkbox', id: `${prefix}-unguarded`});
    const texts = {heap: 'Heap', pages: 'Pages', ram: 'RAM', parameters: 'Parameters'};
    this.nodes = [Object.entries(this.inputs).map(([name, input]) => field(texts[name], input)),
      h('label', {class: 'check'}, this.unguarded, ' unguarded')];
  }

  get values() {
    const values = Object.fromEntries(Object.entries(this.inputs).map(([name, input]) => [name, input.value.trim()]).filter(([, value]) => value !== ''));
    return {...values, ...(this.unguarded.checked && {unguarded: 1})};
  }
}

// Makes an instance and goes there; null for those who may not.
export function newInstance(catalog) {
  if (!may('user')) return null;
  const name = h('input', {id: 'new-name', placeholder: 'instance-7', size: 14, autocomplete: 'off', spellcheck: 'false'});
  const machine = new MachineFields('new', catalog), said = new Said('new-said');
  const onsubmit = async (event) => {
    event.preventDefault();
    const made = await said.attempt(() => post(`/api/instances?${queryOf({...(name.value.trim() && {name: name.value.trim()}), ...machine.values})}`));
    if (made) location.hash = `#/instances/${encodeURIComponent(made.name)}`;
  };
  return h('form', {class: 'filters start', id: 'new-instance', 'aria-label': 'New instance', onsubmit}, field('Name', name), machine.nodes,
    h('button', {type: 'submit', class: 'plain', id: 'new-create'}, 'Create'), said.element);
}
