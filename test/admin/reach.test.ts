/** A team lead sees and changes what belongs to the own teams, and gains nothing by asking for more. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UsageQuery } from '../../src/projections/ports.ts';
import { grant } from '../store/rows.ts';
import { type Method, NOW, openDoor } from './fake.ts';

const DAY = 86_400_000;

/** `lena` leads Payments, where `pat` is; `rob` is in Research, and `both` in Research first, by the policy in Payments too. */
async function openTeams(change: Parameters<typeof openDoor>[0] = {}) {
  const door = await openDoor(change);
  const { world } = door;
  const { people } = world;
  const [payments, research] = [world.team('Payments'), world.team('Research')];
  const lena = world.party('lena@example.com');
  people.roles.set(lena.id, 'team_lead');
  people.leads.set(lena.id, [payments.id]);
  const pat = world.party('pat@example.com', { team: payments.id });
  const rob = world.party('rob@example.com', { team: research.id });
  const both = world.party('both@example.com', { team: research.id });
  people.memberships.set(both.id, [payments.id]);
  const loose = world.party('loose', { kind: 'service' });
  const bot = world.party('bot', { kind: 'service', team: payments.id });
  const token = world.credential(lena.id, { kind: 'admin' }).secret;
  const ask = async (method: Method, path: string, body?: unknown) => {
    const answer = await door.call(method, `/api${path}`, { token, ...(body === undefined ? {} : { body }) });
    return { status: answer.statusCode, body: answer.json() };
  };
  return { ...door, payments, research, lena, pat, rob, both, loose, bot, ask };
}

const named = (rows: readonly Record<string, unknown>[], name: string) => rows.map((row) => row[name]).sort();

test('P8: a lead is shown the people, teams and keys of the own teams, and others look like nobody', async () => {
  const { ask, world, payments, research, pat, rob, both, app } = await openTeams();
  assert.deepEqual(named((await ask('GET', '/people')).body.people, 'email'), ['both@example.com', 'pat@example.com']);
  assert.equal((await ask('GET', `/people/${pat.id}`)).status, 200);
  const hidden = await ask('GET', `/people/${rob.id}`);
  const nobody = await ask('GET', '/people/per_nobody');
  assert.deepEqual([hidden.status, hidden.body.detail], [404, nobody.body.detail]);
  assert.deepEqual(named((await ask('GET', '/teams')).body.teams, 'name'), ['Payments']);
  const keys = {
    own: world.credential(pat.id).row.id,
    // Its owner's calls are charged to Research; this key's to Payments.
    named: world.credential(both.id, { team: payments.id }).row.id,
    elsewhere: world.credential(both.id).row.id,
    foreign: world.credential(rob.id).row.id,
    // Counts only while its owner belongs to the team.
    stranger: world.credential(rob.id, { team: payments.id }).row.id,
    moved: world.credential(pat.id, { team: research.id }).row.id,
    admin: world.credential(pat.id, { kind: 'admin' }).row.id,
  };
  const seen = [keys.own, keys.named, keys.moved].sort();
  assert.deepEqual(named((await ask('GET', '/keys?limit=200')).body.keys, 'id'), seen);
  for (const id of Object.values(keys)) {
    const within = seen.includes(id);
    assert.equal((await ask('GET', `/keys/${id}`)).status, within ? 200 : 404, id);
    // Its new secret would speak for somebody else.
    assert.equal((await ask('POST', `/keys/${id}/rotate`)).status, within ? 403 : 404, id);
    assert.equal((await ask('POST', `/keys/${id}/revoke`)).status, within ? 200 : 404, id);
  }
  assert.equal((await ask('GET', `/keys?owner=${rob.id}`)).status, 404);
  await app.close();
});

test('P8: a lead makes virtual keys that are charged to the own teams, and no others', async () => {
  const { ask, world, pat, rob, both, loose, bot, payments, app } = await openTeams();
  const cases: [object, number, string | null][] = [
    // A key speaks for its owner, in every team and under every rule.
    [{ person: pat.id }, 403, 'out_of_reach'],
    [{ person: both.id, team: 'Payments' }, 403, 'out_of_reach'],
    [{ service: 'bot' }, 201, null],
    [{ service: 'fresh', team: 'payments' }, 201, null],
    [{ person: both.id }, 403, 'out_of_reach'],
    [{ person: both.id, team: 'Research' }, 404, 'resource_unknown'],
    [{ person: rob.id }, 404, 'resource_unknown'],
    [{ person: rob.id, team: 'Payments' }, 404, 'resource_unknown'],
    [{ person: pat.id, kind: 'admin' }, 403, 'role_required'],
    [{ service: 'another' }, 403, 'out_of_reach'],
    [{ service: 'another', team: 'Research' }, 404, 'resource_unknown'],
    // In no team yet: the key would draw it into the lead's.
    [{ service: 'loose', team: 'Payments' }, 403, 'out_of_reach'],
  ];
  for (const [body, status, code] of cases) {
    const before = world.changes.length;
    const answer = await ask('POST', '/keys', body);
    assert.deepEqual([answer.status, answer.body.code ?? null], [status, code], JSON.stringify(body));
    if (code !== null) assert.equal(world.changes.length, before, JSON.stringify(body));
  }
  assert.equal(world.parties.find(({ id }) => id === loose.id)?.team, null);
  assert.equal(world.parties.find(({ id }) => id === bot.id)?.team, payments.id);
  await app.close();
});

