// The command that does a run again, as the command line prints it.
import {number} from './api.js';
import {changedParameters} from './parts.js';

const quoted = (text) => (/^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

// The shortest exact spelling of a number of bytes: 536870912 -> "512Mi".
function quantity(value) {
  for (const [unit, size] of [['Gi', 2 ** 30], ['Mi', 2 ** 20], ['Ki', 2 ** 10]]) {
    if (value !== 0 && value % size === 0) return `${value / size}${unit}`;
  }
  return String(value);
}

function configArguments(config, catalog) {
  const changed = changedParameters(config, catalog);
  const machine = number(config.ram_bytes) > 0 ? ['--ram', quantity(number(config.ram_bytes)), '--page-allocator', config.page_allocator] : [];
  return [...machine, '--heap-allocator', config.heap_allocator,
    ...(config.unguarded ? ['--unguarded'] : []), ...changed.flatMap(([name, value]) => ['--param', `${name}=${value}`])];
}

export function reproducingCommand(run, catalog) {
  const {builtin, spec, trace_sha256: sha256} = run.workload;
  const exact = run.result?.exact;
  const words = [builtin ? builtin.name : spec ? '-' : `sha256:${sha256}`];
  if (number(builtin?.operations) > 0) words.push('--operations', builtin.operations);
  if (exact && exact.seed !== '0' && !sha256) words.push('--seed', exact.seed);
  words.push(...configArguments(exact?.config ?? run.config, catalog));
  if (run.digest_at) words.push('--digest-at', run.digest_at);
  return `${spec ? `alloclab runs show ${run.id} --workload | ` : ''}alloclab submit ${words.map(quoted).join(' ')}`;
}
