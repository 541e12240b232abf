import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { JournalRecord } from '../../src/journal/records.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { ChangeError, NOW, openDoor, World } from './fake.ts';

test('the owner’s secret works once it is right, and five wrong tries a minute close the door for all', async () => {
  const door = await openDoor();
  const claim = (secret: string) =>
    door.call('POST', '/api/owner', { token: null, body: { secret, email: 'boss@example.com' } });
  for (let i = 0; i < 5; i++) assert.equal((await claim('gho_wrong')).statusCode, 403);
  const closed = await claim(door.world.secret);
  assert.equal(closed.statusCode, 429);
  assert.ok(Number(closed.headers['retry-after']) <= 60);
  door.world.now += 60_001;
  const claimed = await claim(door.world.secret);
  assert.equal(claimed.statusCode, 201);
  assert.equal(claimed.headers['cache-control'], 'no-store');
  const { person, token } = claimed.json();
  assert.match(person, /^per_/);
  assert.equal((await door.call('GET', '/api/people', { token })).statusCode, 200);
  await door.app.close();
});

test('a right secret with a taken address costs no try', async () => {
  const door = await openDoor({
    changes: {
      ...new World().services().changes,
      claimOwner: async () => {
        throw new ChangeError('conflict', 'The address is taken.');
      },
    },
  });
  const body = { secret: 'gho_right', email: 'mia@example.com' };
  for (let i = 0; i < 7; i++) {
    assert.equal((await door.call('POST', '/api/owner', { token: null, body })).statusCode, 409);
  }
  await door.app.close();
});

test('wrong secrets tried side by side count before their outcome is known', async () => {
  const door = await openDoor();
  const tries = Array.from({ length: 20 }, () =>
    door.call('POST', '/api/owner', { token: null, body: { secret: 'gho_wrong', email: 'x@example.com' } }),
  );
  const statuses = (await Promise.all(tries)).map((answer) => answer.statusCode);
  assert.equal(statuses.filter((status) => status === 403).length, 5);
  assert.equal(statuses.filter((status) => status === 429).length, 15);
  await door.app.close();
});

test('P5: the secret of a key is in the answer that makes it and in no other', async () => {
  const door = await openDoor();
  const made = await door.call('POST', '/api/keys', {
    body: { person: 'MIA@example.com', label: 'laptop', expires: '90 days' },
  });
  assert.equal(made.statusCode, 201);
  assert.equal(made.headers['cache-control'], 'no-store');
  const { key, secret } = made.json();
  assert.equal(key.owner, door.member.id);
  assert.equal(key.owner_name, 'mia@example.com');
  assert.ok(Math.abs(Date.parse(key.expires_at) - NOW - 90 * 86_400_000) < 1000);
  const rotated = await door.call('POST', `/api/keys/${key.id}/rotate`, { body: { overlap: '1 hour' } });
  assert.equal(rotated.headers['cache-control'], 'no-store');
  assert.notEqual(rotated.json().secret, secret);
  for (const url of ['/api/keys', `/api/keys/${key.id}`]) {
    const { body } = await door.call('GET', url);
    assert.ok(!body.includes(secret) && !body.includes(rotated.json().secret), url);
    assert.ok(!/digest/.test(body), url);
  }
  await door.app.close();
});

test('a service is made on first use and found afterwards', async () => {
  const door = await openDoor();
  await door.call('POST', '/api/teams', { body: { name: 'Build' } });
  const first = await door.call('POST', '/api/keys', { body: { service: 'ci', team: 'build' } });
  assert.equal(first.json().key.owner_kind, 'service');
  assert.equal(first.json().key.team_name, 'Build');
  const second = await door.call('POST', '/api/keys', { body: { service: 'ci' } });
  assert.equal(second.json().key.owner, first.json().key.owner);
  assert.deepEqual(door.world.changes, ['team.added', 'service.added', 'key.created', 'key.created']);
  await door.app.close();
});

test('a name in other letters is found while it is clear which is meant', async () => {
  const door = await openDoor();
  const team = async (name: string) =>
    (await door.call('POST', '/api/people/mia%40example.com/team', { body: { team: name } })).json();
  for (const name of ['Ops', 'Data']) await door.call('POST', '/api/teams', { body: { name } });
  assert.equal((await team('ops')).team_name, 'Ops');
  await door.call('POST', '/api/teams', { body: { name: 'OPS' } });
  assert.equal((await team('OPS')).team_name, 'OPS');
  assert.equal((await team('Ops')).team_name, 'Ops');
  assert.equal((await team('oPS')).code, 'resource_unknown');
  await door.app.close();
});

