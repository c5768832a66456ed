// Every view of the page, by name: what stands behind '#/'. For tests that look at all of them.
import {runs} from './fixture.js';

export const VIEWS = () => ({
  overview: '', instance: 'instances/drawn', zoomed: 'instances/drawn?from=0xc0400000&to=0xc0440000', broken: 'instances/wrecked', runs: 'runs',
  run: `runs/${runs.first}`, cancelled: `runs/${runs.slow}`, step: `step/${runs.first}/${runs.second}`, moment: `instances/${runs.moment}`,
  compare: 'compare?label=side', catalog: 'catalog', 'not found': 'nowhere'});
