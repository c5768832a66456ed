// The frame of the page: which view is shown (from the address behind '#'), and the loop that refreshes it.
//
// A view is a module with  open(argument, page) -> {title, refresh(query)}, where refresh() resolves to the nodes to show and may be
// followed by mounted(main); close() when the view is left, hidden or paused. What a reader has chosen in a view (a range, a filter) stands in the address, behind '?': refresh() gets
// it, page.choose() changes it. One refresh at a time: a slow answer delays the next question. A view that is told of news by itself
// (live.js) asks for another one.
import {ApiError, get, number, time} from './api.js';
import {h, morphChildren} from './dom.js';
import {duration} from './format.js';
import {find} from './routes.js';
import * as signIn from './sign_in.js';
import * as notFound from './views/not_found.js';

const REFRESH_MS = 1000;
const main = document.getElementById('main');
const live = document.getElementById('live');
const offline = document.getElementById('offline');

let view = null;
let known = false;  // whether it was asked who is signed in
let place = {path: null, query: new URLSearchParams()};  // what the address says
let paused = false;
let timer = 0;
let turn = 0;         // of the view: answers for an older one are dropped
let asking = false;   // a refresh of this turn is under way
let stale = false;    // and what it shows has been overtaken: another follows at once
let server = null;    // what the server says of itself, and when it was asked
let serverAsked = -REFRESH_MS;

function readAddress() {
  const [, path, query] = /^#?\/?([^?]*)\??(.*)$/s.exec(location.hash);
  return {path, query: new URLSearchParams(query)};
}

const page = {
  redraw: () => refreshNow(),
  paused: () => paused || document.hidden,
  // changes: {name: value}; null takes a name out. As a step that Back undoes, unless it replaces the last one.
  choose(changes, {replace = false} = {}) {
    const query = new URLSearchParams(place.query);
    for (const [name, value] of Object.entries(changes)) {
      if (value === null || value === '') query.delete(name);
      else query.set(name, value);
    }
    const hash = `#/${place.path}${query.size > 0 ? `?${query}` : ''}`;
    if (hash === location.hash) return;
    history[replace ? 'replaceState' : 'pushState'](null, '', hash);
    place.query = query;
    refreshNow();
  },
};

function follow() {
  const next = readAddress();
  const same = next.path === place.path;
  place = next;
  if (same) return refreshNow();
  view?.close?.();
  const {module, argument, section} = find(place.path);
  view = module.open(argument, page);
  document.title = `${view.title} · alloclab`;
  for (const item of document.querySelectorAll('#sections a')) {
    if (item.getAttribute('href') === `#/${section}`) item.setAttribute('aria-current', 'page');
    else item.removeAttribute('aria-current');
  }
  morphChildren(main, [h('p', {class: 'muted'}, 'Loading…')]);
  ++turn;
  asking = false;
  return refreshNow();
}

// The same place on another server, which may call itself anything: its host is shown.
function linkTo(page) {
  const there = new URL(page);
  if (!['http:', 'https:'].includes(there.protocol)) return '';
  there.hash = `#/${place.path}`;
  return h('a', {href: there.href, rel: 'noreferrer'}, `Look at it on ${there.host}`);
}

async function showError(error) {
  if (error instanceof ApiError && error.code === 'UNREACHABLE') {
    offline.textContent = 'The server does not answer. Is alloclabd running? Trying again…';
    offline.hidden = false;
    return;
  }
  if (error.code === 'UNAUTHENTICATED') {
    known = false;
    offline.hidden = true;
    morphChildren(main, signIn.nodes(refreshNow));
    return;
  }
  serverAsked = -REFRESH_MS;
  const mine = turn;
  const nodes = error.code === 'NOT_FOUND' ? await notFound.nodes(error.message).catch(() => [error.message])
    : [h('div', {class: 'panel empty'}, h('h1', {}, 'That did not work'), h('p', {role: 'alert'}, error.message),
      error.page ? h('p', {}, linkTo(error.page)) : null, h('p', {}, h('a', {href: `#/${place.path}`}, 'Try it without what was chosen'), ' · ', h('a', {href: '#/'}, 'Overview')))];
  if (mine === turn) morphChildren(main, nodes);
}

async function askServer() {
  if (server && performance.now() - serverAsked < REFRESH_MS / 2) return;
  serverAsked = performance.now();
  server = await get('/api/server');
}

// Lets the browser draw what there is, and hear its reader, before the rest is done.
const breath = () => new Promise((done) => { setTimeout(done); });

async function refresh(mine) {
  const shown = view;
  asking = true;
  stale = false;
  try {
    if (!known) await signIn.showSession(refreshNow);
    known = true;
    const [nodes] = await Promise.all([shown.refresh(place.query), askServer()]);
    if (mine !== turn) return;
    offline.hidden = true;
    morphChildren(main, nodes);
    await breath();
    if (mine !== turn) return;
    shown.mounted?.(main);
    showServer(server);
  } catch (error) {
    if (mine !== turn) return;
    if (!(error instanceof ApiError)) console.error(error);
    await showError(error);
  }
  if (mine !== turn) return;
  asking = false;
  if (stale) refreshNow();
  else if (!paused) timer = setTimeout(() => !document.hidden && refreshNow(), REFRESH_MS);
}

function refreshNow() {
  clearTimeout(timer);
  if (asking) stale = true;
  else refresh(turn);
}

function showServer({server: info, time: now, prometheus_url: prometheus, grafana_url: grafana}) {
  const elsewhere = (name, url, flag) => (/^https?:\/\//.test(url)
    ? h('a', {href: url, target: '_blank', rel: 'noopener noreferrer'}, name)
    : h('span', {title: `Not configured: start the server with ${flag} URL`}, name));
  morphChildren(document.getElementById('elsewhere'), [
    elsewhere('Grafana', grafana && grafana.replace(/\/$/, '') + find(place.path).graphs, '--grafana-url'),
    elsewhere('Prometheus', prometheus, '--prometheus-url'),
    elsewhere('/metrics', info.metrics_url, '--metrics-listen')]);
  morphChildren(document.getElementById('about'), [
    `alloclab ${info.version} (${info.commit}) · ${info.build} · cost model ${info.cost_model} · up ${duration(time(now) - time(info.start_time))}`
      + ` · ${number(info.instances)} of at most ${number(info.instances_max).toLocaleString('en-US')} instances`]);
}

function togglePause() {
  paused = !paused;
  live.setAttribute('aria-pressed', String(!paused));
  live.textContent = paused ? 'Paused' : 'Live';
  if (!paused) return refreshNow();
  clearTimeout(timer);
  view.close?.();
}

live.addEventListener('click', togglePause);
addEventListener('keydown', (event) => {
  if (event.key === ' ' && event.target === document.body) {
    event.preventDefault();
    togglePause();
  }
});
addEventListener('popstate', () => {  // Back, Forward, a link within the page
  const before = place.path;
  follow();
  if (place.path === before) return;
  main.focus({preventScroll: true});
  scrollTo(0, 0);
});
document.addEventListener('visibilitychange', () => {
  if (document.hidden) view.close?.();
  else if (!paused) refreshNow();
});
follow();
