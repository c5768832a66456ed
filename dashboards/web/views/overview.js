// The lab at a glance: its machines and its runs.
import {newInstance} from '../actions.js';
import {get, number, time} from '../api.js';
import {sparkline} from '../charts.js';
import {h} from '../dom.js';
import {bytes, count, short} from '../format.js';
import {points, rate, remember} from '../history.js';
import {command, externalFragmentation, facts, fragmentation, instanceLink, link, list, panel} from '../parts.js';
import {freeSpace} from '../statistics.js';
import {runsTable} from './runs.js';

const INSTANCES_SHOWN = 100, RUNS_SHOWN = 10;

function instanceRow({instance, heap, pages, live_requested_bytes: live, page_live_bytes: pageLive, failed, time: when}) {
  const liveBytes = heap ? number(live) : number(pageLive);
  const external = externalFragmentation(...freeSpace(heap, pages));
  const broken = heap?.broken ? 'heap broken' : pages.broken ? 'pages broken' : '';
  const samples = remember(`instance ${instance.id}`, {time: time(when), operations: number(instance.operations), live: liveBytes, external});
  const perSecond = rate(samples);
  return [
    [instanceLink(instance.name), h('small', {}, heap ? `${instance.config.heap_allocator} on ${instance.config.page_allocator}` : instance.config.page_allocator)],
    bytes(liveBytes), sparkline(points(samples, 'live'), `live bytes of ${instance.name} since this page was opened`, {color: 'live'}),
    heap ? bytes(heap.brk - heap.start) : '–', broken ? h('span', {class: 'bad'}, `✗ ${broken}`) : fragmentation(external), short(number(instance.operations)),
    Number.isFinite(perSecond) ? short(Math.round(perSecond)) : '–',
    h('span', {class: number(failed) > 0 ? 'bad' : ''}, count(number(failed))),
  ];
}

function instances(machines, more) {
  if (machines.length === 0) {
    return h('div', {class: 'empty'}, h('p', {}, 'No instances yet. An instance is a simulated i386 of your own: RAM, page tables, a page '
      + 'allocator, a heap. Make one and poke at it:'), command('alloclab instance create demo --ram 64Mi'), command('alloclab malloc demo 1000'));
  }
  return [
    list([['Instance', 'name'], ['Live', 'n'], ['Since opened'], ['Heap', 'n'], ['Ext. fragmentation', 'n'], ['Operations', 'n'], ['per second', 'n'],
      ['Failed', 'n']], machines.map(instanceRow)),
    more && h('p', {class: 'muted small'}, `The first ${INSTANCES_SHOWN}; the rest: alloclab instance list`),
  ];
}

function runs(recent, catalog) {
  if (recent.length === 0) {
    return h('div', {class: 'empty'}, h('p', {}, 'No runs yet. A run replays a workload on a fresh machine, counts everything the allocator does, and '
      + 'keeps the result. Start one and watch it here:'), command('alloclab submit steady-state'),
    h('p', {class: 'small'}, 'Other workloads: ', h('code', {}, 'alloclab workload list'), ' – or any recorded trace file.'));
  }
  return runsTable(recent, catalog);
}

export function open() {
  let catalog = null, form = null;
  return {
    title: 'Overview',
    async refresh() {
      catalog ??= await get('/api/catalog');
      form ??= newInstance(catalog);
      const [info, machines, recent] = await Promise.all([
        get('/api/server'), get(`/api/instances?page_size=${INSTANCES_SHOWN}`), get(`/api/runs?page_size=${RUNS_SHOWN}`)]);
      const all = machines.instances;
      const live = all.reduce((sum, item) => sum + number(item.heap ? item.live_requested_bytes : item.page_live_bytes), 0);
      const host = all.reduce((sum, item) => sum + number(item.host_bytes), 0);
      return [
        h('div', {class: 'head'}, h('h1', {}, 'Overview')),
        facts([['Instances', count(info.server.instances)], ['Live bytes', bytes(live), 'in all instances'],
          ['Memory of this host', bytes(host), 'held by instances'],
          ['Runs now', count(info.runs_running), info.runs_queued > 0 ? `${count(info.runs_queued)} queued` : 'none queued'],
          ['Cost model', info.server.cost_model]]),
        panel('Instances', [instances(all, machines.next_page_token !== ''), form && h('details', {'data-keep': 'new-instance', id: 'new-instance-details'},
          !form.isConnected && [h('summary', {}, 'New instance'), form])]),
        panel('Runs', runs(recent.runs, catalog), null, recent.runs.length > 0 && link('#/runs', 'All runs')),
      ];
    },
  };
}
