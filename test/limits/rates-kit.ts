import assert from 'node:assert/strict';
import type { CallFacts } from '../../src/limits/counters.ts';
import { type RateEntry, type RateRefusal, Rates } from '../../src/limits/rates.ts';
import type { RateLine } from '../../src/policy/model.ts';

/** A rate line that limits nothing but what is given. */
export function line(given: Partial<RateLine>): RateLine {
  return {
    place: { path: 'rates[0]', line: 1, text: 'a rate' },
    mode: 'enforce',
    scope: 'person',
    only: null,
    models: null,
    requests: null,
    countTokens: null,
    inputTokens: null,
    outputTokens: null,
    concurrent: null,
    ...given,
  };
}

export function caller(who: string, given: Partial<CallFacts> = {}): Omit<CallFacts, 'model'> {
  return {
    who,
    kind: 'person',
    name: null,
    key: `key_${who}`,
    team: null,
    teamName: null,
    day: '2026-11-24',
    ...given,
  };
}

export const ada = caller('per_ada');

export function ratesOf(...lines: readonly Partial<RateLine>[]): Rates {
  const rates = new Rates(
    (pattern, name) => pattern === name || (pattern.endsWith('*') && name.startsWith(pattern.slice(0, -1))),
  );
  rates.adopt(lines.map((given, index) => line({ place: { path: `rates[${index}]`, line: 1, text: '' }, ...given })));
  return rates;
}

/** Passes the first gate or fails the test. */
export function entered(rates: Rates, now: number, facts = ada): RateEntry {
  const result = rates.enter(facts, 'call', now);
  assert.equal(result.refusal, null, `refused at ${now}`);
  assert.ok('entry' in result);
  return result.entry;
}

/** The refusal of the first gate, or null. */
export function refusedAt(rates: Rates, now: number, facts = ada): RateRefusal | null {
  return rates.enter(facts, 'call', now).refusal;
}

export interface Sent {
  readonly entry: RateEntry | null;
  readonly refusal: RateRefusal | null;
}

/** Through both gates at once. */
export function send(rates: Rates, now: number, call: Partial<Call> = {}): Sent {
  const { facts, action, model, inputTokens, outputTokens } = { ...CALL, ...call };
  const first = rates.enter(facts, action, now);
  if (first.refusal !== null) return { entry: null, refusal: first.refusal };
  const { refusal } = rates.admit(first.entry, { model, inputTokens, outputTokens }, now);
  return { entry: refusal === null ? first.entry : null, refusal };
}

interface Call {
  readonly facts: Omit<CallFacts, 'model'>;
  readonly action: 'call' | 'count';
  readonly model: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

const CALL: Call = { facts: ada, action: 'call', model: 'claude-sonnet-5-5', inputTokens: 0, outputTokens: 0 };
