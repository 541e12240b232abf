import { type IncomingMessage, type OutgoingHttpHeader, type OutgoingHttpHeaders, ServerResponse } from 'node:http';

/** RFC 6797: for a year a browser comes by https alone, and lets nobody click past a wrong certificate. */
const NAME = 'Strict-Transport-Security';
const VALUE = 'max-age=31536000';

/** Its line in an answer that is written by hand. */
export const STRICT_LINE = `${NAME}: ${VALUE}\r\n`;

type Headers = OutgoingHttpHeaders | OutgoingHttpHeader[];

/** An answer that tells browsers to come by https alone, whoever writes it. What a provider says of its own host is not said of ours. */
export class StrictResponse<R extends IncomingMessage = IncomingMessage> extends ServerResponse<R> {
  override writeHead(status: number, ...rest: [reason?: string | Headers, headers?: Headers]): this {
    const headers = rest.at(-1);
    if (Array.isArray(headers)) {
      // A list is written as it is, in its order (P4).
      rest[rest.length - 1] = [...without(headers), NAME, VALUE];
    } else {
      this.setHeader(NAME, VALUE);
    }
    return super.writeHead(status, ...(rest as [string, Headers]));
  }
}

/** Name, value, … */
function without(headers: readonly OutgoingHttpHeader[]): OutgoingHttpHeader[] {
  const isOurs = (name: unknown): boolean => String(name).toLowerCase() === NAME.toLowerCase();
  return headers.filter((_, i) => !isOurs(headers[i - (i % 2)]));
}
