// Which address of the page (behind '#/') is which view.
import * as catalog from './views/catalog.js';
import * as compare from './views/compare.js';
import * as instance from './views/instance.js';
import * as notFound from './views/not_found.js';
import * as overview from './views/overview.js';
import * as run from './views/run.js';
import * as runs from './views/runs.js';
import * as step from './views/step.js';

const graphs = (dashboard, values) => `/d/alloclab-${dashboard}?${new URLSearchParams(values)}`;

// section: the entry of the menu that the view belongs to. graphs: of what the view shows, in Grafana.
const ROUTES = [
  {pattern: /^$/, module: overview, section: ''}, {pattern: /^instances\/([^/]+)$/, module: instance, section: '',
    graphs: (name) => graphs('instance', {'var-lab_instance': name})},
  {pattern: /^runs$/, module: runs, section: 'runs'}, {pattern: /^runs\/(\d+)$/, module: run, section: 'runs',
    graphs: (number) => graphs('instance', {'var-lab_instance': `run-${number}`})},
  {pattern: /^step\/(\d+\/\d+)$/, module: step, section: 'compare',
    graphs: (pair) => graphs('side-by-side', {'var-left': `run-${pair.split('/')[0]}`, 'var-right': `run-${pair.split('/')[1]}`})},
  {pattern: /^compare$/, module: compare, section: 'compare'},
  {pattern: /^catalog$/, module: catalog, section: 'catalog'},
];

export function find(path) {
  for (const {pattern, module, section, graphs: graphsOf} of ROUTES) {
    const match = pattern.exec(path);
    if (!match) continue;
    try {
      const argument = decodeURIComponent(match[1] ?? '');
      return {module, argument, section, graphs: graphsOf?.(argument) ?? ''};
    } catch {
      break;  // a bad escape names nothing
    }
  }
  return {module: notFound, argument: path, section: null, graphs: ''};
}
