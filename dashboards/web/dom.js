// Elements from plain calls, and a morph that turns one tree into another in place, so that a refresh keeps focus, selection
// and scroll positions. Text goes in as text nodes only: nothing from the server is ever parsed as HTML.

const flat = (children) => children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);

function build(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith('on')) element[name] = value;
    else element.setAttribute(name, value === true ? '' : value);
  }
  element.append(...flat(children));
  return element;
}

export const h = (tag, attributes, ...children) => build(document.createElement(tag), attributes, children);
export const s = (tag, attributes, ...children) =>
  build(document.createElementNS('http://www.w3.org/2000/svg', tag), attributes, children);

const HANDLERS = ['onclick', 'onkeydown', 'onchange', 'oninput', 'onsubmit'];
const FIELDS = new Set(['INPUT', 'SELECT']);

function morphAttributes(old, fresh) {
  for (const {name} of [...old.attributes]) if (!fresh.hasAttribute(name)) old.removeAttribute(name);
  for (const {name, value} of fresh.attributes) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const handler of HANDLERS) old[handler] = fresh[handler];
}

// An element with data-keep belongs to a module of its own: its inside is left alone.
export function morph(old, fresh) {
  const kept = old.dataset?.keep !== undefined && old.dataset.keep === fresh.dataset?.keep;
  if (kept) return;
  if (old.nodeType !== fresh.nodeType || old.nodeName !== fresh.nodeName || old.dataset?.keep !== fresh.dataset?.keep) {
    old.replaceWith(fresh);
    return;
  }
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== fresh.data) old.data = fresh.data;
    return;
  }
  morphAttributes(old, fresh);
  const value = fresh.value;  // of a field: before its options go over
  morphChildren(old, [...fresh.childNodes]);
  // What a reader is typing is theirs.
  if (FIELDS.has(old.nodeName) && old !== document.activeElement && old.value !== value) old.value = value;
}

// `children` as for h(): nodes and texts, nested at will.
export function morphChildren(parent, children) {
  const fresh = flat(children).map((child) => (child instanceof Node ? child : document.createTextNode(child)));
  const old = [...parent.childNodes];
  fresh.forEach((node, i) => (i < old.length ? morph(old[i], node) : parent.append(node)));
  for (const extra of old.slice(fresh.length)) extra.remove();
}