test('P2, P8: a lead grants no more than what is left of the team, never to the team itself, and approves what it may ask for', async () => {
  const { ask, world, payments, research, pat, rob, both, app } = await openTeams();
  const { people } = world;
  const key = world.credential(both.id, { team: payments.id }).row.id;
  const foreign = world.credential(rob.id).row.id;
  people.headroom.set(payments.id, 5_000_000);
  people.headroom.set(research.id, 5_000_000);
  for (const team of [payments, research]) people.askable.add(`${team.id} claude-opus-*`);
  const money = (whom: string, usd: string) => ({ kind: 'budget', for: whom, usd, hours: '8 h', reason: 'SEC-214' });
  const approval = (whom: string, model: string) => ({
    kind: 'approval',
    for: whom,
    model,
    hours: '8 h',
    reason: 'SEC-9',
  });
  const cases: [object, number][] = [
    [money(pat.id, '5'), 201],
    [money(pat.id, '5.000001'), 403],
    [money(key, '5'), 201],
    [money('service bot', '0.5'), 201],
    [money(foreign, '1'), 403],
    [money(both.id, '1'), 403],
    [money(rob.id, '1'), 403],
    [money('organization', '1'), 403],
    [money('team Payments', '1'), 403],
    [money('team Research', '1'), 403],
    [approval('team Payments', 'claude-opus-*'), 201],
    [approval(pat.id, 'claude-opus-*'), 201],
    [approval(pat.id, '*'), 403],
    [approval('team Research', 'claude-opus-*'), 403],
    [approval('organization', 'claude-opus-*'), 403],
  ];
  for (const [body, status] of cases) {
    const before = world.changes.length;
    const answer = await ask('POST', '/grants', body);
    assert.equal(answer.status, status, `${JSON.stringify(body)}: ${JSON.stringify(answer.body)}`);
    if (status === 403) assert.deepEqual([answer.body.code, world.changes.length], ['out_of_reach', before]);
  }
  // Without a budget of its own there is nothing to give from.
  people.headroom.delete(payments.id);
  for (const usd of ['0.01', '0']) assert.equal((await ask('POST', '/grants', money(pat.id, usd))).status, 403, usd);
  await app.close();
});

test('P8: a lead sees and revokes the grants of the own teams alone', async () => {
  const { ask, world, payments, research, pat, rob, app } = await openTeams();
  const ends = { endsAt: NOW + DAY };
  const own = [
    grant({ scope: 'team', subject: payments.id, ...ends }),
    grant({ scope: 'person', subject: pat.id, ...ends }),
  ];
  const others = [
    grant(ends),
    grant({ scope: 'team', subject: research.id, ...ends }),
    grant({ scope: 'person', subject: rob.id, ...ends }),
    grant({ scope: 'key', subject: world.credential(rob.id).row.id, ...ends }),
  ];
  world.grants.push(...own, ...others);
  assert.deepEqual(named((await ask('GET', '/grants')).body.grants, 'id'), own.map(({ id }) => id).sort());
  for (const { id } of others) {
    assert.equal((await ask('GET', `/grants/${id}`)).status, 404);
    assert.equal((await ask('POST', `/grants/${id}/revoke`)).status, 404);
  }
  assert.equal((await ask('POST', `/grants/${own[0]?.id}/revoke`)).body.state, 'revoked');
  assert.deepEqual(world.changes, ['grant.revoked']);
  await app.close();
});

const SUMS = {
  ...{ calls: 1, failed: 0, refused: 0, unmetered: 0, inputTokens: 1, cacheWrite5mTokens: 0, cacheWrite1hTokens: 0 },
  ...{ cacheReadTokens: 0, outputTokens: 1, webSearches: 0, meteredMicros: 0 },
};

