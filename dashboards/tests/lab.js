// A real server on free ports of loopback, with a data directory of its own, and its command line.
import {execFile, spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';
import {promisify} from 'node:util';

const START_MS = 60_000;
const COMMAND_MS = 120_000;
const UNTIL_MS = 30_000;

export class Lab {
  // Both are paths of programs.
  constructor(alloclabd, alloclab) {
    Object.assign(this, {alloclabd, alloclab});
    this.folder = mkdtempSync(join(tmpdir(), 'alloclab-page-'));
    this.data = join(this.folder, 'data');
  }

  // options: of alloclabd, beside those that it needs
  async start(...options) {
    const addresses = join(this.folder, 'addresses'), here = '127.0.0.1:0';
    this.process = spawn(this.alloclabd, ['--listen', here, '--web-listen', here, '--metrics-listen', here, '--data-dir', this.data,
      '--address-file', addresses, '--prometheus-url', 'http://127.0.0.1:7414', '--grafana-url', 'http://127.0.0.1:3000', '--log-level', 'error', ...options],
    {stdio: 'inherit'});
    for (const deadline = Date.now() + START_MS; !existsSync(addresses); await sleep(50)) {
      if (this.process.exitCode !== null || Date.now() > deadline) throw new Error(`${this.alloclabd} did not start`);
    }
    const bound = Object.fromEntries(readFileSync(addresses, 'utf8').trim().split('\n').map((line) => line.split(' ')));
    this.grpc = bound.grpc;
    this.web = `http://${bound.web}`;
  }

  // What the command says.
  async run(...words) {
    const {stdout} = await promisify(execFile)(this.alloclab, ['--server', this.grpc, ...words], {timeout: COMMAND_MS});
    return stdout.trim();
  }

  // The number of a run that was begun.
  async submit(...words) {
    return (await this.run('submit', ...words, '--detach', '--quiet')).split(/\s+/).at(-1);
  }

  // The number of a run that has ended.
  async finish(...words) {
    const number = await this.submit(...words);
    await this.run('runs', 'watch', number);
    return number;
  }

  // The name of an instance that shows the run after that operation.
  openRun(number, operation) {
    return this.run('runs', 'open', number, '--at', String(operation), '--quiet');
  }

  // A load that goes on until it is stopped.
  load(...words) {
    const load = spawn(this.alloclab, ['--server', this.grpc, 'load', ...words], {stdio: 'ignore'});
    return {stop: () => ended(load, 'SIGTERM')};
  }

  // Until what is asked is true.
  async until(question) {
    for (const deadline = Date.now() + UNTIL_MS; !await question(); await sleep(50)) {
      if (Date.now() > deadline) throw new Error(`not within ${UNTIL_MS / 1000} s: ${question}`);
    }
  }

  // path: what stands behind '#/'.
  url(path) {
    return `${this.web}/#/${path}`;
  }

  async close() {
    await ended(this.process, 'SIGTERM');
    rmSync(this.folder, {recursive: true, force: true});
  }
}

function ended(process, signal) {
  if (process.exitCode !== null || process.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    process.once('exit', resolve);
    process.kill(signal);
  });
}
