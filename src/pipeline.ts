/**
 * THE path of a governed message, top to bottom, one line a step. The columns say for which messages a step runs:
 * a model call, a token count, a listing of models, a look at one's own budgets.
 */
import type { Action } from './journal/bodies.ts';
import { Refusal } from './kernel/errors.ts';
import { admit } from './steps/admit.ts';
import { answer, recordRefusal } from './steps/answer.ts';
import { attribute } from './steps/attribute.ts';
import { begin } from './steps/begin.ts';
import { cutOf } from './steps/cut.ts';
import { decide } from './steps/decide.ts';
import type { Arrival, Exchange } from './steps/exchange.ts';
import { forward } from './steps/forward.ts';
import { identify } from './steps/identify.ts';
import { read } from './steps/read.ts';
import { recordIntent } from './steps/record-intent.ts';
import { relay } from './steps/relay.ts';
import { reserve } from './steps/reserve.ts';
import { route } from './steps/route.ts';
import type { Services } from './steps/services.ts';
import { settle } from './steps/settle.ts';
import { tell } from './steps/tell.ts';
import { throttle } from './steps/throttle.ts';

type Step = (x: Exchange, s: Services) => void | Promise<void>;
type Row = readonly [name: string, step: Step, call: boolean, count: boolean, list: boolean, own: boolean];

const yes = true;
const no = false;

// biome-ignore format: it is a table
export const PATH: readonly Row[] = [
  //  step                         call count list own
  ['admit',    admit,              yes, yes, yes, yes], // declared size, encoding, load: from the head alone
  ['identify', identify,           yes, yes, yes, yes], // credential → principal, before a byte of the body is read
  ['attribute',attribute,          yes, yes, yes, yes], // the one verified team and cost centre that is charged
  ['throttle', throttle,           yes, yes, yes, yes], // this caller's open calls, bytes and requests a minute
  ['read',     read,               yes, yes, yes, yes], // the fields decided on, by position
  ['decide',   decide,             yes, yes, yes, no ], // policy: deny, then ask, then allow; closed by default
  ['route',    route,              yes, yes, yes, no ], // which upstream
  ['reserve',  reserve,            yes, yes, no,  no ], // tokens a minute, and money at the dearest (P2)
  ['record',   recordIntent,       yes, yes, yes, no ], // durable before a byte leaves (P1)
  ['forward',  forward,            yes, yes, yes, no ], // our credential, the caller's bytes (P4, P5)
  ['relay',    relay,              yes, yes, yes, no ], // bytes first, a copy to the meter
  ['tell',     tell,               no,  no,  no,  yes], // what the caller has used of its budgets: from memory, nothing leaves
];

/** Where a kind of message stands among the columns. */
const COLUMN: Readonly<Record<Action, 0 | 1 | 2 | 3>> = {
  'model.call': 0,
  'model.count': 1,
  'model.list': 2,
  'usage.own': 3,
};

type Named = readonly [name: string, step: Step];

const stepsOf = (column: 0 | 1 | 2 | 3): Named[] =>
  PATH.filter(([, , ...columns]) => columns[column]).map(([name, step]) => [name, step]);

/** The rows of the table by column, worked out once. */
const STEPS: readonly [Named[], Named[], Named[], Named[]] = [stepsOf(0), stepsOf(1), stepsOf(2), stepsOf(3)];

/** Takes one message through the steps. Never throws: whatever happens is answered and recorded. */
export async function govern(arrival: Arrival, s: Services): Promise<void> {
  const x = begin(arrival, s);
  let failure: Refusal | 'caller_gone' | null = null;
  try {
    for (const [name, step] of STEPS[COLUMN[x.envelope.action]]) {
      s.beforeStep?.(name, x);
      const running = step(x, s);
      // Only what waits gives others a turn: a revocation between the look at the credential and the place among the open
      // calls would find nothing to cut (P3).
      if (running !== undefined) await running;
    }
    s.beforeStep?.('settle', x);
  } catch (error) {
    failure = failureOf(x, s, error);
  }
  try {
    // Once an intent stands it gets exactly one outcome; before that, a refusal is recorded instead.
    if (x.intent.peek !== undefined) settle(x, s, failure);
    else if (failure instanceof Refusal) await recordRefusal(x, s, failure);
  } catch (error) {
    s.log.error({ err: error, record: x.id }, 'the end of a call could not be recorded');
  } finally {
    // Whatever became of the record, nobody is left waiting.
    if (failure instanceof Refusal) answer(x, failure);
    release(x, s);
  }
}

const NO_TOKENS = { inputTokens: 0, outputTokens: 0 };

/** Gives back what was taken. What settled or was never taken is left alone. */
function release(x: Exchange, s: Services): void {
  if (x.intent.peek === undefined && x.money.peek !== undefined) s.ledger.abandon(x.id);
  if (x.rates.peek !== undefined) {
    if (x.intent.peek === undefined) s.rates.settle(x.rates.peek, NO_TOKENS, s.clock.monotonic());
    s.rates.leave(x.rates.peek);
  }
  x.openCall.peek?.release();
}

function failureOf(x: Exchange, s: Services, error: unknown): Refusal | 'caller_gone' {
  // First, because a cut may break the caller's connection, and is then no hang-up.
  const cut = cutOf(x);
  if (cut !== null) return cut;
  if (error instanceof Refusal && !(x.envelope.gone.aborted && x.intent.peek !== undefined)) return error;
  if (x.envelope.gone.aborted) return x.intent.peek === undefined ? hungUp() : 'caller_gone';
  s.log.error({ err: error, record: x.id }, 'a call failed inside Gatehouse');
  return new Refusal('internal', { detail: error instanceof Error ? error.message : String(error) });
}

function hungUp(): Refusal {
  return new Refusal('request_malformed', { fields: { reason: 'the caller hung up before the request was whole' } });
}
