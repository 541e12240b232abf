/** The admin API against its own description, by schemathesis: no error of the server, nothing undocumented, no invalid data accepted. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { probe } from './schemathesis.ts';
import { lacking, schemathesis } from './tools.ts';
import { ACCESS, openWorld, signedIn, type World } from './world.ts';

const skip = lacking(schemathesis);
const SECONDS = 75;
const SEED = 20_261_201;
/**
 * Left out: a backup writes the whole store each time, and events are answered for as long as somebody listens. The other two would end what
 * the probe goes on with: its policy, and its owner.
 */
const WITHOUT = ['/api/backup', '/api/events', '/api/owner/transfer'];

let world: World;

before(async () => {
  if (skip === false) world = await openWorld();
});
after(() => world?.close());

test('the admin API keeps to its description, whatever it is asked', { skip, timeout: 240_000 }, async (t) => {
  const { gateway } = world;
  // Something of everything is there to be found.
  await signedIn(world, { provider: 'okta', login: 'okta-alice' });
  await gateway.done('POST', '/api/people', { body: { email: 'erin@acme.com' } });
  await gateway.done('POST', '/api/invitations', {
    body: { email: 'partner@example.net', provider: 'okta', hours: '30 days', reason: 'audit' },
  });
  await world.govern({ rest: `two_people: [controls]\n${ACCESS}` });
  const { body } = await gateway.ask('GET', '/api/session');
  const token = (body.credential as { id: string }).id;
  const verdict = await probe({
    url: gateway.url,
    token: gateway.token,
    without: WITHOUT,
    kept: [String(body.person), token],
    seconds: SECONDS,
    seed: SEED,
  });
  t.diagnostic(`${verdict.tested} operations, ${verdict.cases} requests`);
  assert.ok(verdict.tested >= 40 && verdict.cases >= 500, verdict.text);
  assert.deepEqual(verdict.errors, []);
  assert.deepEqual(verdict.found, [], verdict.text);
  assert.equal((await gateway.ask('GET', '/api/session')).status, 200);
});
