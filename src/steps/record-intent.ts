import type { Caller, IntentBody } from '../journal/bodies.ts';
import type { Exchange } from './exchange.ts';
import type { Services } from './services.ts';

/** P1: the intent is durable before a byte leaves. When it cannot be made so, append throws and nothing is sent. */
export async function recordIntent(x: Exchange, s: Services): Promise<void> {
  const { model, stream, maxTokens } = x.fields.value;
  const decision = x.decision.value;
  const body: IntentBody = {
    ...callerOf(x),
    action: x.envelope.action,
    model,
    stream,
    max_tokens: maxTokens,
    client: x.client,
    decision: { effect: 'allow', reason: decision.reason },
    snapshot: { policy: decision.version, directory: x.principal.value.snapshot },
    target: x.target.value,
    request_bytes: x.body.peek?.byteLength ?? 0,
    trace: x.trace.traceId,
  };
  const kept = x.body.peek === undefined ? null : await s.content?.seal('request', x, x.body.peek);
  const intent = s.journal.append({ id: x.id, kind: 'intent', body });
  // Same group commit: the content follows its intent and is as durable.
  const [receipt, content] = await Promise.allSettled([intent, kept ? s.journal.append(kept) : null]);
  if (receipt.status === 'rejected') throw receipt.reason;
  // Before the content is looked at: an intent that stands needs its outcome, whatever became of the rest.
  x.intent.set(receipt.value);
  if (content.status === 'rejected') throw content.reason;
}

/** The ids by which records name the caller. */
export function callerOf(x: Exchange): Caller {
  const principal = x.principal.value;
  return { who: principal.id, key: principal.credential.id, team: principal.team };
}
