import type { Caller, IntentBody } from '../journal/bodies.ts';
import type { Exchange } from './exchange.ts';
import type { ContentKeeper, Services } from './services.ts';

/** A policy of very many rules that observe must not make a record of any size. */
const MAX_OBSERVED = 20;

/** P1: the intent is durable before a byte leaves. When it cannot be made so, append throws and nothing is sent. */
export async function recordIntent(x: Exchange, s: Services): Promise<void> {
  const { model, stream, maxTokens } = x.fields.value;
  const body: IntentBody = {
    ...callerOf(x),
    ...x.party.value.booking,
    action: x.envelope.action,
    model,
    stream,
    max_tokens: maxTokens,
    client: x.client,
    decision: x.decision.value,
    snapshot: { policy: x.governance.value.version, directory: x.principal.value.snapshot },
    target: x.target.value,
    request_bytes: x.body.peek?.byteLength ?? 0,
    reserved: x.money.peek?.held ?? 0,
    observed: x.observed.slice(0, MAX_OBSERVED),
    trace: x.trace.traceId,
  };
  for (const { code } of x.observed) s.metering.observed(code);
  const keeper = x.body.peek === undefined ? null : keeperOf(x, s);
  const kept = keeper === null ? null : await keeper.seal('request', x, await x.body.value.bytes(keeper.maxBytes));
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
  const team = x.party.peek === undefined ? principal.team : x.party.peek.team;
  return { who: principal.id, key: principal.credential.id, team };
}

/** Who keeps what was said in this call; null where the policy keeps nothing of it. */
export function keeperOf(x: Exchange, s: Services): ContentKeeper | null {
  const { policy } = x.governance.value;
  return policy?.keepsContent(x.party.value.subject) === true ? s.content : null;
}
