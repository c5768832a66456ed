// A form that replays one workload on several heap allocators: one run for each, all of one label, under which they are compared.
import {get, number, post, query as queryOf} from './api.js';
import {h} from './dom.js';
import {count} from './format.js';

const LABEL_FORMAT = {hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false};

// Submits one after the other; answers what went wrong with the first that is refused, and what was started until then.
async function submitAll(values, heaps, tell) {
  let started = 0;
  for (const heap of heaps) {
    try {
      await post(`/api/runs?${queryOf({...values, heap})}`);
    } catch (error) {
      return {started, problem: `${heap}: ${error.message}`};
    }
    tell(`${++started} of ${heaps.length} submitted …`);
  }
  return {started, problem: null};
}

const field = (text, input) => h('label', {}, text, input);

// onstarted({workload, label}): at least one run was accepted.
export async function startComparison(onstarted) {
  const [{builtins}, {heap_allocators: all}] = await Promise.all([get('/api/workloads'), get('/api/catalog')]);
  const heaps = all.filter(({name}) => name !== 'none');
  const workload = h('select', {name: 'start-workload'}, builtins.map(({name, operations}) =>
    h('option', {value: name}, `${name} (${count(number(operations))} operations)`)));
  const ram = h('input', {name: 'start-ram', value: '64Mi', size: 8, autocomplete: 'off', 'aria-describedby': 'start-said'});
  const boxes = heaps.map(({name}) => h('input', {type: 'checkbox', name: 'start-heap', value: name, checked: true}));
  const said = h('p', {class: 'muted small', id: 'start-said', role: 'status'});
  const start = h('button', {type: 'submit', class: 'plain'}, 'Start');
  const choose = (checked) => () => boxes.forEach((box) => (box.checked = checked));
  const say = (text, bad = false) => {
    said.textContent = text;
    said.className = `${bad ? 'bad' : 'muted'} small`;
  };
  const onsubmit = async (event) => {
    event.preventDefault();
    const chosen = boxes.filter(({checked}) => checked).map(({value}) => value);
    if (chosen.length < 2) return say('Choose two allocators at least.', true);
    const label = `page ${new Date().toLocaleTimeString('en', LABEL_FORMAT)}`;
    start.disabled = true;
    const {started, problem} = await submitAll({workload: workload.value, ram: ram.value.trim(), label}, chosen, say);
    start.disabled = false;
    say(problem ?? `${started} runs, label "${label}".`, problem !== null);
    if (started > 0) onstarted({workload: workload.value, label});
  };
  return h('form', {class: 'filters start', 'aria-label': 'Start a comparison', onsubmit},
    field('Workload', workload), field('RAM', ram),
    h('fieldset', {}, h('legend', {}, 'Heap allocators ', h('button', {type: 'button', class: 'plain', onclick: choose(true)}, 'All'), ' ',
      h('button', {type: 'button', class: 'plain', onclick: choose(false)}, 'None')),
    boxes.map((box) => h('label', {class: 'check'}, box, ` ${box.value}`))), start, said);
}
