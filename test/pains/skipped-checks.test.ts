import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestOptions } from '../support/gateway.ts';
import { governanceOf, OPEN_POLICY, policyOf } from '../support/governance.ts';
import { raw } from '../support/raw.ts';
import { call, HAIKU, start } from './support.ts';

const broken = (): never => {
  throw new Error('it cannot be asked');
};

/** Mandatory checks that cannot run, and what the caller is told. */
const CHECKS: readonly (readonly [what: string, status: number, code: string, options: TestOptions])[] = [
  ['what was spent is not known', 503, 'budgets_unavailable', { services: { spendingUnknown: () => true } }],
  ['there is no policy', 451, 'no_policy', { governance: governanceOf(null) }],
  [
    'the policy cannot be asked',
    500,
    'internal',
    { governance: { ...governanceOf(OPEN_POLICY), policy: { ...policyOf(OPEN_POLICY), decide: broken } } },
  ],
  [
    'the price cannot be found',
    500,
    'internal',
    { governance: { ...governanceOf(OPEN_POLICY), prices: { version: 'x', find: broken } } },
  ],
];

test('P8: a check that could not run is a refusal, in a stream, in one piece and in a count of tokens, and the record says which', async (t) => {
  for (const [what, status, code, options] of CHECKS) {
    for (const [path, stream] of [
      ['/v1/messages', false],
      ['/v1/messages', true],
      ['/v1/messages/count_tokens', false],
    ] as const) {
      const isCount = path.endsWith('count_tokens');
      // A count of tokens has no price and spends nothing.
      if (isCount && /spent|price/.test(what)) continue;
      const gateway = await start(t, '', options);
      const reply = await raw(gateway.url, { path, body: call(HAIKU, { stream }) });
      assert.equal(reply.status, status, what);
      assert.equal(gateway.double.begun(), 0, what);
      const recorded = gateway.journal.of('refusal').map((body) => [body.code, body.action]);
      assert.deepEqual(recorded, [[code, isCount ? 'model.count' : 'model.call']], what);
      assert.equal(gateway.journal.of('outcome').length, 0, `${what}: nothing says that it passed`);
      assert.equal(gateway.ledger.running, 0, what);
    }
  }
});
