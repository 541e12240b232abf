import type { Client } from '../journal/bodies.ts';
import { newId } from '../kernel/ids.ts';
import { safeText } from '../kernel/redact.ts';
import { startSpan } from '../kernel/trace.ts';
import { type Arrival, type Envelope, Exchange } from './exchange.ts';
import type { Services } from './services.ts';

const MAX_CLIENT_FIELD = 200;

/** Makes the exchange that an envelope travels in: its record id, its trace, and what the client says of itself. */
export function begin({ envelope, carrier }: Arrival, s: Pick<Services, 'clock'>): Exchange {
  return new Exchange({
    envelope,
    carrier,
    id: newId('rec', s.clock.now()),
    arrived: s.clock.monotonic(),
    trace: startSpan({ traceparent: one(envelope, 'traceparent'), tracestate: one(envelope, 'tracestate') }),
    client: clientOf(envelope),
  });
}

function clientOf(envelope: Envelope): Client {
  const say = (name: string): string | null => {
    const value = one(envelope, name);
    // It goes into the journal for good, and a key pasted into the wrong setting turns up here (P5).
    return value === undefined ? null : safeText(value, MAX_CLIENT_FIELD);
  };
  return {
    user_agent: say('user-agent'),
    session: say('x-claude-code-session-id'),
    agent: say('x-claude-code-agent-id'),
    parent_agent: say('x-claude-code-parent-agent-id'),
  };
}

/** A header as one value; repeated ones are joined as HTTP says (RFC 9110 §5.3). */
function one(envelope: Envelope, name: string): string | undefined {
  const value = envelope.headers[name];
  return Array.isArray(value) ? value.join(', ') : value;
}
