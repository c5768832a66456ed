// All runs, newest first.
import {get, number, time} from '../api.js';
import {h} from '../dom.js';
import {clock, count, duration, short} from '../format.js';
import {rate, remember} from '../history.js';
import {command, panel, progress, runLink, runState, table} from '../parts.js';

const PAGE_SIZE = 50;

export const ended = (run) => !['QUEUED', 'RUNNING'].includes(run.state);

export function workloadName({builtin, spec, trace_sha256: sha256}) {
  if (builtin) return builtin.name;
  if (spec) return spec.name || 'specification';
  return sha256 ? `trace ${sha256.slice(0, 12)}…` : 'workload';
}

function row(run) {
  const done = number(run.operations_done), total = number(run.operations_total);
  const samples = ended(run) ? [] : remember(`run ${run.id}`, {time: Date.now(), operations: done, live: 0});
  const perSecond = samples.length > 1 ? rate(samples) : NaN;
  const speed = run.state === 'RUNNING' && Number.isFinite(perSecond) ? `${short(Math.round(perSecond))} / s` : '';
  const took = time(run.end_time) - time(run.submit_time);
  return h('tr', {},
    h('td', {class: 'name'}, runLink(run.id)),
    h('td', {}, workloadName(run.workload ?? {}), run.label && h('small', {class: 'muted'}, ` ${run.label}`)),
    h('td', {}, runState(run.state)),
    h('td', {}, ended(run) ? h('span', {class: 'small muted'}, run.error) : h('div', {class: 'progress'},
      progress(done, total, `run ${run.id}`), h('span', {class: 'small muted'}, speed))),
    h('td', {class: 'n'}, done === total || total === 0 ? count(done) : `${count(done)} of ${count(total)}`),
    h('td', {class: 'n'}, ended(run) ? duration(took) : ''), h('td', {class: 'n'}, clock(time(run.submit_time))));
}

export const runsTable = (runs) => table(
  [['Run'], ['Workload'], ['State'], [''], ['Operations', 'n'], ['Time', 'n'], ['Submitted', 'n']], runs.map(row));

export function open(_, redraw) {
  let token = '';
  const turnTo = (next) => {
    token = next;
    redraw();
  };
  return {
    title: 'Runs',
    async refresh() {
      const list = await get(`/api/runs?page_size=${PAGE_SIZE}${token ? `&page_token=${encodeURIComponent(token)}` : ''}`);
      const pager = h('span', {class: 'tools'},
        h('button', {type: 'button', class: 'plain', disabled: token === '', onclick: () => turnTo('')}, 'Newest'),
        h('button', {type: 'button', class: 'plain', disabled: list.next_page_token === '', onclick: () => turnTo(list.next_page_token)}, 'Older'));
      return [
        h('div', {class: 'head'}, h('h1', {}, 'Runs')),
        panel('Workloads replayed on fresh machines', list.runs.length > 0 ? runsTable(list.runs)
          : h('div', {class: 'empty'}, h('p', {}, 'None yet. Start one:'), command('alloclab submit steady-state')), null, pager),
      ];
    },
  };
}