test('a key shows the one state that says most', async () => {
  const door = await openDoor();
  const { world, member } = door;
  const day = 86_400_000;
  const gone = world.party('gone@example.com', { disabledAt: NOW });
  const wanted = {
    active: world.credential(member.id, { expiresAt: NOW + 15 * day }),
    expiring: world.credential(member.id, { expiresAt: NOW + 13 * day }),
    rotated: world.credential(member.id, { rotatedTo: 'key_x', expiresAt: NOW + day }),
    expired: world.credential(member.id, { expiresAt: NOW - 1, rotatedTo: 'key_x' }),
    revoked: world.credential(member.id, { revokedAt: NOW, expiresAt: NOW - 1 }),
    owner_disabled: world.credential(gone.id),
  };
  for (const [state, { row }] of Object.entries(wanted)) {
    assert.equal((await door.call('GET', `/api/keys/${row.id}`)).json().state, state);
    const { keys } = (await door.call('GET', `/api/keys?state=${state}&kind=key`)).json();
    assert.ok(
      keys.some((key: { id: string }) => key.id === row.id),
      state,
    );
    assert.ok(
      keys.every((key: { state: string }) => key.state === state),
      state,
    );
  }
  await door.app.close();
});

test('the list of keys is there while the views are not, with their last use', async () => {
  const door = await openDoor();
  door.world.projectionsDown = true;
  const { row } = door.world.credential(door.member.id);
  door.world.lastUse.set(row.id, Date.parse('2026-11-24T09:00:00Z'));
  const answer = await door.call('GET', '/api/keys');
  assert.equal(answer.statusCode, 200);
  assert.equal(answer.json().keys[0].last_used_at, '2026-11-24T09:00:00.000Z');
  assert.equal(answer.json().keys[1].last_used_at, null);
  const health = (await door.call('GET', '/api/health')).json();
  assert.equal(health.status, 'degraded');
  assert.deepEqual(health.projections, { ok: false, lag: null });
  await door.app.close();
});

test('lists are walked page by page without a gap or a repeat, also while people are added', async () => {
  const door = await openDoor();
  for (let i = 0; i < 7; i++) door.world.party(`p${i}@example.com`);
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const answer = await door.call('GET', `/api/people?limit=3${cursor === null ? '' : `&cursor=${cursor}`}`);
    const page = answer.json() as { people: { email: string }[]; cursor: string | null };
    seen.push(...page.people.map((person) => person.email));
    cursor = page.cursor;
    door.world.party(`late${seen.length}@example.com`);
  } while (cursor !== null);
  const early = ['p6', 'p5', 'p4', 'p3', 'p2', 'p1', 'p0', 'mia', 'olga'].map((name) => `${name}@example.com`);
  assert.deepEqual(seen, early);
  await door.app.close();
});

test('P7: an erased person shows as erased, in lists and beside the trail', async () => {
  const door = await openDoor();
  const id = door.member.id;
  const records: JournalRecord[] = [
    { seq: 2, prev: '00', id: 'rec_b', at: '2026-11-24T11:00:00.000Z', kind: 'intent', who: id, team: null },
    {
      seq: 1,
      prev: '00',
      id: 'rec_a',
      at: '2026-11-24T10:00:00.000Z',
      kind: 'change',
      actor: door.owner.id,
      subject: id,
    },
  ];
  door.world.records.push(...records);
  const before = (await door.call('GET', '/api/audit')).json();
  assert.deepEqual(before.names, { [id]: 'mia@example.com', [door.owner.id]: 'olga@example.com' });
  assert.equal(before.records[0].who, id, 'the record itself stays as it was written');
  const erased = (await door.call('POST', '/api/people/mia%40example.com/erase')).json();
  assert.equal(erased.email, 'erased');
  assert.equal(erased.state, 'erased');
  const after = await door.call('GET', '/api/audit');
  assert.equal(after.json().names[id], 'erased');
  assert.doesNotMatch(after.body, /mia@/);
  assert.doesNotMatch((await door.call('GET', '/api/people')).body, /mia@/);
  assert.equal((await door.call('GET', '/api/people/mia%40example.com')).statusCode, 404);
  await door.app.close();
});

