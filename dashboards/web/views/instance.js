// One machine: what it looks like now, and what it has cost so far.
import {deleteButton, PokeForm, Said} from '../actions.js';
import {get, instancePath, number, post, time} from '../api.js';
import {histogram} from '../charts.js';
import {h} from '../dom.js';
import {bytes, count, short} from '../format.js';
import {rate, remember} from '../history.js';
import {historyStrip} from '../history_strip.js';
import {LiveMachine} from '../live.js';
import {MemoryView} from '../memory_view.js';
import {alarms, command, configChips, facts, link, panel} from '../parts.js';
import {mayChange} from '../sign_in.js';
import {allocatorsOf, historyOf, machineFacts, statisticsPanels} from '../statistics.js';
import {TimePanel} from '../time_panel.js';

export function open(name, page) {
  const path = instancePath(name), memory = new MemoryView(path, page), live = new LiveMachine(path, page), said = new Said('instance-said');
  let catalog = null, timePanel = null, poke = null, ages = null, agesOf = null, asking = false;
  const remove = deleteButton('instance-delete', 'Delete', async () => {
    if (await said.attempt(() => post(`${path}/delete`))) location.hash = '#/';
  });

  // Of an opened run: how old its blocks are at that moment.
  async function askAges(moment) {
    if (asking || agesOf === moment.operation) return;
    asking = true;
    agesOf = moment.operation;
    ages = await get(`${path}/ages`).catch(() => null);
    asking = false;
    page.redraw();
  }

  function pokeForm(hasHeap, owner) {
    if (!mayChange(owner)) return null;
    poke ??= new PokeForm(path, hasHeap, page.redraw);
    memory.heapMap.picker = {mark: '↓', title: 'Use its address below', live: true, pick: (address) => poke.pick(address)};
    return poke.element;
  }

  return {
    title: name,
    async refresh(query) {
      catalog ??= await get('/api/catalog');
      const {detail: {instance, statistics, time: now, moment, history}, map} = await live.read(memory.question(query));
      const operations = number(instance.operations), known = allocatorsOf(instance.config, catalog);
      memory.take(map, query, known);
      if (moment) {
        timePanel ??= new TimePanel(name, page, (trail) => memory.heapMap.map.setTrail(trail));
        const ask = {mark: '?', title: 'Who lived here?'};
        memory.heapMap.picker ??= {...ask, pick: (address) => timePanel.tenants.pick(address, false)};
        memory.frameMap.picker ??= {...ask, pick: (address) => timePanel.tenants.pick(address, true)};
        await timePanel.show(moment);
        if (statistics.heap) askAges(moment);
      }
      const samples = remember(`instance ${instance.id}`,
        {time: time(now), operations, ...historyOf(statistics)});
      const perSecond = rate(samples);
      return [
        h('div', {class: 'head'}, h('span', {class: 'crumb'}, link('#/', 'Overview'), ' / instance ', instance.id),
          h('h1', {}, instance.name), configChips(instance.config, catalog), !moment && mayChange(instance.owner) && h('span', {'data-keep': 'instance-delete'}, !remove.isConnected && remove)),
        said.element,
        alarms(statistics.heap, statistics.pages),
        moment && h('p', {}, 'This is ', link(`#/runs/${moment.run}`, `run ${moment.run}`), ' as it was; nothing can change it.'),
        timePanel?.element,
        facts([...machineFacts(statistics, known, samples),
          ['Operations', short(operations), Number.isFinite(perSecond) ? `${short(Math.round(perSecond))} per second` : ' '],
          ['Memory of this host', bytes(number(statistics.host_bytes)), `for ${bytes(number(instance.config.ram_bytes))} of RAM`]]),
        operations === 0 && !moment && h('div', {class: 'panel empty'}, h('p', {}, 'Nothing has been allocated yet. Try:'),
          command(`alloclab malloc ${instance.name} 1000`), command(`alloclab load steady-state --instance ${instance.name}`)),
        memory.panels(),
        ages && panel('Live blocks by age', histogram(ages.blocks.counts.map(number), short, 'blocks', 'live'), 'operations since they were allocated'),
        !moment && pokeForm(Boolean(statistics.heap), instance.owner),
        history && historyStrip(history, Boolean(statistics.heap)),
        statisticsPanels(statistics, known),
        h('p', {class: 'muted small'}, `${count(operations)} operations · as text: `, h('code', {}, `alloclab instance show ${instance.name}`)),
      ];
    },
    mounted: (main) => memory.mount(main),
    close: () => live.close(),
  };
}