test('P8: usage of a lead is what was charged to the own teams; of two of them what is the same is one row', async () => {
  const asked: UsageQuery[] = [];
  const usage = async (query: UsageQuery) => {
    asked.push(query);
    return [{ value: 'claude-opus-5-5', costMicros: 3, ...SUMS }];
  };
  const { ask, world, payments, research, lena, rob, app } = await openTeams({ projections: { usage } as never });
  const one = await ask('GET', `/usage?by=model&person=${rob.id}`);
  assert.deepEqual([asked[0]?.team, asked[0]?.person, one.body.total.cost_micros], [payments.id, rob.id, 3]);
  for (const team of ['Research', research.id])
    assert.equal((await ask('GET', `/usage?team=${team}`)).status, 404, team);
  world.people.leads.set(lena.id, [payments.id, research.id]);
  const two = await ask('GET', '/usage?by=model');
  assert.deepEqual(
    asked.slice(1).map(({ team }) => team),
    [payments.id, research.id],
  );
  assert.deepEqual([two.body.rows.length, two.body.rows[0].cost_micros, two.body.total.cost_micros], [1, 6, 6]);
  // Whoever leads nothing any more is shown nothing, not everything.
  world.people.leads.set(lena.id, []);
  asked.length = 0;
  const none = await ask('GET', '/usage');
  assert.deepEqual([none.status, none.body.rows, asked], [200, [], []]);
  await app.close();
});

test('forecast, unusual spending and budgets of a lead are those of the own teams', async () => {
  const { ask, world, payments, research, pat, app } = await openTeams();
  const amounts = { toDateMicros: 1, expectedMicros: 2, lowMicros: 1, highMicros: 4, method: 'weekday' } as const;
  world.forecastRows = [
    { team: payments.id, ...amounts },
    { team: research.id, ...amounts },
    { team: null, ...amounts },
  ];
  const forecast = (await ask('GET', '/usage/forecast')).body;
  assert.deepEqual(named(forecast.rows, 'name'), ['Payments']);
  assert.deepEqual(
    [forecast.total.expected_micros, forecast.total.high_micros, forecast.total.method],
    [2, 4, 'weekday'],
  );
  const grown = {
    ...{
      days: 1 as const,
      to: '2026-11-24',
      since: '2026-11-24',
      micros: 9_000_000,
      usualMicros: 1,
      calls: 2,
      usualCalls: 1,
    },
    ...{ driver: 'calls' as const, model: null, key: null, who: null },
  };
  world.unusual = [
    { scope: 'team', subject: payments.id, ...grown },
    { scope: 'team', subject: research.id, ...grown },
    // What a person spends may be charged elsewhere.
    { scope: 'person', subject: pat.id, ...grown },
  ];
  assert.deepEqual(named((await ask('GET', '/usage/unusual')).body.rows, 'subject'), [payments.id]);
  world.policies.put('budgets: [{ each: team, limit: 100 USD/month }, { for: organization, limit: 900 USD/month }]');
  const budgets = (await ask('GET', '/budgets')).body.budgets as { whom: { scope: string; id: string } }[];
  assert.deepEqual(
    budgets.map(({ whom }) => [whom.scope, whom.id]),
    [['team', payments.id]],
  );
  await app.close();
});

test('a member is shown the own usage and sessions, whoever else is named', async () => {
  const { world, call, member, memberToken, app } = await openDoor();
  const rob = world.party('rob@example.com');
  const own = await call('GET', '/api/account/usage?by=model', { token: memberToken });
  assert.equal(own.statusCode, 200, own.body);
  assert.deepEqual(
    world.usageQueries.map(({ person, team }) => [person, team]),
    [[member.id, undefined]],
  );
  assert.equal((await call('GET', `/api/account/usage?person=${rob.id}`, { token: memberToken })).statusCode, 400);
  const mine = world.people.session(member.id).id;
  const theirs = world.people.session(rob.id).id;
  const sessions = async (query: string) => (await call('GET', `/api/sessions${query}`, { token: memberToken })).json();
  assert.deepEqual(named((await sessions('')).sessions, 'id'), [mine]);
  assert.equal((await sessions(`?person=${rob.id}`)).code, 'resource_unknown');
  assert.equal((await call('DELETE', `/api/sessions/${theirs}`, { token: memberToken })).statusCode, 404);
  const revoke = await call('POST', `/api/people/${rob.id}/sessions/revoke`, { token: memberToken });
  assert.equal(revoke.statusCode, 404);
  assert.deepEqual(world.changes, []);
  const ended = await call('POST', `/api/people/${member.id}/sessions/revoke`, { token: memberToken });
  assert.deepEqual(ended.json(), { person: member.id, ended: 1 });
  await app.close();
});
