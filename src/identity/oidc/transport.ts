import type { CustomFetch } from 'openid-client';
import type { Fetcher } from '../../net/ports.ts';
import { REQUEST_MS } from './ask.ts';
import { fetchFailed, invalid, misconfigured, statusFailed } from './failures.ts';
import { strictObject } from './strict-json.ts';

/** A token response holds an ID token of at most 256 KiB and two more tokens. */
const MAX_BYTES = 512 * 1024;

/**
 * Lets openid-client speak through our fetcher, never through the global `fetch`. What it is handed is a JSON object that can be read in
 * one way only, with its status and no header of the provider: the body alone decides. Rejects with a SignInFailure.
 */
export function transport(fetcher: Fetcher, what: string): CustomFetch {
  return async (url, { method, headers, body }) => {
    const request = {
      url,
      method: method === 'POST' ? ('POST' as const) : ('GET' as const),
      headers,
      ...(body === undefined || body === null ? {} : { body: String(body) }),
      maxBytes: MAX_BYTES,
      timeoutMs: REQUEST_MS,
    };
    const answer = await fetcher.fetch(request).catch((error: unknown) => {
      throw fetchFailed(error, what);
    });
    const failed = statusFailed(answer.status, what);
    if (failed !== null) throw failed;
    if (answer.body.byteLength > MAX_BYTES || strictObject(answer.body) === null) {
      if (answer.status === 200)
        throw invalid(`the answer of ${what} is no JSON object that can be read in one way only`);
      throw misconfigured(`${what} answered ${answer.status}`);
    }
    const status = answer.status >= 200 && answer.status < 500 && answer.status !== 204 ? answer.status : 400;
    return new Response(Buffer.from(answer.body), { status, headers: { 'content-type': 'application/json' } });
  };
}
