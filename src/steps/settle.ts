import type { Cost, OutcomeBody } from '../journal/bodies.ts';
import { Refusal } from '../kernel/errors.ts';
import { type MeterReport, NO_REPLY } from '../upstream/anthropic/meter.ts';
import { costOf } from './cost.ts';
import type { Exchange } from './exchange.ts';
import { callerOf, keeperOf } from './record-intent.ts';
import type { Services } from './services.ts';

/**
 * Closes the call: what it used, how it ended, how long each part took. Runs for every recorded intent, also when the call
 * failed; the caller does not wait for it, and the record is kept until it is durable.
 */
export function settle(x: Exchange, s: Services, failure: Refusal | 'caller_gone' | null): void {
  const report = x.meter?.() ?? NO_REPLY;
  const cost = chargeOf(x, s, { report, failure });
  s.ledger.settle(x.id, cost.micros);
  const body: OutcomeBody = {
    intent: x.id,
    ...callerOf(x),
    ...x.party.value.booking,
    action: x.envelope.action,
    model: x.fields.value.model,
    model_used: report.model,
    ...ending(x, report, failure),
    usage: report.usage,
    cost,
    upstream_request: x.upstream.peek?.requestId ?? null,
    request_bytes: x.body.peek?.byteLength ?? 0,
    response_bytes: x.responseBytes,
    latency: latency(x, s.clock.monotonic()),
  };
  s.metering.finished(body);
  const { result, code, latency: spent } = body;
  // What exactly failed at the provider is for operators: no caller and no record is told.
  const why = failure instanceof Refusal && failure.detail !== undefined ? { detail: failure.detail } : {};
  s.log.info(
    { record: x.id, trace: x.trace.traceId, who: body.who, model: body.model, result, code, ...spent, ...why },
    'call',
  );
  s.journal
    .appendEventually({ kind: 'outcome', body })
    .then(({ seq }) => s.ledger.durable(x.id, seq))
    .catch((error) => s.log.error({ err: error, record: x.id }, 'an outcome could not be recorded'));
  void keepResponse(x, s);
}

/** An intent gets its outcome whatever happens (P1): where the price cannot be told, what was held is charged. */
function chargeOf(x: Exchange, s: Services, ended: Parameters<typeof costOf>[2]): Cost {
  try {
    return costOf(x, s, ended);
  } catch (error) {
    s.log.error({ err: error, record: x.id }, 'what a call costs could not be told; what was held for it is charged');
    return { micros: x.money.peek?.held ?? 0, basis: 'metered', price: null };
  }
}

type Ending = Pick<OutcomeBody, 'result' | 'code' | 'levels'>;

function ending(x: Exchange, report: MeterReport, failure: Refusal | 'caller_gone' | null): Ending {
  const status = x.upstream.peek?.status ?? null;
  const semantic = report.error !== null ? 'error' : report.stopReason;
  const level = (transport: OutcomeBody['levels']['transport']): OutcomeBody['levels'] => ({
    transport,
    protocol: status,
    semantic,
  });
  if (failure === 'caller_gone') return { result: 'aborted', code: null, levels: level('client_gone') };
  if (failure !== null) {
    const cut = x.openCall.peek?.cut.aborted === true;
    const transport = cut ? 'cut' : status === null && x.sentAt === undefined ? 'not_sent' : 'upstream_lost';
    return { result: cut ? 'cut' : 'error', code: failure.code, levels: level(transport) };
  }
  const failed = (status ?? 500) >= 400 || report.error !== null;
  if (failed) return { result: 'error', code: report.error?.type ?? null, levels: level('complete') };
  // A stream that ends without message_stop is not an answer, whatever its status was.
  const whole = report.complete || x.envelope.action !== 'model.call';
  return { result: whole ? 'ok' : 'error', code: whole ? null : 'incomplete', levels: level('complete') };
}

function latency(x: Exchange, now: number): OutcomeBody['latency'] {
  const round = (ms: number): number => Math.round(ms * 1000) / 1000;
  const since = (from: number | undefined, to: number | undefined): number | null =>
    from === undefined || to === undefined ? null : round(to - from);
  return {
    total: round(now - x.arrived),
    gateway: round((x.sentAt ?? now) - x.arrived),
    upstream: since(x.sentAt, x.upstreamEndedAt ?? (x.sentAt === undefined ? undefined : now)),
    first_byte: since(x.sentAt, x.firstByteAt),
  };
}

async function keepResponse(x: Exchange, s: Services): Promise<void> {
  const keeper = keeperOf(x, s);
  if (keeper === null || x.capture === undefined || x.capture.parts.length === 0) return;
  try {
    await s.journal.appendEventually(await keeper.seal('response', x, Buffer.concat(x.capture.parts)));
  } catch (error) {
    s.log.error({ err: error, record: x.id }, 'the content of an answer could not be kept');
  }
}
