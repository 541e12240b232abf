import { CliError, EXIT } from './failure.ts';
import { type Fields, isFields, textOf } from './fields.ts';
import type { HttpAnswer, HttpRequest, Io } from './io.ts';

type Query = Readonly<Record<string, string | number | undefined>>;

/** Most answers come at once; a backup or a rebuild may take minutes. */
const TIMEOUT_MS = 30_000;
export const LONG_MS = 30 * 60_000;

/** The admin API of one gateway. Throws CliError with one sentence for everything that can go wrong. */
export class AdminClient {
  readonly url: string;
  readonly #io: Pick<Io, 'http' | 'command'>;
  readonly #token: string | null;

  constructor(io: Pick<Io, 'http' | 'command'>, url: string, token: string | null) {
    this.#io = io;
    this.url = url;
    this.#token = token;
  }

  get(path: string, query: Query = {}): Promise<Fields> {
    return this.#send({ method: 'GET', url: this.#target(path, query), body: null, timeoutMs: TIMEOUT_MS });
  }

  post(path: string, body: object, timeoutMs = TIMEOUT_MS): Promise<Fields> {
    return this.#send({ method: 'POST', url: new URL(this.url + path), body: JSON.stringify(body), timeoutMs });
  }

  put(path: string, body: object): Promise<Fields> {
    const url = new URL(this.url + path);
    return this.#send({ method: 'PUT', url, body: JSON.stringify(body), timeoutMs: TIMEOUT_MS });
  }

  delete(path: string, query: Query = {}): Promise<Fields> {
    return this.#send({ method: 'DELETE', url: this.#target(path, query), body: null, timeoutMs: TIMEOUT_MS });
  }

  /** Every entry of a list that comes in pages, page by page. */
  async *pages(path: string, query: Query): AsyncGenerator<Fields> {
    let cursor: string | undefined;
    do {
      const page: Fields = await this.get(path, { ...query, cursor });
      yield page;
      cursor = typeof page.cursor === 'string' ? page.cursor : undefined;
    } while (cursor !== undefined);
  }

  #target(path: string, query: Query): URL {
    const target = new URL(this.url + path);
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.set(name, String(value));
    }
    return target;
  }

  async #send(wanted: Pick<HttpRequest, 'method' | 'url' | 'body' | 'timeoutMs'>): Promise<Fields> {
    const headers: Record<string, string> = { accept: 'application/json, application/problem+json' };
    if (wanted.body !== null) headers['content-type'] = 'application/json';
    if (this.#token !== null) headers.authorization = `Bearer ${this.#token}`;
    let answer: HttpAnswer;
    try {
      answer = await this.#io.http({ ...wanted, headers });
    } catch (error) {
      throw unreachable(this.url, error, this.#io.command);
    }
    const document = parse(answer.text);
    if (answer.status >= 200 && answer.status < 300 && document !== null) return document;
    throw refused(this.url, answer.status, document);
  }
}

function parse(text: string): Fields | null {
  try {
    const value: unknown = JSON.parse(text);
    return isFields(value) ? value : null;
  } catch {
    return null;
  }
}

function unreachable(url: string, error: unknown, command: string): CliError {
  const code = codeOf(error);
  const slow = code.includes('TIMEOUT');
  const what = slow
    ? 'did not answer in time'
    : code === 'ECONNREFUSED'
      ? 'is not running'
      : `cannot be reached (${code})`;
  return new CliError(`The gateway at ${url} ${what}.`, {
    exit: EXIT.unreachable,
    remedy: slow ? 'Try again, and look at its log.' : `Start it with: ${command} start — or name another with --url.`,
    fields: { code },
  });
}

/** The innermost code: undici wraps what the socket said, and several addresses give an AggregateError. */
function codeOf(error: unknown): string {
  if (typeof error !== 'object' || error === null) return 'unknown error';
  if ('code' in error && typeof error.code === 'string') return error.code;
  if ('errors' in error && Array.isArray(error.errors)) return codeOf(error.errors[0]);
  return 'cause' in error ? codeOf(error.cause) : 'unknown error';
}

function refused(url: string, status: number, problem: Fields | null): CliError {
  if (problem === null || typeof problem.code !== 'string') {
    return new CliError(`${url} answered ${status}, and not as a Gatehouse admin API does.`, {
      exit: EXIT.unreachable,
      remedy: 'Check --url: is this the gateway, or a proxy in front of something else?',
    });
  }
  const record = textOf(problem, 'record');
  const detail = textOf(problem, 'detail') || textOf(problem, 'title') || `The gateway answered ${status}.`;
  return new CliError(record === '' ? detail : `${detail} (record ${record})`, {
    remedy: textOf(problem, 'remedy') || null,
    fields: { code: problem.code, status, record: problem.record ?? null, errors: problem.errors ?? null },
  });
}
