/** `idp`, `identities`, `guests`, `roles`, `sessions`, `owner seal` and `transfer`, `proposals`. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { waiting } from '../store/rows.ts';
import { terminalWithDoor } from './fake-io.ts';

test('idp list says what to paste at the provider; idp test says what is wrong, and fails', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  assert.equal(await terminal.run('idp', 'list'), 0, terminal.err);
  assert.match(terminal.out, /^okta +oidc +acme\.com +ok +http:\/\/localhost\/signin\/callback\/okta$/m);
  assert.equal(await terminal.run('idp', 'test', 'okta'), 0, terminal.err);
  assert.match(terminal.out, /^ok +discovery: The provider answers\.$/m);
  door.world.people.points = [{ point: 'clock', state: 'failed', message: 'The clocks differ by 9 min: set yours.' }];
  assert.equal(await terminal.run('idp', 'test', 'okta'), 1);
  assert.match(terminal.out, /^FAILED +clock: The clocks differ by 9 min/m);
  assert.match(terminal.err, /People cannot sign in there yet\./);
  assert.equal(await terminal.run('idp', 'test', 'nowhere'), 1);
  assert.match(terminal.err, /no identity provider with this name/);
  await close();
});

test('who waits is shown, linked or discarded, and unlinked again', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const { people } = door.world;
  assert.equal(await terminal.run('identities', 'waiting'), 0);
  assert.equal(terminal.out, 'Nobody waits.\n');
  const row = waiting(door.member.id, { email: 'mia@example.com' });
  people.waiting.push(row);
  assert.equal(await terminal.run('identities', 'waiting'), 0);
  assert.match(terminal.out, new RegExp(`^mia@example\\.com +okta .*${row.id}$`, 'm'));
  assert.equal(await terminal.run('identities', 'link', row.id), 0, terminal.err);
  assert.match(terminal.out, /^Linked: okta is mia@example\.com from now on\.$/m);
  assert.deepEqual([people.identities.length, people.waiting.length], [1, 0]);
  assert.equal(await terminal.run('identities', 'list', '--person', 'mia@example.com'), 0);
  const id = /([0-9a-f]{32})$/m.exec(terminal.out)?.[1] ?? '';
  assert.equal(await terminal.run('identities', 'unlink', id), 0, terminal.err);
  assert.deepEqual(people.identities, []);
  people.waiting.push(row);
  assert.equal(await terminal.run('identities', 'discard', row.id), 0, terminal.err);
  assert.deepEqual([people.waiting.length, people.identities.length], [0, 0]);
  await close();
});

test('a guest is invited with a sponsor and an end, which moves, and revoked', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const argv = ['guests', 'invite', 'pat@partner.example', '--provider', 'okta'];
  assert.equal(await terminal.run(...argv), 2, 'an end is needed');
  assert.equal(await terminal.run(...argv, '--until', '30 days', '--sponsor', 'mia@example.com'), 0, terminal.err);
  assert.match(terminal.out, /^Invited: pat@partner\.example \(inv_\w+\), at okta, until 2026-12-24/m);
  const [invitation] = door.world.people.invitations;
  assert.equal(invitation?.sponsor, door.member.id);
  assert.equal(await terminal.run('guests', 'list'), 0);
  assert.match(terminal.out, /^pat@partner\.example +okta +mia@example\.com +open /m);
  assert.equal(await terminal.run('guests', 'extend', invitation?.id ?? '', '--until', '2027-01-31'), 0, terminal.err);
  assert.match(terminal.out, /until 2027-02-01 00:00 UTC$/m);
  assert.equal(await terminal.run('guests', 'revoke', invitation?.id ?? ''), 0, terminal.err);
  assert.notEqual(door.world.people.invitations[0]?.revokedAt, null);
  await close();
});

test('roles are shown with their reason, and assigned', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  assert.equal(
    await terminal.run('roles', 'set', 'mia@example.com', 'auditor', '--reason', 'audit of Q4'),
    0,
    terminal.err,
  );
  assert.equal(terminal.out, 'mia@example.com: auditor\n');
  assert.equal(await terminal.run('roles'), 0);
  assert.match(terminal.out, /^mia@example\.com +auditor +\S/m);
  assert.match(terminal.out, /^olga@example\.com +primary owner +\S/m);
  assert.equal(await terminal.run('roles', 'set', 'mia@example.com', 'emperor'), 1);
  assert.equal(door.world.parties.find(({ id }) => id === door.member.id)?.role, 'auditor');
  await close();
});

test('sessions are listed and ended, one or all of a person', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const { people } = door.world;
  const [one] = [people.session(door.member.id), people.session(door.member.id)];
  assert.equal(await terminal.run('sessions', 'list'), 0, terminal.err);
  assert.match(terminal.out, new RegExp(`^mia@example\\.com +Firefox on Linux +okta +open .*${one.id}$`, 'm'));
  for (const secret of [one.secret, one.csrf, one.digest]) assert.ok(!terminal.out.includes(secret));
  assert.equal(await terminal.run('sessions', 'end', one.id, '--reason', 'lost laptop'), 0, terminal.err);
  assert.match(terminal.out, /^Ended: Firefox on Linux of mia@example\.com$/m);
  assert.equal(await terminal.run('sessions', 'end-all', 'mia@example.com'), 0, terminal.err);
  assert.equal(terminal.out, 'Ended: 1 session\n');
  assert.equal(await terminal.run('sessions', 'list'), 0);
  assert.equal(terminal.out, 'Nobody is signed in.\n');
  await close();
});

test('the primary owner seals a way in, shown once, and hands over only after saying so', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  assert.equal(await terminal.run('owner', 'seal'), 0, terminal.err);
  assert.match(terminal.out, /ghb_\w+[\s\S]*\/signin\/sealed/);
  assert.ok(door.world.people.sealed);
  assert.equal(await terminal.run('owner', 'transfer', 'mia@example.com'), 2, 'a script must say --yes');
  terminal.answerToAsk = 'yes';
  assert.equal(await terminal.run('owner', 'transfer', 'mia@example.com'), 1);
  terminal.answerToAsk = 'transfer';
  assert.equal(await terminal.run('owner', 'transfer', 'mia@example.com'), 0, terminal.err);
  const roles = Object.fromEntries(door.world.parties.map(({ name, role }) => [name, role]));
  assert.deepEqual([roles['mia@example.com'], roles['olga@example.com']], ['primary_owner', 'admin']);
  await close();
});
