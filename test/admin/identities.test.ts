/** Identities, waiting ones, invitations, providers, roles and the owner, as administrators see them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NOW, openDoor } from './fake.ts';

const ISSUER = 'https://acme.okta.com';

test('identities are listed page by page, found by person and provider, and unlinked by an id without a name in it', async () => {
  const { world, call, member, owner, app } = await openDoor();
  const { people } = world;
  const base = { issuer: ISSUER, email: null, groups: ['eng'], linkedBy: 'sign-in', lastSignInAt: NOW };
  for (let i = 0; i < 5; i++) {
    const person = i % 2 === 0 ? member.id : owner.id;
    // Two of the same moment.
    people.identities.push({
      ...base,
      provider: i < 3 ? 'okta' : 'adfs',
      subject: `mia${i}@example.com`,
      person,
      createdAt: NOW + (i >> 1),
    });
  }
  const seen: string[] = [];
  let cursor: string | null = null;
  do {
    const answer: { json(): unknown } = await call(
      'GET',
      `/api/identities?limit=2${cursor ? `&cursor=${cursor}` : ''}`,
    );
    const page = answer.json() as { identities: { subject: string }[]; cursor: string | null };
    seen.push(...page.identities.map(({ subject }) => subject));
    cursor = page.cursor;
  } while (cursor !== null);
  assert.deepEqual([...seen].sort(), people.identities.map(({ subject }) => subject).sort());
  assert.equal(seen[0], 'mia4@example.com', 'newest first');
  assert.equal((await call('GET', '/api/identities?cursor=x')).statusCode, 400);
  const count = async (query: string) => (await call('GET', `/api/identities?${query}`)).json().identities.length;
  assert.deepEqual([await count('person=mia%40example.com'), await count('provider=OKTA')], [3, 3]);
  const [first] = (await call('GET', '/api/identities?provider=okta')).json().identities;
  assert.match(first.id, /^[0-9a-f]{32}$/);
  assert.deepEqual([first.issuer, first.groups, first.linked_by_name], [ISSUER, ['eng'], null]);
  const gone = await call('POST', `/api/identities/${first.id}/unlink`, { body: { reason: 'left' } });
  assert.equal(gone.json().subject, first.subject);
  assert.equal((await call('POST', `/api/identities/${first.id}/unlink`)).statusCode, 404);
  assert.equal(people.identities.length, 4);
  await app.close();
});

test('what waits is linked to the person who has its address, or discarded', async () => {
  const { world, call, member, owner, app } = await openDoor();
  const waits = { issuer: ISSUER, email: 'mia@example.com', person: member.id, firstSeenAt: NOW, lastSeenAt: NOW + 1 };
  const id = (n: number) => `wai_${String(n).padStart(26, '0')}`;
  for (const n of [1, 2]) world.people.waiting.push({ id: id(n), provider: 'okta', subject: `s${n}`, ...waits });
  const { waiting } = (await call('GET', '/api/identities/waiting')).json();
  assert.deepEqual(
    waiting.map((one: Record<string, unknown>) => [one.id, one.person_name, one.issuer]),
    [2, 1].map((n) => [id(n), 'mia@example.com', ISSUER]),
  );
  const linked = (await call('POST', `/api/identities/waiting/${id(1)}/link`)).json();
  assert.deepEqual([linked.person, linked.subject, linked.linked_by], [member.id, 's1', owner.id]);
  assert.equal((await call('POST', `/api/identities/waiting/${id(2)}/discard`)).statusCode, 200);
  for (const verb of ['link', 'discard']) {
    assert.equal((await call('POST', `/api/identities/waiting/${id(1)}/${verb}`)).statusCode, 404);
  }
  assert.deepEqual(world.changes, ['identity.linked', 'identity.discarded']);
  await app.close();
});

test('a guest is invited where nobody else lets the address in, with a sponsor and an end', async () => {
  const { world, call, owner, member, app } = await openDoor();
  const invite = async (body: object) => {
    const answer = await call('POST', '/api/invitations', { body: { email: 'g@partner.example', ...body } });
    return { status: answer.statusCode, body: answer.json() };
  };
  const made = await invite({ provider: 'OKTA', hours: '3 days', sponsor: 'mia@example.com', reason: 'SEC-1' });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  assert.deepEqual(
    [made.body.provider, made.body.sponsor, made.body.actor, made.body.state, made.body.email],
    ['okta', member.id, owner.id, 'open', 'g@partner.example'],
  );
  assert.ok(Math.abs(Date.parse(made.body.ends_at) - NOW - 3 * 86_400_000) < 1000);
  assert.equal((await invite({ provider: 'adfs', ends_at: '2027-01-31' })).body.ends_at, '2027-02-01T00:00:00.000Z');
  for (const [body, status] of [
    [{ provider: 'nowhere', hours: '8 h' }, 404],
    // It would never be taken: such an address enters there without one.
    [{ email: 'x@ACME.com', provider: 'adfs', hours: '8 h' }, 409],
    [{ provider: 'okta' }, 400],
    [{ provider: 'okta', hours: '8 h', ends_at: '2027-01-31' }, 400],
    [{ provider: 'okta', hours: '8 h', sponsor: 'nobody@example.com' }, 404],
  ] as const) {
    assert.equal((await invite(body)).status, status, JSON.stringify(body));
  }
  const url = `/api/invitations/${made.body.id}`;
  const moved = await call('POST', `${url}/extend`, { body: { hours: '4 days' } });
  assert.ok(Date.parse(moved.json().ends_at) > Date.parse(made.body.ends_at));
  world.people.invitations = world.people.invitations.map((row) =>
    row.id === made.body.id ? { ...row, person: member.id } : row,
  );
  assert.deepEqual(
    [(await call('GET', url)).json().state, (await call('GET', url)).json().person],
    ['taken', member.id],
  );
  assert.equal((await call('POST', `${url}/revoke`)).json().state, 'revoked');
  const listed = async (state: string) =>
    (await call('GET', `/api/invitations?state=${state}`)).json().invitations.length;
  assert.deepEqual([await listed('revoked'), await listed('open'), await listed('taken')], [1, 1, 0]);
  world.now = Date.parse('2027-02-01T00:00:00Z');
  assert.equal(await listed('ended'), 1);
  await app.close();
});

test('providers are shown with how they are and what to enter there, and tested on demand', async () => {
  const { world, call, app } = await openDoor({ publicUrl: new URL('https://gate.example.com') });
  const { providers } = (await call('GET', '/api/identity-providers')).json();
  assert.deepEqual(providers[0], {
    ...{ name: 'okta', label: 'Acme sign-in', protocol: 'oidc', domains: ['acme.com'], issuer: ISSUER },
    ...{ callback: 'https://gate.example.com/signin/callback/okta', state: 'ok', trouble: null },
  });
  assert.equal(providers[1].label, 'adfs');
  const first = (await call('GET', '/api/identity-providers?limit=1')).json();
  const second = (await call('GET', `/api/identity-providers?limit=1&cursor=${first.cursor}`)).json();
  assert.deepEqual([second.providers[0].name, second.cursor], ['adfs', null]);
  assert.equal((await call('GET', '/api/identity-providers?cursor=gone')).statusCode, 400);
  assert.equal((await call('GET', '/api/identity-providers/OKTA')).json().name, 'okta');
  assert.equal((await call('GET', '/api/identity-providers/none')).statusCode, 404);
  const tested = await call('POST', '/api/identity-providers/okta/test');
  assert.deepEqual(tested.json(), { ok: true, points: world.people.points });
  world.people.points = [{ point: 'secret', state: 'failed', message: 'The provider refuses the secret.' }];
  assert.equal((await call('POST', '/api/identity-providers/okta/test')).json().ok, false);
  assert.equal((await call('POST', '/api/identity-providers/none/test')).statusCode, 404);
  assert.deepEqual(world.people.tested, [
    ['okta', 'https://gate.example.com/'],
    ['okta', 'https://gate.example.com/'],
  ]);
  await app.close();
  // What a caller claims as Host is told to no provider.
  const local = await openDoor();
  const headers = { host: 'evil.example' };
  const refused = await local.call('POST', '/api/identity-providers/okta/test', { headers });
  assert.deepEqual([refused.statusCode, local.world.people.tested], [409, []]);
  const shown = await local.call('GET', '/api/identity-providers/okta', { headers });
  assert.equal(shown.json().callback, null);
  await local.app.close();
});

test('roles are listed with what gives them, and assigned to others alone', async () => {
  const { world, call, owner, member, app } = await openDoor();
  const team = world.team('Payments');
  const adam = world.party('adam@example.com');
  world.people.roles.set(adam.id, 'admin');
  world.people.leads.set(adam.id, [team.id]);
  world.party('gone@example.com', { role: 'admin', name: null, erasedAt: NOW, disabledAt: NOW });
  const over = world.party('over@example.com', { role: 'auditor', endsAt: NOW });
  const { roles } = (await call('GET', '/api/roles')).json();
  assert.deepEqual(
    roles.map((one: Record<string, unknown>) => [one.person, one.role, one.assigned, one.reason, one.active]),
    [
      [over.id, 'auditor', 'auditor', 'assigned in the directory', false],
      [adam.id, 'admin', 'member', 'group okta/platform', true],
      [owner.id, 'primary_owner', 'primary_owner', 'assigned in the directory', true],
    ],
  );
  assert.deepEqual(roles[1].leads, [{ id: team.id, name: 'Payments' }]);
  const members = (await call('GET', '/api/roles?role=member')).json().roles;
  assert.deepEqual(
    members.map((one: { email: string }) => one.email),
    ['mia@example.com'],
  );
  const put = async (who: string, role: string) => {
    const answer = await call('PUT', `/api/people/${who}/role`, { body: { role } });
    return [answer.statusCode, answer.json().code ?? answer.json().role];
  };
  assert.deepEqual(await put(member.id, 'auditor'), [200, 'auditor']);
  // What the policy gives stays.
  assert.deepEqual(await put(adam.id, 'member'), [200, 'admin']);
  assert.deepEqual(await put(owner.id, 'member'), [403, 'second_person_needed']);
  assert.deepEqual(await put(member.id, 'primary_owner'), [400, 'invalid']);
  assert.deepEqual(await put('nobody%40example.com', 'admin'), [404, 'resource_unknown']);
  assert.deepEqual(world.changes, ['role.changed', 'role.changed']);
  await app.close();
});

test('P5: the ownership is shown and handed over, and a sealed way in is told once', async () => {
  const { world, call, owner, member, app } = await openDoor();
  const show = async () => (await call('GET', '/api/owner')).json();
  assert.deepEqual(await show(), { person: owner.id, email: 'olga@example.com', sealed: false });
  const sealed = await call('POST', '/api/owner/break-glass');
  assert.deepEqual([sealed.statusCode, Object.keys(sealed.json())], [201, ['secret']]);
  assert.equal((await show()).sealed, true);
  assert.doesNotMatch((await call('GET', '/api/owner')).body, /ghb_/);
  const moved = await call('POST', '/api/owner/transfer', { body: { to: 'MIA@example.com', reason: 'SEC-1' } });
  assert.equal(moved.json().person, member.id);
  assert.equal((await call('POST', '/api/owner/transfer', { body: { to: owner.id } })).json().code, 'role_required');
  world.parties = world.parties.map((row) => ({ ...row, role: 'admin' as const }));
  assert.equal((await call('GET', '/api/owner')).statusCode, 404);
  await app.close();
});
