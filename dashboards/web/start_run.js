// Starts a run of a built-in workload or a stored trace; and takes trace files that are dropped or chosen.
import {get, number, post, postFile, query as queryOf} from './api.js';
import {button, field, MachineFields, Said} from './actions.js';
import {h} from './dom.js';
import {bytes, count} from './format.js';

const TRACES = 100;  // offered

// The server takes names of printable ASCII.
const nameOf = (file) => file.name.replace(/[^\x20-\x7e]/g, '?').slice(-200) || 'trace';

class TraceDrop {
  // onstored(info): a trace is in the library.
  constructor(onstored) {
    this.onstored = onstored;
    this.said = new Said('upload-said');
    this.input = h('input', {type: 'file', id: 'upload-file', class: 'visually-hidden', 'aria-label': 'Trace file', onchange: () => this.take(this.input.files[0])});
    this.element = h('div', {class: 'drop', id: 'upload-drop'}, 'Drop a trace file here, or ', button('upload-choose', 'Choose a file', () => this.input.click()),
      this.input, this.said.element);
    this.element.addEventListener('dragover', (event) => {
      event.preventDefault();
      this.element.classList.add('over');
    });
    this.element.addEventListener('dragleave', () => this.element.classList.remove('over'));
    this.element.addEventListener('drop', (event) => {
      event.preventDefault();
      this.element.classList.remove('over');
      this.take(event.dataTransfer.files[0]);
    });
  }

  async take(file) {
    if (!file || this.busy) return;
    this.busy = true;
    const info = await this.said.attempt(async () => {
      const most = number((await get('/api/server')).trace_upload_bytes_max);
      if (file.size > most) return void this.said.say(`${nameOf(file)} has ${bytes(file.size)}; the server takes at most ${bytes(most)}.`, true);
      this.said.say(`Sending ${nameOf(file)}, ${bytes(file.size)} …`);
      return postFile(`/api/traces?${queryOf({name: nameOf(file)})}`, file);
    });
    this.busy = false;
    this.input.value = '';
    if (!info) return;
    this.said.say([`${info.name}: ${count(number(info.operations))} operations, read as ${info.format}`, ...info.notes].join(' · '));
    this.onstored(info);
  }
}

const option = (value, text) => h('option', {value}, text);
const traceOption = ({sha256, name, operations, owner}) =>
  option(`sha256:${sha256}`, `${name} (${count(number(operations))} operations, ${owner ? `${owner}'s ` : ''}trace)`);

// onstarted(run): it was accepted.
export async function startRun(onstarted) {
  const [{builtins}, catalog, {traces}] = await Promise.all([get('/api/workloads'), get('/api/catalog'), get(`/api/traces?page_size=${TRACES}`)]);
  const workload = h('select', {id: 'run-workload'}, builtins.map(({name, operations}) => option(name, `${name} (${count(number(operations))} operations)`)),
    traces.map(traceOption));
  const label = h('input', {id: 'run-label', size: 14, autocomplete: 'off'});
  const machine = new MachineFields('run', catalog), said = new Said('run-said');
  const drop = new TraceDrop((info) => {
    const value = `sha256:${info.sha256}`;
    if (![...workload.options].some((each) => each.value === value)) workload.append(traceOption(info));
    workload.value = value;
  });
  const onsubmit = async (event) => {
    event.preventDefault();
    const run = await said.attempt(() => post(`/api/runs?${queryOf({workload: workload.value, ...machine.values, ...(label.value && {label: label.value})})}`));
    if (run) onstarted(run);
  };
  return h('div', {}, h('form', {class: 'filters start', id: 'start-run', 'aria-label': 'Start a run', onsubmit}, field('Workload', workload), machine.nodes,
    field('Label', label), h('button', {type: 'submit', class: 'plain', id: 'run-start'}, 'Start'), said.element), drop.element);
}
