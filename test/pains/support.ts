/** What the tests of reported bugs share: a gateway under a policy, providers that answer as the reports describe, and the books. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { startTestGateway, type TestGateway, type TestOptions, until } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY } from '../support/governance.ts';
import { event } from '../support/raw.ts';

/** List prices, USD a million: $3 input, $3.75 and $6 cache writes (5 minutes, 1 hour), $0.30 cache reads, $15 output. */
export const SONNET = 'claude-sonnet-4-5';
/** $1 input, $1.25 and $2 cache writes, $0.10 cache reads, $5 output. */
export const HAIKU = 'claude-haiku-4-5';

/** A gateway that allows everything, under these further lines of policy. */
export async function start(t: TestContext, policy = '', options: TestOptions = {}): Promise<TestGateway> {
  const governance = governanceOf(`${OPEN_POLICY}\n${policy}`);
  const limits = { perCaller: 1000, total: 1000 };
  const gateway = await startTestGateway({ limits, governance, ...options });
  t.after(() => gateway.close());
  return gateway;
}

/** The body of a call, as a client writes it. */
export function call(model: string, extra: object = {}): string {
  return JSON.stringify({ model, max_tokens: 500, messages: [{ role: 'user', content: 'hi' }], ...extra });
}

/** The provider answers every call with one JSON message that used this. */
export function answers({ double }: TestGateway, usage: object, model = HAIKU): void {
  double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'msg_1', type: 'message', model, stop_reason: 'end_turn', usage }));
  };
}

/** The provider answers every call with this stream. */
export function streams({ double }: TestGateway, ...events: string[]): void {
  double.answer = (_seen, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(events.join(''));
  };
}

export function messageStart(usage: object, model = HAIKU): string {
  const message = { id: 'msg_1', type: 'message', role: 'assistant', model, content: [], usage };
  return event('message_start', { type: 'message_start', message });
}

export function messageDelta(usage: object): string {
  return event('message_delta', { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage });
}

export const MESSAGE_STOP = event('message_stop', { type: 'message_stop' });

/** What the outcomes in the journal were charged, micro-dollars, in order; waits until there are `count`. */
export async function charges({ journal }: TestGateway, count: number): Promise<number[]> {
  await until(() => journal.of('outcome').length >= count);
  return journal.of('outcome').map(({ cost }) => (cost as { micros: number }).micros);
}

export const sum = (amounts: readonly number[]): number => amounts.reduce((total, amount) => total + amount, 0);

/** Nothing runs, nothing is held, and what every budget says is spent is what the journal says was charged. */
export async function booksAgree(gateway: TestGateway): Promise<void> {
  await until(() => gateway.openCalls.count === 0 && gateway.ledger.running === 0);
  const charged = sum(await charges(gateway, gateway.journal.of('intent').length));
  const none = (): null => null;
  for (const { reserved, spent, line } of gateway.ledger.positions(() => 0, none)) {
    assert.equal(reserved, 0, `${line.id} holds something`);
    assert.equal(spent, charged, `${line.id} is not what the journal says`);
  }
}
