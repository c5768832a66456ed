// For an address that leads nowhere: which one, and where there is something.
import {get} from '../api.js';
import {h} from '../dom.js';
import {instanceLink, link, runLink} from '../parts.js';

const NAMES_SHOWN = 8;

const some = (items, more) => [items.map((item, i) => [i > 0 && ', ', item]), more && ' …'];

// `message` says what is not there.
export async function nodes(message) {
  const [, run] = /^#\/instances\/run-(\d+)$/.exec(location.hash) ?? [];
  if (run) {  // its machine is gone, or not yet there; the run is known
    location.replace(`#/runs/${run}`);
    return [];
  }
  const [{instances, next_page_token: moreInstances}, {runs, next_page_token: moreRuns}] = await Promise.all([
    get(`/api/instances?page_size=${NAMES_SHOWN}`), get(`/api/runs?page_size=${NAMES_SHOWN}`)]);
  const names = instances.map(({instance}) => instanceLink(instance.name)), numbers = runs.map(({id}) => runLink(id));
  return [h('div', {class: 'panel empty'}, h('h1', {}, 'Not here'), h('p', {role: 'alert'}, message), h('h2', {}, 'What there is'),
    h('ul', {},
      h('li', {}, link('#/', 'Overview')),
      h('li', {}, h('code', {}, '#/instances/NAME'), ': ', names.length > 0 ? some(names, moreInstances) : 'no instances yet'),
      h('li', {}, link('#/runs', 'Runs')),
      h('li', {}, h('code', {}, '#/runs/NUMBER'), ': ', numbers.length > 0 ? some(numbers, moreRuns) : 'no runs yet'),
      h('li', {}, link('#/catalog', 'Catalogue'))))];
}

export const open = (path) => ({title: 'Not here', refresh: () => nodes(`The page has nothing at #/${path}.`)});
