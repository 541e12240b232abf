/** `policy` and `budgets`, with and without a gateway. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadPolicy } from '../../src/policy/load.ts';
import { Terminal, terminalWithDoor } from './fake-io.ts';

const SONNET = 'access:\n  - { allow: claude-sonnet-5-5, to: everyone }\n';
const WRONG = 'access:\n  - { alow: claude-sonnet-5-5, to: everyone }\n';

function write(terminal: Terminal, name: string, text: string | Buffer): void {
  writeFileSync(join(terminal.home, name), text);
}

test('init writes a policy that is valid and lets somebody work, and never overwrites one', async () => {
  const terminal = new Terminal();
  assert.equal(await terminal.run('policy', 'init'), 0, terminal.err);
  const text = readFileSync(join(terminal.home, 'policy.yaml'), 'utf8');
  const loaded = loadPolicy({ text, file: 'policy.yaml' });
  assert.ok(loaded.ok);
  assert.deepEqual(loaded.findings, [], 'nothing is to be remarked on it');
  const subject = {
    kind: 'person',
    id: 'per_1',
    name: 'a@b.example',
    key: '',
    teams: [],
    team: null,
    groups: [],
  } as const;
  const effect = (name: string) => loaded.policy.decide({ subject, resource: { kind: 'model', name }, now: 0 }).effect;
  assert.deepEqual([effect('claude-sonnet-5-5'), effect('claude-opus-5-5'), effect('other')], ['allow', 'ask', 'deny']);
  // What stands in comments is to be uncommented: it must be valid too.
  const whole = text.replace(/^( *)# ( *(?:teams:|payments:|server_side:|- \{))/gm, '$1$2');
  const uncommented = loadPolicy({ text: whole, file: 'policy.yaml' });
  assert.ok(uncommented.ok && uncommented.policy.teams.size === 1 && uncommented.policy.rules.length === 4, whole);
  write(terminal, 'policy.yaml', 'mine');
  assert.equal(await terminal.run('policy', 'init'), 1);
  assert.match(terminal.err, /policy\.yaml is already there/);
  assert.equal(readFileSync(join(terminal.home, 'policy.yaml'), 'utf8'), 'mine');
  terminal.close();
});

test('check needs no gateway: faults by file, line and column and exit 1, remarks on what is valid', async () => {
  const terminal = new Terminal();
  write(terminal, 'wrong.yaml', WRONG);
  assert.equal(await terminal.run('policy', 'check', 'wrong.yaml'), 1);
  assert.match(terminal.out, /^wrong\.yaml:2:7: access\[0\]\.alow: unknown key\. Did you mean "allow"\?$/m);
  assert.match(terminal.err, /The policy has .*problem/);
  assert.equal(await terminal.run('policy', 'check', 'wrong.yaml', '--json'), 1);
  const { error } = terminal.json() as { error: { problems: { line: number }[] } };
  assert.equal(error.problems[0]?.line, 2);
  write(
    terminal,
    'right.yaml',
    `${SONNET}  - { allow: claude-opus-5-5, to: team a, until: 2026-11-23 }\nteams: { a: {} }\n`,
  );
  assert.equal(await terminal.run('policy', 'check', 'right.yaml'), 0);
  assert.match(terminal.out, /^✓ right\.yaml is valid: 2 rules, 0 rates, 0 budgets, 1 team\.\n/);
  assert.match(terminal.out, /^! right\.yaml:2: access\[0\]: no enforced budget counts people$/m);
  assert.match(terminal.out, /^- right\.yaml:3: access\[1\]: has expired and can be removed$/m);
  assert.equal(await terminal.run('policy', 'check', 'right.yaml', '--json'), 0);
  assert.equal(terminal.json().valid, true);
  assert.equal(await terminal.run('policy', 'check', 'none.yaml'), 2);
  assert.match(terminal.err, /none\.yaml cannot be read: there is no such file\.$/m);
  assert.equal(await terminal.run('policy', 'check', '.'), 2);
  assert.match(terminal.err, /cannot be read: it is a folder\.$/m);
  for (const nothing of [
    'access: []\n',
    'access: [{ deny: claude-opus-*, to: everyone }]\n',
    `mode: enforce\nserver_side: [{ allow: web_search, to: everyone }]\n`,
  ]) {
    write(terminal, 'nothing.yaml', nothing);
    assert.equal(await terminal.run('policy', 'check', 'nothing.yaml'), 0);
    assert.match(terminal.out, /^! No rule allows a model: every call would be refused\.$/m, nothing);
  }
  write(terminal, 'asks.yaml', 'access: [{ ask: claude-opus-*, to: everyone }]\n');
  assert.equal(await terminal.run('policy', 'check', 'asks.yaml'), 0);
  assert.doesNotMatch(terminal.out, /No rule allows/);
  write(terminal, 'bytes.yaml', Buffer.from([0x61, 0xff, 0xfe]));
  assert.equal(await terminal.run('policy', 'check', 'bytes.yaml'), 2);
  assert.match(terminal.err, /not UTF-8/);
  write(terminal, 'large.yaml', '#'.repeat(1024 * 1024 + 1));
  assert.equal(await terminal.run('policy', 'check', 'large.yaml'), 1);
  assert.match(terminal.out, /over 1 MiB/);
  write(terminal, 'largest.yaml', '#'.repeat(1024 * 1024));
  assert.equal(await terminal.run('policy', 'check', 'largest.yaml'), 0);
  assert.deepEqual(terminal.requests, []);
  terminal.close();
});

test('schema prints the schema of the docs', async () => {
  const terminal = new Terminal();
  assert.equal(await terminal.run('policy', 'schema'), 0);
  const file = new URL('../../docs/policy.schema.json', import.meta.url);
  assert.deepEqual(terminal.json(), JSON.parse(readFileSync(file, 'utf8')));
  terminal.close();
});

test('test runs the tests of a policy, of the one in force unless a file is named', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const tests = [
    'tests:',
    '  - { person: ada@example.com, model: claude-sonnet-5-5, expect: allow, by: "access[0]" }',
    '  - { name: no opus, person: ada@example.com, model: claude-opus-5-5, expect: deny }',
  ].join('\n');
  write(terminal, 'policy.tests.yaml', tests);
  write(terminal, 'policy.yaml', SONNET);
  const offline = ['policy', 'test', 'policy.tests.yaml', '--policy', 'policy.yaml'];
  assert.equal(await terminal.run(...offline), 0, terminal.err);
  assert.equal(terminal.out, '✓ 2 tests of policy.yaml passed.\n');
  assert.deepEqual(terminal.requests, []);
  assert.equal(await terminal.run('policy', 'test', 'policy.tests.yaml'), 1);
  assert.match(terminal.err, /No policy is in force/);
  door.world.policies.put('access:\n  - { allow: claude-opus-5-5, to: everyone }\n');
  assert.equal(await terminal.run('policy', 'test', 'policy.tests.yaml'), 1);
  assert.match(
    terminal.out,
    /^policy\.tests\.yaml:3: no opus: expected deny, got allow\n {2}decided by access\[0\] \(line 2\)/m,
  );
  assert.match(terminal.err, /2 of 2 tests of revision 1 failed/);
  assert.equal(await terminal.run('policy', 'test', 'policy.tests.yaml', '--json'), 1);
  write(terminal, 'policy.tests.yaml', 'tests: [{ person: ada@example.com }]');
  assert.equal(await terminal.run(...offline), 1);
  assert.match(terminal.out, /^policy\.tests\.yaml:1:/m);
  await close();
});

test('apply shows what changes, asks, and applies what was shown; a script must say --yes', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const { policies } = door.world;
  write(terminal, 'policy.yaml', SONNET);
  const argv = ['policy', 'apply', 'policy.yaml', '--reason', 'SEC-214'];
  assert.equal(await terminal.run(...argv), 2, 'nobody to ask');
  assert.match(terminal.err, /claude-sonnet-5-5: gained by 2 people: mia@example\.com, olga@example\.com/);
  terminal.answerToAsk = 'no';
  assert.equal(await terminal.run(...argv), 1);
  assert.match(terminal.err, /Nothing was changed/);
  assert.equal(policies.rows.length, 0);
  terminal.answerToAsk = 'apply';
  assert.equal(await terminal.run(...argv), 0, terminal.err);
  assert.match(terminal.out, /^Applied: revision 1 is in force\.$/m);
  assert.deepEqual([policies.rows[0]?.reason, policies.rows[0]?.text], ['SEC-214', SONNET]);
  assert.match(terminal.requests.at(-1)?.body ?? '', /"expect":0/);
  terminal.answerToAsk = null;
  assert.equal(await terminal.run(...argv, '--yes'), 0);
  assert.match(terminal.out, /Nothing changes\.[\s\S]*Revision 1 already says this: nothing was changed\./);
  write(terminal, 'policy.yaml', '{}');
  assert.equal(await terminal.run(...argv, '--yes', '--json'), 0);
  assert.equal(terminal.json().revision, 2);

  // Somebody else applies another one between the question and the answer.
  write(terminal, 'policy.yaml', SONNET);
  const io = terminal.http;
  terminal.http = async (request) => {
    const answer = await io(request);
    if (request.url.pathname.endsWith('/diff')) policies.put('access: []');
    return answer;
  };
  assert.equal(await terminal.run(...argv, '--yes'), 1);
  assert.match(terminal.err, /revision 3, not the one that was expected/);
  await close();
});

test('P8: apply and diff send nothing that is not valid here, and show where another version finds faults', async () => {
  const { terminal, close } = await terminalWithDoor();
  write(terminal, 'policy.yaml', WRONG);
  for (const verb of ['apply', 'diff', 'replay']) {
    assert.equal(await terminal.run('policy', verb, 'policy.yaml'), 1);
    assert.match(terminal.out, /^policy\.yaml:2:5: /m);
  }
  assert.deepEqual(terminal.requests, []);
  write(terminal, 'policy.yaml', SONNET);
  const errors = [{ pointer: 'access[0]', detail: '2:5: is not known here.' }];
  const problem = { code: 'invalid', detail: 'The policy is not valid.', errors };
  terminal.http = async () => ({ status: 400, headers: {}, text: JSON.stringify(problem) });
  assert.equal(await terminal.run('policy', 'diff', 'policy.yaml'), 1);
  assert.equal(terminal.out, 'policy.yaml:2:5: is not known here. (access[0])\n');
  await close();
});

test('a policy that a file says is not applied from here: one sentence, before anybody is asked', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  door.world.policies.put(SONNET);
  door.world.policies.file = '/etc/gatehouse/policy.yaml';
  write(terminal, 'policy.yaml', '{}');
  for (const argv of [
    ['apply', 'policy.yaml'],
    ['rollback', '1'],
  ]) {
    assert.equal(await terminal.run('policy', ...argv), 1);
    assert.match(terminal.err, /is the file \/etc\/gatehouse\/policy\.yaml on its machine\.\n {2}Change that file/);
  }
  assert.ok(terminal.requests.every(({ method }) => method === 'GET'));
  await terminal.run('policy', 'show');
  assert.match(terminal.out, /From the file \/etc\/gatehouse\/policy\.yaml/);
  await close();
});

test('history, show, export and rollback', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const { policies } = door.world;
  assert.equal(await terminal.run('policy', 'history'), 0);
  assert.equal(terminal.out, 'No policy was ever applied.\n');
  const asked = ['policy', 'explain', '--person', 'olga@example.com', '--model', 'claude-sonnet-5-5'];
  for (const argv of [['policy', 'show'], ['policy', 'export'], asked]) {
    assert.equal(await terminal.run(...argv), 1);
    assert.match(
      terminal.err,
      /No policy is in force[^\n]*\n {2}Write one with: gatehouse policy init /,
      argv.join(' '),
    );
  }
  assert.equal(await terminal.run('policy', 'show', '7'), 1);
  assert.doesNotMatch(terminal.err, /policy init/, 'another thing is unknown');
  policies.put(SONNET, { author: door.owner.id, reason: 'first' });
  policies.put('# \u001b[2J\naccess: []\n');
  assert.equal(await terminal.run('policy', 'explain', '--person', 'nobody@example.com', '--model', 'm'), 1);
  assert.doesNotMatch(terminal.err, /policy init/, 'it is the person who is unknown');
  await terminal.run('policy', 'history');
  assert.match(terminal.out, /^ +2 +2026-11-24 12:00 +system/m);
  assert.match(terminal.out, /^ +1 +2026-11-24 12:00 +olga@example\.com +first$/m);
  assert.equal(await terminal.run('policy', 'show'), 0);
  assert.match(
    terminal.out,
    /^Revision 2, applied 2026-11-24 12:00 UTC by system\n[\s\S]*# \\u\{1b\}\[2J\naccess: \[\]\n$/,
  );
  await terminal.run('policy', 'show', '1');
  assert.match(terminal.out, /by olga@example\.com: first\n\naccess:/);
  assert.equal(await terminal.run('policy', 'show', 'x'), 2);
  await terminal.run('policy', 'export');
  assert.equal(terminal.out, policies.rows[1]?.text, 'a pipe gets every byte');
  terminal.isTerminal = true;
  await terminal.run('policy', 'export');
  assert.ok(!terminal.out.includes('\u001b'));
  terminal.isTerminal = false;
  assert.equal(await terminal.run('policy', 'export', 'out.yaml'), 0);
  assert.equal(readFileSync(join(terminal.home, 'out.yaml'), 'utf8'), policies.rows[1]?.text);
  assert.equal(await terminal.run('policy', 'export', 'out.yaml'), 1);

  terminal.answerToAsk = 'rollback';
  assert.equal(await terminal.run('policy', 'rollback', '1', '--reason', 'INC-42'), 0, terminal.err);
  assert.match(terminal.err, /Going back to revision 1[\s\S]*gained by/);
  assert.match(terminal.out, /^Rolled back: revision 3 is in force\.$/m);
  assert.deepEqual([policies.rows[2]?.text, policies.rows[2]?.restores], [SONNET, 1]);
  await terminal.run('policy', 'show');
  assert.match(terminal.out, /^Revision 3, .*, back to 1: INC-42$/m);
  assert.ok(!existsSync(join(terminal.home, 'policy.yaml')));
  await close();
});

test('explain asks the policy in force, or a file; replay tries one on the past', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  door.world.policies.put(SONNET);
  const who = ['policy', 'explain', '--person', 'mia@example.com'];
  assert.equal(await terminal.run(...who, '--model', 'claude-opus-5-5'), 0, terminal.err);
  assert.match(
    terminal.out,
    /^The gateway refuses this call \(not_permitted\) now\.\n\nmia@example\.com may not call claude-opus-5-5/,
  );
  write(terminal, 'new.yaml', 'access: [{ allow: "*", to: everyone }]');
  assert.equal(await terminal.run(...who, '--model', 'claude-opus-5-5', '--policy', 'new.yaml'), 0);
  assert.match(terminal.out, /^The gateway lets this call through now\./);
  assert.equal(await terminal.run(...who, '--capability', 'web_search', '--json'), 0);
  assert.equal(terminal.json().code, 'not_permitted');
  assert.equal(await terminal.run(...who), 2);
  assert.equal(await terminal.run(...who, '--service', 's', '--model', 'm'), 2);
  assert.equal(await terminal.run('policy', 'replay', 'new.yaml', '--days', '3'), 0, terminal.err);
  assert.match(terminal.out, /0 calls seen/);
  assert.match(terminal.requests.at(-1)?.body ?? '', /"days":3/);
  assert.equal(await terminal.run('policy', 'replay', 'new.yaml', '--days', '91'), 2);
  await close();
});

test('budgets are a table with exact cents, percent and the next beginning', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const { policies } = door.world;
  assert.equal(await terminal.run('budgets'), 0);
  assert.match(terminal.out, /No budget is in force/);
  policies.put(
    'budgets:\n  - { for: organization, limit: 200 USD/month }\n  - { each: person, limit: 50 USD/month }\n',
  );
  const facts = { who: door.member.id, kind: 'person', name: null, key: 'k', team: null, teamName: null } as const;
  policies.ledger.reserve(
    { id: 'rec_1', facts: { ...facts, model: 'm', day: '2026-11-24' }, bound: null, estimate: 1 },
    () => 0,
  );
  policies.ledger.settle('rec_1', 12_345_678);
  policies.waiting = 1;
  assert.equal(await terminal.run('budgets'), 0);
  assert.match(
    terminal.out,
    /^Budgets on 2026-11-24 \(UTC\), in USD\n\nBUDGET +WHOM +SPENT +HELD +LIMIT +% +RESETS \(UTC\)$/m,
  );
  assert.match(terminal.out, / organization +12\.35 +0\.00 +200\.00 +6\.2 +2026-12-01 00:00$/m);
  assert.match(terminal.out, / mia@example\.com +12\.35 +0\.00 +50\.00 +24\.7 +2026-12-01 00:00$/m);
  assert.match(terminal.out, /not known yet/);
  assert.equal(await terminal.run('budgets', '--scope', 'person', '--json'), 0);
  assert.equal((terminal.json().budgets as unknown[]).length, 1);
  assert.equal(await terminal.run('budgets', '--scope', 'galaxy'), 2);
  await close();
});
