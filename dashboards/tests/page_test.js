// The web page in a real browser, on a real server with real runs; one process, one browser, one view after the other.
//
//   node page_test.js ALLOCLABD ALLOCLAB CHROMIUM
//
// UPDATE_PICTURES=1 in the environment takes what is drawn now for what is expected (pictures/).
import assert from 'node:assert/strict';
import {after, afterEach, before, test} from 'node:test';
import {browser, close, start, surprises} from './fixture.js';

before(start);
after(close);
afterEach(async (context) => context.passed === false && console.log(await browser.state().catch(String)));
// In this order: the first look at a lab in which nothing is, the last at one that lets nobody in without a token.
await import('./empty_tests.js');
await import('./instance_tests.js');
await import('./map_tests.js');
await import('./runs_tests.js');
await import('./time_tests.js');
await import('./compare_tests.js');
await import('./picture_tests.js');
await import('./axe_tests.js');
await import('./routes_tests.js');
await import('./shared_lab_tests.js');
await import('./sign_in_tests.js');
test('neither the page nor Chromium complained', () => assert.deepEqual(surprises(), []));
