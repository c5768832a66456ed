// Which address of the page (behind '#/') is which view.
import * as catalog from './views/catalog.js';
import * as compare from './views/compare.js';
import * as instance from './views/instance.js';
import * as notFound from './views/not_found.js';
import * as overview from './views/overview.js';
import * as run from './views/run.js';
import * as runs from './views/runs.js';
import * as step from './views/step.js';

// section: the entry of the menu that the view belongs to.
const ROUTES = [
  {pattern: /^$/, module: overview, section: ''}, {pattern: /^instances\/([^/]+)$/, module: instance, section: ''},
  {pattern: /^runs$/, module: runs, section: 'runs'}, {pattern: /^runs\/(\d+)$/, module: run, section: 'runs'},
  {pattern: /^step\/(\d+\/\d+)$/, module: step, section: 'compare'},
  {pattern: /^compare$/, module: compare, section: 'compare'},
  {pattern: /^catalog$/, module: catalog, section: 'catalog'},
];

export function find(path) {
  for (const {pattern, module, section} of ROUTES) {
    const match = pattern.exec(path);
    if (!match) continue;
    try {
      return {module, argument: decodeURIComponent(match[1] ?? ''), section};
    } catch {
      break;  // a bad escape names nothing
    }
  }
  return {module: notFound, argument: path, section: null};
}
