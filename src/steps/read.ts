import { Refusal } from '../kernel/errors.ts';
import { printable } from '../kernel/text.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

const NO_SERVER_SIDE = { asked: [], models: [], opaque: false, unbounded: false, fast: false } as const;

/** Has the body read whole, bounded, for the fields that are decided on. The bytes themselves are never changed. */
export async function read(x: Exchange, s: Services): Promise<void> {
  if (!x.envelope.hasBody) {
    x.fields.set({ model: modelOfPath(x.envelope.path), stream: false, maxTokens: null, serverSide: NO_SERVER_SIDE });
    return;
  }
  const call = x.openCall.value;
  const { body, fields } = await x.carrier.read({
    maxBytes: s.limits.bodyBytes,
    cut: call.cut,
    claim: (bytes) => call.claim(bytes),
  });
  x.body.set(body);
  x.fields.set(fields);
}

/**
 * `/v1/models/{id}` names its model in the path; the listing names none. A name that a server could read as a way up, as in
 * `..%2ffiles`, would spend the provider's key on another resource than the one recorded.
 */
function modelOfPath(path: string): string | null {
  const [, name] = /^\/v1\/models\/([^/]*)$/.exec(path) ?? [];
  if (name === undefined) return null;
  const model = decodeURIComponent(name);
  // An empty name is neither a model nor the listing: `/v1/models/` would be asked for under the record of another path.
  if (
    model === '' ||
    printable(model, model.length) !== model ||
    model.split(/[/\\]/).some((part) => part === '.' || part === '..')
  ) {
    throw new Refusal('request_malformed', { fields: { reason: 'the path names no model' } });
  }
  return model;
}
