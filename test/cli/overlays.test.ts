/** `stop`, `grants`, and the team of a key. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stop } from '../store/rows.ts';
import { terminalWithDoor } from './fake-io.ts';

test('P3: stop names what it stopped and how to undo it, for every kind of target', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const { world, member } = door;
  world.party('ci', { kind: 'service' });
  const key = world.credential(member.id).row.id;
  for (const [target, subject, shown] of [
    ['person', 'Mia@example.com', 'mia@example.com'],
    ['service', 'ci', 'ci'],
    ['key', key, key],
    ['session', 's-1', 's-1'],
    ['model', 'claude-opus-*', 'claude-opus-*'],
    ['upstream', 'anthropic', 'anthropic'],
  ] as const) {
    assert.equal(await terminal.run('stop', target, subject, '--reason', 'INC-42'), 0, terminal.err);
    const { id, reason } = world.stops.at(-1) ?? {};
    assert.equal(terminal.out, `Stopped: ${target} ${shown} (${id})\n`);
    assert.equal(reason, 'INC-42');
  }
  const { id } = world.stops.at(-1) ?? {};
  assert.equal(await terminal.run('stop', 'lift', id ?? '', '--reason', 'closed'), 0);
  assert.equal(terminal.out, `Lifted: upstream anthropic (${id})\n`);
  await close();
});

test('stop without a reason or a subject changes nothing', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const lines = [
    ['stop', 'person', 'mia@example.com'],
    ['stop', 'everything', '--yes'],
    ['stop', 'key', '--reason', 'r'],
    ['stop', 'world', '--reason', 'r'],
    ['stop'],
  ];
  for (const argv of lines) assert.equal(await terminal.run(...argv), 2, argv.join(' '));
  assert.deepEqual(terminal.requests, []);
  assert.deepEqual(door.world.stops, []);
  await close();
});

test('stop everything asks first, and a script must say --yes', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const argv = ['stop', 'everything', '--reason', 'INC-42'];
  assert.equal(await terminal.run(...argv), 2);
  assert.match(terminal.err, /every call of every person[\s\S]*Add --yes/);
  terminal.answerToAsk = 'yes';
  assert.equal(await terminal.run(...argv), 1);
  assert.match(terminal.err, /Nothing was changed/);
  assert.deepEqual(door.world.stops, []);
  terminal.answerToAsk = 'everything';
  assert.equal(await terminal.run(...argv), 0);
  assert.equal(await terminal.run('stop', 'list'), 0, 'the admin door is never stopped');
  assert.match(terminal.out, /^everything +INC-42 +olga@example\.com/m);
  terminal.answerToAsk = null;
  assert.equal(await terminal.run(...argv, '--yes', '--json'), 0);
  assert.equal(terminal.json().target, 'everything');
  await close();
});

test('stop list shows what is in force, with --all what was lifted, and nothing that rewrites a terminal', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  assert.equal(await terminal.run('stop', 'list'), 0);
  assert.equal(terminal.out, 'Nothing is stopped.\n');
  const subject = 's\u001b[2J';
  door.world.stops.push(stop({ liftedAt: door.world.now, reason: 'over now' }), stop({ target: 'session', subject }));
  await terminal.run('stop', 'list');
  assert.ok(!terminal.out.includes('over now') && !terminal.out.includes('\u001b'));
  assert.match(terminal.out, /^session +s\\u\{1b\}\[2J +pasted into a chat +system/m);
  await terminal.run('stop', 'list', '--all');
  assert.match(terminal.out, /^key +key_x +over now .* 2026-11-24 12:00 +stp_/m);
  await terminal.run('stop', 'list', '--all', '--json');
  assert.equal((terminal.json().stops as unknown[]).length, 2);
  await close();
});

test('grants are added in money or as an approval, for a time, and revoked', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const { world } = door;
  const now = () => world.now;
  const add = (...argv: string[]) => terminal.run('grants', 'add', ...argv, '--reason', 'INC-42');
  const start = now();
  assert.equal(await add('--for', 'organization', '--usd', '1234.5', '--hours', '8'), 0, terminal.err);
  const budget = world.grants.at(-1);
  assert.deepEqual([budget?.micros, budget?.models, budget?.endsAt], [1_234_500_000, null, start + 8 * 3_600_000]);
  assert.equal(terminal.out, `Granted: 1,234.50 USD for organization until 2026-11-24 20:00 UTC (${budget?.id})\n`);
  assert.equal(await add('--for', 'mia@example.com', '--model', 'claude-opus-*', '--ends', '2027-01-31'), 0);
  const approval = world.grants.at(-1);
  assert.deepEqual([approval?.kind, approval?.models], ['approval', 'claude-opus-*']);
  assert.match(terminal.out, /^Granted: claude-opus-\* for mia@example\.com until 2027-02-01 00:00 UTC \(gra_/);
  assert.equal(await add('--for', 'organization', '--usd', '1', '--hours', '3 days'), 0);

  assert.equal(await terminal.run('grants', 'revoke', budget?.id ?? ''), 0);
  assert.equal(terminal.out, `Revoked: 1,234.50 USD for organization until 2026-11-24 20:00 UTC (${budget?.id})\n`);
  const made = [...world.grants];
  await terminal.run('grants', 'list');
  assert.match(terminal.out, /^approval +mia@example\.com +claude-opus-\* +active/m);
  assert.doesNotMatch(terminal.out, /1,234\.50/);
  world.grants.length = 0;
  await terminal.run('grants', 'list');
  assert.equal(terminal.out, 'No grant is in force.\n');
  world.grants.push(...made);
  await terminal.run('grants', 'list', '--all', '--json');
  assert.equal((terminal.json().grants as unknown[]).length, 3);
  const wrong = [
    ['--for', 'organization', '--hours', '8'],
    ['--for', 'organization', '--usd', '1', '--model', 'm', '--hours', '8'],
    ['--for', 'organization', '--usd', '1'],
    ['--for', 'organization', '--usd', '1', '--hours', '8', '--ends', '2027-01-31'],
    ['--usd', '1', '--hours', '8'],
  ];
  for (const argv of wrong) assert.equal(await add(...argv), 2, argv.join(' '));
  assert.equal(await terminal.run('grants', 'add', '--for', 'organization', '--usd', '1', '--hours', '8'), 2);
  assert.equal(await add('--for', 'organization', '--usd', '1,5', '--hours', '8'), 1);
  assert.match(terminal.err, /usd: must be US dollars/);
  await close();
});

test('a key of a person may name a team, which the list shows', async () => {
  const { terminal, close } = await terminalWithDoor();
  await terminal.run('teams', 'add', 'Research');
  const argv = ['keys', 'create', '--person', 'mia@example.com', '--team', 'research'];
  assert.equal(await terminal.run(...argv), 0, terminal.err);
  await terminal.run('keys', 'list');
  assert.match(terminal.out, /mia@example\.com +Research +active/);
  await close();
});
