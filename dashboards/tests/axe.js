// axe-core, Deque's rules of accessibility, on what the page shows now.
import {readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {browser} from './fixture.js';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

const OF_COLORS = ['color-contrast', 'link-in-text-block'];

// One line for each element that breaks a rule, in both schemes: in the dark one only rules of colours can be broken anew.
export async function complaintsOfAxe(size) {
  await browser.look(size, 'light');
  const found = await complain(null);
  await browser.look(size, 'dark');
  const inTheDark = await complain(OF_COLORS);
  await browser.look(size, 'light');
  return [...found, ...inTheDark.map((line) => `dark: ${line}`)];
}

async function complain(rules) {
  if (!await browser.page.evaluate(() => 'axe' in window)) await browser.page.evaluate(AXE);
  return browser.page.evaluate(async (only) => {
    const {violations} = await window.axe.run({resultTypes: ['violations'], ...(only && {runOnly: only})});
    return violations.flatMap(({id, help, nodes}) => nodes.map(({target, any, html}) =>
      `${id}: ${help}: ${target.join(' ')} ${any[0]?.message ?? ''} ${html.slice(0, 160)}`));
  }, rules);
}
