// One machine: what it looks like now, and what it has cost so far.
import {get, instancePath, number, time} from '../api.js';
import {h} from '../dom.js';
import {bytes, count, short} from '../format.js';
import {rate, remember} from '../history.js';
import {MemoryView} from '../memory_view.js';
import {alarms, command, configChips, facts, link} from '../parts.js';
import {allocatorsOf, historyOf, machineFacts, statisticsPanels} from '../statistics.js';
import {TimePanel} from '../time_panel.js';

export function open(name, page) {
  const memory = new MemoryView(instancePath(name), page);
  let catalog = null, timePanel = null;
  return {
    title: name,
    async refresh(query) {
      catalog ??= await get('/api/catalog');
      const {instance, statistics, time: now, moment} = await get(instancePath(name));
      const operations = number(instance.operations), known = allocatorsOf(instance.config, catalog);
      await memory.refresh(query, known);
      if (moment) {
        timePanel ??= new TimePanel(name, page, (trail) => memory.heapMap.map.setTrail(trail));
        await timePanel.show(moment);
      }
      const samples = remember(`instance ${instance.id}`,
        {time: time(now), operations, ...historyOf(statistics)});
      const perSecond = rate(samples);
      return [
        h('div', {class: 'head'}, h('span', {class: 'crumb'}, link('#/', 'Overview'), ' / instance ', instance.id),
          h('h1', {}, instance.name), configChips(instance.config, catalog)),
        alarms(statistics.heap, statistics.pages),
        moment && h('p', {}, 'This is ', link(`#/runs/${moment.run}`, `run ${moment.run}`), ' as it was; nothing can change it.'),
        timePanel?.element,
        facts([...machineFacts(statistics, known, samples),
          ['Operations', short(operations), Number.isFinite(perSecond) ? `${short(Math.round(perSecond))} per second` : ' '],
          ['Memory of this host', bytes(number(statistics.host_bytes)), `for ${bytes(number(instance.config.ram_bytes))} of RAM`]]),
        operations === 0 && !moment && h('div', {class: 'panel empty'}, h('p', {}, 'Nothing has been allocated yet. Try:'),
          command(`alloclab malloc ${instance.name} 1000`), command(`alloclab load steady-state --instance ${instance.name}`)),
        memory.panels(),
        statisticsPanels(statistics, known),
        h('p', {class: 'muted small'}, `${count(operations)} operations · as text: `, h('code', {}, `alloclab instance show ${instance.name}`)),
      ];
    },
    mounted: (main) => memory.mount(main),
  };
}
