// What a machine looks like now: by a stream of server-sent events that tells what has changed, for as long as there is one;
// otherwise by asking. web.proto and server/web/message_delta.h say what comes.
import {ApiError, get} from './api.js';

const AGAIN_MS = 10000;  // after a stream that could not be had or has ended
const BEGIN_MS = 3000;   // for its first events

const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

// What `change` makes of `old`, which stays as it is: {"3": [7, 8]} on a list are elements, null takes a field away.
export function patched(old, change) {
  if (Array.isArray(old) && isObject(change)) {
    const list = [...old];
    for (const [index, values] of Object.entries(change)) values.forEach((value, i) => (list[Number(index) + i] = value));
    return list;
  }
  if (!isObject(old) || !isObject(change)) return change;
  const object = {...old};
  for (const [name, value] of Object.entries(change)) {
    if (value === null) delete object[name];
    else object[name] = patched(object[name], value);
  }
  return object;
}

export class LiveMachine {
  // base: "/api/instances/demo" or "/api/runs/7"; page: as of main.js, redrawn when something new has come.
  constructor(base, page) {
    Object.assign(this, {base, page, figures: null, map: null, source: null, name: '', asked: '', next: 0});
  }

  // The newest {detail, map}; question: of the map. Errors as of get().
  async read(question) {
    if (!this.source && performance.now() >= this.next && !this.page.paused()) this.open(question);
    if (this.source) {
      await this.begun;
      if (question !== this.asked && this.source) this.steer(question);
      const detail = this.figures?.instance ?? this.figures?.run;
      if (detail?.moment) this.close(Infinity);  // changes only when somebody goes elsewhere, and then at once
      else if (this.map) return {detail, map: this.map};
    }
    const [detail, map] = await Promise.all([get(this.base), get(`${this.base}/map?${question}`)]);
    return {detail, map};
  }

  open(question) {
    this.asked = question;
    this.source = new EventSource(`${this.base}/live?${question}`);
    this.begun = new Promise((resolve) => (this.started = resolve));
    setTimeout(this.started, BEGIN_MS);
    const on = (event, take) => this.source.addEventListener(event, (message) => {
      this.name ||= message.lastEventId;
      take(JSON.parse(message.data));
    });
    on('figures', (figures) => (this.figures = figures));
    on('figures-change', (change) => this.changed('figures', change));
    on('map', (map) => {
      this.map = map;
      this.started();
    });
    on('map-change', (change) => this.changed('map', change));
    on('end', () => this.close(AGAIN_MS));
    this.source.onerror = () => this.close(AGAIN_MS);
  }

  changed(part, change) {
    this[part] = patched(this[part], change);
    this.page.redraw();
  }

  // Another part of the heap, by the stream that there is. A stream that has ended meanwhile closes by itself.
  steer(question) {
    this.asked = question;
    get(`/api/live/${this.name}?${question}`).catch((error) => {
      if (!(error instanceof ApiError)) throw error;
      this.close(0);
    });
  }

  // again: after so many milliseconds there may be another stream.
  close(again = 0) {
    this.source?.close();
    this.started?.();
    Object.assign(this, {source: null, figures: null, map: null, name: '', next: performance.now() + again});
  }
}