test('an audit filter that can match nothing is refused: a typo must not read as if nothing had happened', async () => {
  const door = await openDoor();
  for (const query of ['kind=outcom', 'kind=intent,,outcome', 'kind=toString', 'from=2026-11-25&to=2026-11-24']) {
    const answer = await door.call('GET', `/api/audit?${query}`);
    assert.equal(answer.statusCode, 400, query);
  }
  assert.equal(door.world.auditQueries.length, 0);
  const answer = await door.call('GET', '/api/audit?kind=intent,%20segment.seal&from=2026-11-24&to=2026-11-24');
  assert.equal(answer.statusCode, 200, answer.body);
  assert.deepEqual(door.world.auditQueries.at(-1)?.kinds, ['intent', 'segment.seal']);
  await door.app.close();
});

test('filters of the trail reach the views as ids and instants', async () => {
  const door = await openDoor();
  await door.call('POST', '/api/teams', { body: { name: 'Payments' } });
  const team = door.world.teams[0]?.id;
  const query =
    'who=mia%40example.com&team=payments&kind=intent,outcome&result=ok&from=2026-11-01&to=2026-11-02&order=oldest&after_seq=7';
  assert.equal((await door.call('GET', `/api/audit?${query}`)).statusCode, 200);
  const asked = door.world.auditQueries.at(-1);
  assert.deepEqual(
    { ...asked, cursor: undefined, key: undefined, model: undefined, session: undefined },
    {
      oldestFirst: true,
      limit: 50,
      kinds: ['intent', 'outcome'],
      who: door.member.id,
      team,
      result: 'ok',
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-11-02T23:59:59.999Z',
      afterSeq: 7,
      cursor: undefined,
      key: undefined,
      model: undefined,
      session: undefined,
    },
  );
  await door.app.close();
});

test('P3: the answer to a revocation is sent after the change, and a failing one is an error', async () => {
  const door = await openDoor();
  const order: string[] = [];
  const services = door.world.services();
  const other = await openDoor({
    changes: {
      ...services.changes,
      disableParty: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        order.push('in force');
      },
      revokeCredential: async () => {
        throw new Error('could not be spread');
      },
    },
  });
  const answer = await other.call('POST', '/api/people/mia%40example.com/disable').then((response) => {
    order.push('answered');
    return response;
  });
  assert.equal(answer.statusCode, 200);
  assert.deepEqual(order, ['in force', 'answered']);
  const key = other.world.credentials.find((row) => row.kind === 'key')?.id ?? '';
  assert.equal((await other.call('POST', `/api/keys/${key}/revoke`)).statusCode, 500);
  await door.app.close();
  await other.app.close();
});

test('health says failing when calls are refused', async () => {
  const cases = [
    [{ journal: { head: { writer: 'w', seq: 1, hash: '0', segment: 's' }, trouble: 'disk full' } }, 'failing'],
    [{ upstream: () => ({ name: 'a', configured: false, simulated: false }) }, 'failing'],
    [{ disk: async () => ({ freeBytes: 1, totalBytes: 2, fullAt: null, state: 'low' as const }) }, 'degraded'],
    [{}, 'ok'],
  ] as const;
  for (const [change, status] of cases) {
    const door = await openDoor(change);
    assert.equal((await door.call('GET', '/api/health')).json().status, status);
    await door.app.close();
  }
});

test('P1: what was said is shown only once the reading of it is recorded, and no cache keeps it', async () => {
  const door = await openDoor();
  const id = `rec_${'0'.repeat(26)}`;
  door.world.records.push({ seq: 1, prev: '00', id, at: '2026-11-24T10:00:00.000Z', kind: 'intent' });
  const answer = await door.call('GET', `/api/audit/${id}/content`);
  assert.equal(answer.json().request.text, 'hello');
  assert.equal(answer.headers['cache-control'], 'no-store');
  assert.deepEqual(door.world.changes, ['content.read']);
  assert.equal((await door.call('GET', '/api/audit/rec_unknown/content')).statusCode, 404);
  await door.app.close();
  const silent = await openDoor({
    content: async () => ({ request: { state: 'kept', text: 'hello' }, response: { state: 'none', text: null } }),
    recordAction: async () => {
      throw new Refusal('journal_unavailable');
    },
  });
  const refused = await silent.call('GET', `/api/audit/${id}/content`);
  assert.equal(refused.statusCode, 503);
  assert.doesNotMatch(refused.body, /hello/);
  await silent.app.close();
});
