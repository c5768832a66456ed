// What is found by replaying a whole run: on an opened run of its own, so that the one that is looked at stays where it is.
import {instancePath, number, post, runPath} from './api.js';
import {h, morphChildren} from './dom.js';
import {count} from './format.js';

export class RunSearch {
  // seek(operation): the reader wants to see that moment. action: of the opened run, at the server. draw(found): what to show of an
  // answer, which may be of a part of the run.
  constructor(seek, {action, draw}) {
    Object.assign(this, {seek, action, draw, busy: false, element: h('div', {class: action})});
  }

  // query: what of, as "?address=12". The server looks for a second per request, and keeps what it found until the run is closed.
  async find(run, query = '') {
    if (this.busy) return;
    this.busy = true;
    let opened = null;
    try {
      opened = instancePath((await post(`${runPath(run)}/open?operation=0`)).instance);
      for (;;) {
        const found = await post(`${opened}/${this.action}${query}`);
        this.show(found);
        if (!this.element.isConnected || number(found.looked_at) === number(found.operations)) break;
      }
    } catch (error) {
      morphChildren(this.element, [h('p', {class: 'muted small', role: 'status'}, error.message)]);
    }
    if (opened) await post(`${opened}/close`).catch(() => {});  // it may be closed already
    this.busy = false;
  }

  operation(number_) {
    const operation = number(number_);
    return operation === 0 ? '–' : h('button', {type: 'button', class: 'plain', title: 'Go there', onclick: () => this.seek(operation)}, count(operation));
  }

  show(found) {
    const looked = number(found.looked_at), operations = number(found.operations);
    morphChildren(this.element, [
      looked < operations && h('p', {class: 'muted small', role: 'status'}, `looking: at operation ${count(looked)} of ${count(operations)} …`),
      h('ul', {class: 'found'}, found.sentences.map((sentence) => h('li', {}, sentence))), ...this.draw(found, this)]);
  }
}
