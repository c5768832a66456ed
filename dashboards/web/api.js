// The server's JSON: protobuf's mapping, so numbers of 64 bits arrive as strings; number() takes both.

export class ApiError extends Error {
  constructor(code, message, page = '') {
    super(message);
    this.code = code;  // a gRPC status code's name, or UNREACHABLE
    this.page = page;  // of another server that has what was asked for; empty: none has
  }
}

const TIMEOUT_MS = 8000;

async function ask(method, path, {signal, headers = {}, file, within = TIMEOUT_MS} = {}) {
  const signals = [signal, within === Infinity ? null : AbortSignal.timeout(within)].filter(Boolean);
  let response, body;
  try {
    response = await fetch(path, {method, headers, body: file, signal: AbortSignal.any(signals), cache: 'no-store'});
    // An answer may stop in the middle; what says that something is wrong may be no JSON, of a proxy for example.
    body = await response.json().catch((error) => (response.ok ? Promise.reject(error) : {}));
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError('UNREACHABLE', 'The server does not answer.');
  }
  if (!response.ok) throw new ApiError(body.code || 'UNKNOWN', body.message || `HTTP ${response.status}`, body.page);
  return body;
}

export const get = (path, signal) => ask('GET', path, {signal});
// What takes long to find out, and no longer than so many milliseconds.
export const getWithin = (path, within) => ask('GET', path, {within});
// Changes something: the values stand in the address, a token never does.
export const post = (path, token) => ask('POST', path, {headers: token === undefined ? {} : {Authorization: `Bearer ${token}`}});
// Brings a file, however long that takes.
export const postFile = (path, file) => ask('POST', path, {file, within: Infinity});

// {page_size: 50, label: 'a b'} -> "page_size=50&label=a%20b", as the server reads it: there "+" is a plus.
export const query = (values) => Object.entries(values).map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');

export const number = (value) => Number(value ?? 0);
export const instancePath = (name) => `/api/instances/${encodeURIComponent(name)}`;
export const runPath = (id) => `/api/runs/${encodeURIComponent(id)}`;

// Milliseconds of a timestamp such as "2026-01-02T03:04:05.678Z"; NaN when absent.
export const time = (timestamp) => Date.parse(timestamp ?? '');
