import { Refusal } from '../kernel/errors.ts';
import { matches } from '../policy/patterns.ts';
import { withoutHeader } from '../upstream/headers.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** A listing of models is a few kilobytes; one larger than this is passed to nobody. */
const MAX_LISTING = 4 * 1024 * 1024;

/** True for an answer that lists models, of which each caller sees those it may use. */
export function isListing(x: Exchange): boolean {
  return x.envelope.action === 'model.list' && x.fields.value.model === null && x.upstream.value.status === 200;
}

/**
 * Passes a listing on without the models this caller may not use: what cannot be called is not listed. Everything else of it
 * stays as the provider said it; a listing with nothing to leave out is passed byte for byte.
 */
export async function relayListing(x: Exchange, s: Services, rawHeaders: readonly string[]): Promise<void> {
  const listing = await x.carrier.collect(MAX_LISTING);
  x.upstreamEndedAt = s.clock.monotonic();
  const body = filtered(x, s, listing);
  x.responseBytes = body.byteLength;
  const headers = [...withoutHeader(rawHeaders, 'content-length'), 'content-length', String(body.byteLength)];
  x.envelope.reply.start(x.upstream.value.status, headers);
  x.envelope.reply.write(body);
  x.envelope.reply.end();
}

function filtered(x: Exchange, s: Services, body: Buffer): Buffer {
  const listing = parsed(body);
  // Passed on unread it could list what may not be called.
  if (listing === null) throw unreadable();
  const kept = listing.data.filter((entry) => mayUse(x, s, entry));
  return kept.length === listing.data.length ? body : Buffer.from(JSON.stringify({ ...listing, data: kept }));
}

function unreadable(): Refusal {
  return new Refusal('upstream_broken', { fields: { reason: 'its listing of models cannot be read' } });
}

function mayUse(x: Exchange, s: Services, entry: unknown): boolean {
  const { policy } = x.governance.value;
  const id = typeof entry === 'object' && entry !== null && 'id' in entry ? entry.id : undefined;
  if (policy === null || typeof id !== 'string') return false;
  const { stops } = x.governance.value.directory;
  if (stops.models.some((stop) => matches(stop.subject ?? '', id))) return false;
  const resource = { kind: 'model', name: id } as const;
  return policy.decide({ subject: x.party.value.subject, resource, now: s.clock.now() }).effect !== 'deny';
}

function parsed(body: Buffer): { readonly data: readonly unknown[] } | null {
  try {
    const value: unknown = JSON.parse(body.toString());
    if (typeof value === 'object' && value !== null && 'data' in value && Array.isArray(value.data)) {
      return value as { data: readonly unknown[] };
    }
  } catch {
    // Not JSON.
  }
  return null;
}
