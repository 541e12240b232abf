import { Refusal } from '../kernel/errors.ts';
import { fold } from '../kernel/text.ts';
import type { CallFacts } from '../limits/counters.ts';
import type { Grants } from '../limits/ledger-types.ts';
import { undated } from '../policy/patterns.ts';
import type { Price, RequestSize } from '../pricing/model.ts';
import { budgetRefusal } from './budget-refusal.ts';
import type { Exchange, Party } from './exchange.ts';
import type { Governance } from './governance.ts';
import { Money } from './money.ts';
import { rateRefusal } from './rate-refusal.ts';
import type { Services } from './services.ts';

/** As long as the views keep names of models, so that what was spent is found again. */
const MODEL_LENGTH = 200;

/** What is booked in rates of tokens until the provider reports: a token for three bytes, and an answer of ordinary length. */
const BYTES_PER_TOKEN = 3;
const USUAL_OUTPUT = 4096;

/**
 * How much: this message's tokens within the rates, its price within the budgets (P2). All or nothing, in one turn of the event
 * loop, so that no two calls can take the same room.
 */
export function reserve(x: Exchange, s: Services): void {
  const facts = factsOf(x);
  if (x.envelope.action !== 'model.call') {
    takeRates(x, s, { inputTokens: 0, outputTokens: 0 });
    return;
  }
  const price = priceOf(x, s);
  const size = sizeOf(x);
  const bound = boundOf(x, s, { price, size });
  const estimate = s.estimator.estimate({ model: facts.model, ...size, price, bound });
  const expected = {
    inputTokens: Math.min(price.contextWindow, Math.ceil(size.bytes / BYTES_PER_TOKEN)),
    outputTokens: Math.min(size.maxTokens ?? USUAL_OUTPUT, USUAL_OUTPUT),
  };
  takeMoney(x, s, { facts, price, amounts: { bound, estimate }, inputTokens: expected.inputTokens });
  // A call that is refused here gives its money back where it ends: nothing else holds any.
  takeRates(x, s, expected);
}

/** Who is counted, in the terms of rates and budgets. */
export function factsOf(x: Exchange): CallFacts {
  if (x.facts !== undefined) return x.facts;
  const party = x.party.value;
  const facts = factsFor(party, { model: x.fields.peek?.model ?? '', day: party.booking.day });
  // Before the body is read the model is not known.
  if (x.fields.peek !== undefined) x.facts = facts;
  return facts;
}

/** The same for a caller without a call. Models are counted by family: another name of a model has no purse of its own. */
export function factsFor(
  { subject, team }: Pick<Party, 'subject' | 'team'>,
  { model, day }: { readonly model: string; readonly day: string },
): CallFacts {
  const { id: who, kind, name, key } = subject;
  return {
    who,
    kind,
    name,
    key,
    team,
    teamName: subject.team === null ? null : fold(subject.team),
    model: familyOf(model),
    day,
  };
}

function familyOf(model: string): string {
  return undated(model.slice(0, MODEL_LENGTH));
}

/** The price of the model asked for; every further model that the request names needs one as well. */
function priceOf(x: Exchange, s: Services): Price {
  const { model, serverSide } = x.fields.value;
  for (const other of serverSide.models) knownPrice(x, s, other);
  return knownPrice(x, s, model ?? '');
}

function knownPrice(x: Exchange, s: Services, model: string): Price {
  const { prices, policy } = x.governance.value;
  const price = prices.find({ model, at: s.clock.now() });
  if (price.known) return price;
  if (policy?.unknownPrice === 'refuse' && policy.mode === 'enforce') {
    throw new Refusal('price_unknown', { fields: { model }, rule: 'models.unknown_price' });
  }
  x.observed.push({ code: 'price_unknown', rule: 'models.unknown_price' });
  return price;
}

function sizeOf(x: Exchange): RequestSize {
  const { maxTokens, serverSide } = x.fields.value;
  const { asked, opaque, unbounded, fast } = serverSide;
  const uses = asked.map((one) => one.uses);
  return {
    bytes: x.body.value.byteLength,
    maxTokens,
    opaque,
    serverUses: uses.includes(null) ? null : uses.reduce<number>((sum, use) => sum + (use ?? 0), 0),
    webSearch: asked.some(({ capability }) => capability === 'web_search'),
    unbounded,
    fast,
  };
}

/** The most this call can cost; a fallback model may run after the first has, so every one of them is added. */
function boundOf(x: Exchange, s: Services, { price, size }: { price: Price; size: RequestSize }): number | null {
  let sum = price.bound(size);
  for (const model of x.fields.value.serverSide.models) {
    const more = x.governance.value.prices.find({ model, at: s.clock.now() }).bound(size);
    sum = sum === null || more === null ? null : sum + more;
  }
  return sum;
}

interface Taking {
  readonly facts: CallFacts;
  readonly price: Price;
  readonly amounts: { readonly bound: number | null; readonly estimate: number };
  readonly inputTokens: number;
}

function takeMoney(x: Exchange, s: Services, { facts, price, amounts, inputTokens }: Taking): void {
  const others = x.fields.value.serverSide.models.map((model) => ({ ...facts, model: familyOf(model) }));
  if ([facts, ...others].some(s.spendingUnknown)) throw new Refusal('budgets_unavailable', { retryAfter: 1 });
  const extra = extraOf(x, s);
  for (const other of others) refuseSpentModel(x, s, { facts: other, extra });
  const taken = s.ledger.reserve({ id: x.id, facts, ...amounts }, extra);
  if (taken.refused) throw budgetRefusal(x, s, taken);
  x.observed.push(...taken.observed);
  const { maxTokens } = x.fields.value;
  const parts = { id: x.id, ledger: s.ledger, price, maxTokens, inputTokens, bound: amounts.bound };
  x.money.set(new Money({ ...parts, held: taken.held, recorded: taken.micros, extra }));
}

/**
 * A call counts for the model it asks for. Where a budget is for models that it names as fallback or advisor, and nothing is left of
 * it, the call is refused all the same: else a spent model would go on through the back door.
 */
function refuseSpentModel(x: Exchange, s: Services, { facts, extra }: { facts: CallFacts; extra: Grants }): void {
  const full = s.ledger.position(facts, extra).find(({ line, spent, limit, extra: more }) => {
    const isForModels = line.models !== null || line.scope === 'model';
    return isForModels && line.mode === 'enforce' && spent >= limit + more;
  });
  if (full !== undefined) throw budgetRefusal(x, s, { kind: 'spent', fitsLater: false, amount: null, at: full });
}

/** Money on top of this call's budgets, by grants in force now. */
export function extraOf(x: Exchange, s: Services): Grants {
  return grantsOf(x.governance.value, s.clock.now());
}

/** Money on top of budgets, by grants in force at `now`. */
export function grantsOf({ directory }: Governance, now: number): Grants {
  const grants = directory.grants.filter(
    ({ kind, startsAt, endsAt }) => kind === 'budget' && startsAt <= now && now < endsAt,
  );
  return ({ scope }, subject) => {
    let sum = 0;
    for (const grant of grants) {
      if (grant.scope === scope && (grant.subject ?? 'org') === subject) sum += grant.micros ?? 0;
    }
    return sum;
  };
}

function takeRates(x: Exchange, s: Services, tokens: { inputTokens: number; outputTokens: number }): void {
  const entry = x.rates.value;
  const model = factsOf(x).model;
  const admitted = s.rates.admit(entry, { model, ...tokens }, s.clock.monotonic());
  if (admitted.refusal !== null) throw rateRefusal(admitted.refusal);
  x.observed.push(...admitted.observed);
}
