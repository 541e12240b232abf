import type { Fetcher } from '../../net/ports.ts';
import { fetchFailed, misconfigured, statusFailed } from './failures.ts';
import { type JsonValues, strictObject } from './strict-json.ts';

/** Milliseconds for one request. */
export const REQUEST_MS = 10_000;

interface Question {
  readonly url: string;
  /** What is asked, for details: a constant such as `the discovery document`. */
  readonly what: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly maxBytes: number;
  /** Default 10,000. */
  readonly timeoutMs?: number;
}

export interface Reply {
  readonly json: JsonValues;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}

/** GETs one JSON object. Rejects with a SignInFailure; a provider that is down is `provider_unreachable`. */
export async function askJson(fetcher: Fetcher, question: Question): Promise<Reply> {
  const { url, what, maxBytes, timeoutMs = REQUEST_MS } = question;
  const headers = { accept: 'application/json', ...question.headers };
  const answer = await fetcher.fetch({ url, headers, maxBytes, timeoutMs }).catch((error: unknown) => {
    throw fetchFailed(error, what);
  });
  const failed = statusFailed(answer.status, what);
  if (failed !== null) throw failed;
  if (answer.status !== 200) throw misconfigured(`${what} answered ${answer.status}`);
  const json = answer.body.byteLength > maxBytes ? null : strictObject(answer.body);
  if (json === null) throw misconfigured(`${what} is no JSON object that can be read in one way only`);
  return { json, headers: answer.headers };
}
