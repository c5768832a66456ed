// Debian's Chromium with one page, driven by Playwright.
import {setTimeout as sleep} from 'node:timers/promises';
import {chromium} from 'playwright-core';

export const WIDE = {width: 1400, height: 1000}, NARROW = {width: 360, height: 800};  // NARROW: a small telephone
const PATIENCE_MS = 30_000;

export class Browser {
  async start(program) {
    this.browser = await chromium.launch({executablePath: program, args: ['--disable-gpu', '--disable-dev-shm-usage'], chromiumSandbox: false});
    this.page = await this.browser.newPage({viewport: WIDE, colorScheme: 'light', reducedMotion: 'reduce', deviceScaleFactor: 1});
    this.page.setDefaultTimeout(PATIENCE_MS);
    this.complaints = [];  // of the page and of Chromium about it
    this.page.on('pageerror', (error) => this.complaints.push(String(error)));
    this.page.on('console', (message) => ['error', 'warning', 'assert'].includes(message.type())
      && this.complaints.push(`${message.text()} ${message.location().url}`));
  }

  // A new document, so that nothing of the last one is taken for the new one's.
  async open(url) {
    await this.page.goto('about:blank');
    await this.page.goto(url);
    await this.page.locator('main h1').waitFor();
  }

  async look(size, colorScheme) {
    await this.page.setViewportSize(size);
    await this.page.emulateMedia({colorScheme});
  }

  // Until the function, called in the page, answers something true: that. (The page's own policy forbids Playwright's waitForFunction.)
  async until(what, argument) {
    for (const deadline = Date.now() + PATIENCE_MS; ; await sleep(50)) {
      const value = await this.page.evaluate(what, argument);
      if (value) return value;
      if (Date.now() > deadline) {
        throw new Error(`not within ${PATIENCE_MS / 1000} s: ${what} of ${argument}\n${await this.state()}`);
      }
    }
  }

  says(text) {
    return this.until((expected) => document.querySelector('main')?.innerText.includes(expected), text);
  }

  at(hash) {
    return this.until((expected) => location.hash === expected, hash);
  }

  // Until the value that the function reads in the page is another than it was.
  changes(read, before, argument) {
    return this.until(`(() => { const now = (${read})(${JSON.stringify(argument)}); return now !== ${JSON.stringify(before)} && now; })()`);
  }

  // Where the page is and what it says, for whoever reads of a failure.
  state() {
    return this.page.evaluate(() => [location.href, `focus on ${document.activeElement?.outerHTML.slice(0, 100)}`,
      document.hasFocus() ? '' : 'without focus itself', document.body.innerText.slice(0, 1500)].filter(Boolean).join('\n'));
  }

  close() {
    return this.browser?.close();
  }
}

// The picture of the heap map, null before there is one.
export const picture = () => document.querySelector('canvas[aria-label="Heap map"]')?.toDataURL() ?? null;
