// The frame of the page: which view is shown (from the address behind '#'), and the loop that refreshes it.
//
// A view is a module with  open(argument, redraw) -> {title, refresh()}, where refresh() resolves to the nodes to show and may be
// followed by mounted(main). One refresh at a time: a slow answer delays the next question.
import {ApiError, get, number, time} from './api.js';
import {h, morphChildren} from './dom.js';
import {duration} from './format.js';
import {link} from './parts.js';
import * as catalog from './views/catalog.js';
import * as instance from './views/instance.js';
import * as overview from './views/overview.js';
import * as run from './views/run.js';
import * as runs from './views/runs.js';

const REFRESH_MS = 1000;
const main = document.getElementById('main');
const live = document.getElementById('live');
const offline = document.getElementById('offline');

const ROUTES = [
  [/^$/, overview], [/^instances\/([^/]+)$/, instance], [/^runs$/, runs], [/^runs\/(\d+)$/, run], [/^catalog$/, catalog],
];

let view = null;
let paused = false;
let timer = 0;
let turn = 0;  // refreshes of an older turn are dropped

function openView() {
  const path = location.hash.replace(/^#\/?/, '');
  const [pattern, module] = ROUTES.find(([route]) => route.test(path)) ?? ROUTES[0];
  let argument = '';
  try {
    argument = decodeURIComponent(pattern.exec(path)?.[1] ?? '');
  } catch { /* a bad escape names nothing */ }
  view = module.open(argument, refreshNow);
  document.title = `${view.title} · alloclab`;
  for (const item of document.querySelectorAll('#sections a')) {
    const here = item.getAttribute('href') === `#/${path.split('/')[0] === 'instances' ? '' : path.split('/')[0]}`;
    if (here) item.setAttribute('aria-current', 'page');
    else item.removeAttribute('aria-current');
  }
  morphChildren(main, [h('p', {class: 'muted'}, 'Loading…')]);
  refreshNow();
}

function showError(error) {
  if (error instanceof ApiError && error.code === 'UNREACHABLE') {
    offline.textContent = 'The server does not answer. Is alloclabd running? Trying again…';
    offline.hidden = false;
    return;
  }
  morphChildren(main, [h('div', {class: 'panel empty'}, h('h1', {}, error.code === 'NOT_FOUND' ? 'Not here' : 'That did not work'),
    h('p', {}, error.message), h('p', {}, link('#/', 'Back to the overview')))]);
}

async function refresh(mine) {
  const shown = view;
  try {
    const [nodes, info] = await Promise.all([shown.refresh(), get('/api/server')]);
    if (mine !== turn) return;
    offline.hidden = true;
    morphChildren(main, nodes);
    shown.mounted?.(main);
    showServer(info);
  } catch (error) {
    if (mine !== turn) return;
    if (!(error instanceof ApiError)) console.error(error);
    showError(error);
  }
  if (!paused) timer = setTimeout(() => (document.hidden ? undefined : refresh(mine)), REFRESH_MS);
}

function refreshNow() {
  clearTimeout(timer);
  refresh(++turn);
}

function showServer({server, time: now, prometheus_url: prometheus, grafana_url: grafana}) {
  const elsewhere = (name, url, flag) => (/^https?:\/\//.test(url)
    ? h('a', {href: url, target: '_blank', rel: 'noopener noreferrer'}, name)
    : h('span', {title: `Not configured: start the server with ${flag} URL`}, name));
  morphChildren(document.getElementById('elsewhere'), [
    elsewhere('Grafana', grafana, '--grafana-url'), elsewhere('Prometheus', prometheus, '--prometheus-url'),
    elsewhere('/metrics', server.metrics_url, '--metrics-listen')]);
  morphChildren(document.getElementById('about'), [
    `alloclab ${server.version} (${server.commit}) · ${server.build} · cost model ${server.cost_model} · up ${duration(time(now) - time(server.start_time))}`
      + ` · ${number(server.instances)} of at most ${number(server.instances_max).toLocaleString('en-US')} instances`]);
}

function togglePause() {
  paused = !paused;
  live.setAttribute('aria-pressed', String(!paused));
  live.textContent = paused ? 'Paused' : 'Live';
  if (paused) clearTimeout(timer);
  else refreshNow();
}

live.addEventListener('click', togglePause);
addEventListener('keydown', (event) => {
  if (event.key === ' ' && event.target === document.body) {
    event.preventDefault();
    togglePause();
  }
});
addEventListener('hashchange', () => {
  openView();
  main.focus({preventScroll: true});
  scrollTo(0, 0);
});
document.addEventListener('visibilitychange', () => !document.hidden && !paused && refreshNow());
openView();
