// The lab at a glance: its machines and its runs.
import {get, number, time} from '../api.js';
import {sparkline} from '../charts.js';
import {h} from '../dom.js';
import {bytes, count, ratio, short} from '../format.js';
import {rate, remember} from '../history.js';
import {command, externalFragmentation, facts, instanceLink, link, panel, table} from '../parts.js';
import {runsTable} from './runs.js';

const INSTANCES_SHOWN = 100, RUNS_SHOWN = 10;

function instanceRow({instance, heap, pages, live_requested_bytes: live, page_live_bytes: pageLive, failed, time: when}) {
  const liveBytes = heap ? number(live) : number(pageLive);
  const samples = remember(`instance ${instance.id}`, {time: time(when), operations: number(instance.operations), live: liveBytes});
  const perSecond = rate(samples);
  const free = heap ? number(heap.free_bytes) : number(pages.free_bytes);
  const largest = heap ? heap.largest_free_bytes : number(pages.largest_run_bytes);
  return h('tr', {},
    h('td', {class: 'name'}, instanceLink(instance.name),
      h('small', {}, heap ? `${instance.config.heap_allocator} on ${instance.config.page_allocator}` : instance.config.page_allocator)),
    h('td', {class: 'n'}, bytes(liveBytes)), h('td', {}, sparkline(samples.map((sample) => sample.live), `live bytes of ${instance.name} lately`)),
    h('td', {class: 'n'}, heap ? bytes(heap.brk - heap.start) : '–'),
    h('td', {class: 'n'}, ratio(externalFragmentation(free, largest))),
    h('td', {class: 'n'}, short(number(instance.operations))), h('td', {class: 'n'}, Number.isFinite(perSecond) ? short(Math.round(perSecond)) : '–'),
    h('td', {class: `n ${number(failed) > 0 ? 'bad' : ''}`}, count(number(failed))));
}

function instances(list, more) {
  if (list.length === 0) {
    return h('div', {class: 'empty'}, h('p', {}, 'No instances yet. An instance is a simulated i386 of your own: RAM, page tables, a page '
      + 'allocator, a heap. Make one and poke at it:'), command('alloclab instance create demo --ram 64Mi'), command('alloclab malloc demo 1000'));
  }
  return [
    table([['Instance'], ['Live', 'n'], ['Lately'], ['Heap', 'n'], ['Ext. fragmentation', 'n'], ['Operations', 'n'], ['per second', 'n'],
      ['Failed', 'n']], list.map(instanceRow)),
    more && h('p', {class: 'muted small'}, `The first ${INSTANCES_SHOWN}; the rest: alloclab instance list`),
  ];
}

function runs(list) {
  if (list.length === 0) {
    return h('div', {class: 'empty'}, h('p', {}, 'No runs yet. A run replays a workload on a fresh machine, counts everything the allocator does, and '
      + 'keeps the result. Start one and watch it here:'), command('alloclab submit steady-state'),
    h('p', {class: 'small'}, 'Other workloads: ', h('code', {}, 'alloclab workload list'), ' – or any recorded trace file.'));
  }
  return runsTable(list);
}

export function open() {
  return {
    title: 'Overview',
    async refresh() {
      const [info, machines, recent] = await Promise.all([
        get('/api/server'), get(`/api/instances?page_size=${INSTANCES_SHOWN}`), get(`/api/runs?page_size=${RUNS_SHOWN}`)]);
      const list = machines.instances;
      const live = list.reduce((sum, item) => sum + number(item.heap ? item.live_requested_bytes : item.page_live_bytes), 0);
      const host = list.reduce((sum, item) => sum + number(item.host_bytes), 0);
      return [
        h('div', {class: 'head'}, h('h1', {}, 'Overview')),
        facts([['Instances', count(info.server.instances)], ['Live bytes', bytes(live), 'in all instances'],
          ['Memory of this host', bytes(host), 'held by instances'],
          ['Runs now', count(info.runs_running), info.runs_queued > 0 ? `${count(info.runs_queued)} queued` : 'none queued'],
          ['Cost model', info.server.cost_model]]),
        panel('Instances', instances(list, machines.next_page_token !== '')),
        panel('Runs', runs(recent.runs), null, recent.runs.length > 0 && link('#/runs', 'All runs')),
      ];
    },
  };
}
