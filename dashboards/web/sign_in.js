// Signing in to a lab that asks for tokens. The server keeps the token out of reach of scripts: it answers with a cookie.
import {get, post} from './api.js';
import {h, morphChildren} from './dom.js';

const place = document.getElementById('session');
const ROLES = ['viewer', 'user', 'admin'];

let session = {tokens_in_force: false, token: '', role: ''};

// Whether whoever is signed in has that role or a higher one: what others may not do is not offered. The server decides.
export const may = (role) => !session.tokens_in_force || ROLES.indexOf(session.role) >= ROLES.indexOf(role);
// Likewise whether he may change what belongs to `owner`.
export const mayChange = (owner) => may('admin') || (may('user') && session.token === owner);

// Where there are tokens: who is signed in, and the way out.
export async function showSession(done) {
  session = await get('/api/session');
  const {token, role} = session;
  morphChildren(place, token === '' ? [] : [
    h('span', {}, `${token} (${role})`),
    h('button', {type: 'button', onclick: async () => {
      await post('/api/session/close');
      morphChildren(place, []);
      done();
    }}, 'Sign out')]);
}

// The form; `done` is called when it has succeeded.
export function nodes(done) {
  const field = h('input', {type: 'password', id: 'token', autocomplete: 'off', spellcheck: 'false', required: true});
  const trouble = h('p', {role: 'alert'});
  const submit = async (event) => {
    event.preventDefault();  // the address of the page must not get the token
    trouble.textContent = '';
    try {
      await post('/api/session/open', field.value.trim());
      field.value = '';
      await showSession(done);
      done();
    } catch (error) {
      trouble.textContent = error.message;
    }
  };
  morphChildren(place, []);
  return [h('form', {class: 'panel empty', 'data-keep': 'sign-in', onsubmit: submit},
    h('h1', {}, 'Sign in'),
    h('p', {}, 'This lab lets in only those who have a token. Whoever runs it makes one with ', h('code', {}, 'alloclabd token create'), '.'),
    h('div', {class: 'filters'}, h('label', {}, 'Token', field), h('button', {type: 'submit'}, 'Sign in')),
    trouble)];
}
