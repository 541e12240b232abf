import { IdentityRefusal } from '../identity/identify.ts';
import type { Caller, RefusalBody } from '../journal/bodies.ts';
import type { Refusal } from '../kernel/errors.ts';
import type { Answer, Exchange } from './exchange.ts';
import { callerOf } from './record-intent.ts';
import type { Services } from './services.ts';

/** Records the refusal of a known caller (P1) before it is told; a stranger is counted, and so is what one caller has too much of. */
export async function recordRefusal(x: Exchange, s: Services, refusal: Refusal): Promise<void> {
  s.metering.refused(refusal.code, x.envelope.action);
  const caller = knownCaller(x, refusal);
  if (caller === null || !s.refusals.take(caller.who, s.clock.monotonic())) return s.stranger(refusal.code, x);
  const body: RefusalBody = {
    ...caller,
    day: x.party.peek?.booking.day ?? null,
    cost_center: x.party.peek?.booking.cost_center ?? null,
    action: x.envelope.action,
    code: refusal.code,
    status: refusal.entry.status,
    detail: refusal.detail ?? null,
    rule: refusal.rule ?? null,
    model: x.fields.peek?.model ?? null,
    client: x.client,
    trace: x.trace.traceId,
  };
  s.log.info(
    { record: x.id, trace: x.trace.traceId, who: body.who, code: refusal.code, detail: body.detail },
    'refused',
  );
  const record = { id: x.id, kind: 'refusal', body } as const;
  // A refusal is answered even while the journal cannot take it; it is then written when it can, which nobody waits for.
  const later = (): void => {
    s.journal
      .appendEventually(record)
      .catch((error) => s.log.error({ err: error, record: x.id }, 'a refusal could not be recorded'));
  };
  if (s.journal.trouble === null) await s.journal.append(record).catch(later);
  else later();
}

/** The caller, or the owner of a known credential that is not valid here; null for a stranger. */
function knownCaller(x: Exchange, refusal: Refusal): Caller | null {
  if (x.principal.peek !== undefined) return callerOf(x);
  return refusal instanceof IdentityRefusal ? refusal.known : null;
}

/** Tells the caller what was refused, what to do, and under which record it is found. */
export function answer(x: Exchange, refusal: Refusal): void {
  const { status, type, retry } = refusal.entry;
  const told: Answer = {
    status,
    type,
    message: `${refusal.message} ${refusal.remedy} (Gatehouse record ${x.id})`,
    retry,
    retryAfter: refusal.retryAfter,
    record: x.id,
    headers: refusal.headers,
  };
  x.envelope.reply.fail(told);
}
