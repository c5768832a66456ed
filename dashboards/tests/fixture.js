// What all tests of the page share: a lab, a browser, and runs and instances to look at. page_test.js starts and ends it.
import {Browser} from './browser.js';
import {Lab} from './lab.js';

const [, , alloclabd, alloclab, chromium] = process.argv;
export const lab = new Lab(alloclabd, alloclab);
export const browser = new Browser();
export const runs = {};  // numbers of runs by what is special about them; moment: the name of an opened one

// Complaints that are the answer to what a test did on purpose.
const EXPECTED = ['/instances/nobody', '/instances/run-', '/instances/far', '/instances/bad', '/instances/worse', '/instances/two', 'to=x', 'ram=3', '401'];
export const surprises = () => browser.complaints.filter((text) => !EXPECTED.some((part) => text.includes(part)));

export async function start() {
  await Promise.all([lab.start(), browser.start(chromium)]);
}

// The same operations on two allocators, others for which the machine is too small, and an instance to look at.
export async function fill() {
  runs.first = await lab.finish('steady-state', '--operations', '20000');
  runs.second = await lab.finish('steady-state', '--operations', '20000', '--heap-allocator', 'tlsf');
  runs.small = await lab.finish('ramp-and-drain', '--operations', '60000', '--ram', '1Mi');
  await lab.run('instance', 'create', 'drawn', '--ram', '16Mi');
  await lab.run('load', 'steady-state', '--instance', 'drawn', '--operations', '30000');
}

export async function close() {
  await browser.close();
  await lab.close();
}
