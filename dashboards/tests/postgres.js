// Debian's PostgreSQL on a folder of its own, reached by a socket in it alone.
import {execFileSync, spawn} from 'node:child_process';
import {chmodSync, chownSync, existsSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {setTimeout as sleep} from 'node:timers/promises';

const START_MS = 30_000;
const DEBIAN = '/usr/lib/postgresql';

export class Postgres {
  // The folder of its programs; undefined: it is not installed.
  static programs() {
    const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort() : [];
    return versions.map((version) => join(DEBIAN, version, 'bin')).filter((path) => existsSync(join(path, 'initdb'))).at(-1);
  }

  async start() {
    this.folder = mkdtempSync(join(tmpdir(), 'alloclab-page-postgres-'));
    this.user = [];
    if (process.getuid() === 0) {  // it refuses to be root
      const number = (flag) => Number(execFileSync('id', [flag, 'postgres'], {encoding: 'utf8'}));
      chownSync(this.folder, number('-u'), number('-g'));
      this.user = ['setpriv', '--reuid=postgres', '--regid=postgres', '--clear-groups'];
    }
    chmodSync(this.folder, 0o700);
    const data = join(this.folder, 'data');
    this.run('initdb', '--pgdata', data, '--username=alloclab', '--auth=trust', '--no-sync', '--no-locale');
    const [program, ...words] = [...this.user, this.path('postgres'), '-D', data, '-k', this.folder, '-c', 'listen_addresses='];
    this.process = spawn(program, words, {cwd: '/', stdio: 'ignore'});
    for (const deadline = Date.now() + START_MS; ; await sleep(100)) {
      try {
        this.run('pg_isready', '-q', '-h', this.folder);
        return;
      } catch (error) {
        if (Date.now() > deadline) throw error;
      }
    }
  }

  path(program) {
    return join(Postgres.programs(), program);
  }

  run(program, ...words) {
    const [first, ...rest] = [...this.user, this.path(program), ...words];
    execFileSync(first, rest, {cwd: '/', stdio: 'ignore'});
  }

  get url() {
    return `postgresql://alloclab@${encodeURIComponent(this.folder)}/postgres`;
  }

  async close() {
    await new Promise((resolve) => {
      this.process.once('exit', resolve);
      this.process.kill('SIGQUIT');
    });
    rmSync(this.folder, {recursive: true, force: true});
  }
}
