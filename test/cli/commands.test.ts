import assert from 'node:assert/strict';
import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { JournalRecord } from '../../src/journal/records.ts';
import { Terminal, terminalWithDoor } from './fake-io.ts';

test('from the owner’s secret to a first key, and the token is kept for its owner alone', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  delete terminal.env.GATEHOUSE_TOKEN;
  assert.equal(await terminal.run('owner', 'claim', door.world.secret, '--email', 'boss@example.com'), 0);
  const file = join(terminal.home, '.config', 'gatehouse', 'credentials.json');
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.match(
    terminal.out,
    /gatehouse policy apply policy\.yaml\n[\s\S]*gatehouse keys create/,
    'the policy comes first',
  );
  assert.match(readFileSync(file, 'utf8'), /"http:\/\/127\.0\.0\.1:8787": \{\s*"token": "gha_/);
  assert.doesNotMatch(terminal.out + terminal.err, /gha_/, 'the token is not printed');
  assert.equal(
    await terminal.run('keys', 'create', '--person', 'boss@example.com', '--label', 'laptop'),
    0,
    terminal.err,
  );
  const secrets = terminal.out.match(/ghk_\w+/g) ?? [];
  assert.equal(secrets.length, 1, 'the secret is printed once');
  assert.match(terminal.out, /^ {2}export ANTHROPIC_BASE_URL=http:\/\/127\.0\.0\.1:8787$/m);
  assert.match(terminal.out, /^ {2}export ANTHROPIC_AUTH_TOKEN=ghk_\w+$/m);
  assert.equal(terminal.err, '');
  await close();
});

test('XDG_CONFIG_HOME is honoured, tokens are kept by gateway, a readable file is refused', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  delete terminal.env.GATEHOUSE_TOKEN;
  terminal.env.XDG_CONFIG_HOME = join(terminal.home, 'xdg');
  await terminal.run('owner', 'claim', door.world.secret, '--email', 'a@example.com', '--url', 'https://one.example/');
  await terminal.run('owner', 'claim', door.world.secret, '--email', 'b@example.com', '--url', 'https://two.example');
  const file = join(terminal.home, 'xdg', 'gatehouse', 'credentials.json');
  const kept = JSON.parse(readFileSync(file, 'utf8'));
  assert.deepEqual(Object.keys(kept.gateways), ['https://one.example', 'https://two.example']);
  assert.match(terminal.out, /--url https:\/\/two\.example keys create/, 'which of the two gateways is meant');
  assert.equal(await terminal.run('people', 'list', '--url', 'https://two.example'), 0);
  assert.equal(await terminal.run('people', 'list', '--url', 'https://three.example'), 1);
  assert.match(terminal.err, /no admin token for https:\/\/three\.example/);
  writeFileSync(file, JSON.stringify(kept), { mode: 0o644 });
  chmodSync(file, 0o644);
  assert.equal(await terminal.run('people', 'list', '--url', 'https://two.example'), 1);
  assert.match(terminal.err, /can be read by other users[\s\S]*chmod 600/);
  await close();
});

test('--json prints one object and nothing else, on success and on failure', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const key = door.world.credential(door.member.id).row.id;
  const lines: [string[], string[]][] = [
    [['people', 'list'], ['people']],
    [
      ['people', 'show', 'mia@example.com'],
      ['id', 'email', 'role', 'state'],
    ],
    [
      ['people', 'add', 'new@example.com'],
      ['id', 'email'],
    ],
    [
      ['teams', 'add', 'Payments'],
      ['id', 'name'],
    ],
    [['teams', 'list'], ['teams']],
    [['people', 'team', 'mia@example.com', 'Payments'], ['team_name']],
    [
      ['keys', 'create', '--person', 'mia@example.com'],
      ['key', 'secret'],
    ],
    [['keys', 'list'], ['keys']],
    [
      ['keys', 'show', key],
      ['id', 'state'],
    ],
    [
      ['keys', 'rotate', key],
      ['key', 'secret'],
    ],
    [
      ['keys', 'revoke', key, '--reason', 'lost'],
      ['id', 'state'],
    ],
    [['people', 'disable', 'mia@example.com'], ['state']],
    [['people', 'enable', 'mia@example.com'], ['state']],
    [['people', 'erase', 'mia@example.com', '--yes'], ['state']],
    [
      ['usage', '--by', 'person'],
      ['rows', 'total'],
    ],
    [
      ['usage', 'forecast', '--month', '2026-12'],
      ['rows', 'total'],
    ],
    [
      ['usage', 'unusual'],
      ['rows', 'today'],
    ],
    [['usage', 'rebuild'], ['records']],
    [
      ['audit', 'tail'],
      ['records', 'names'],
    ],
    [
      ['audit', 'search'],
      ['records', 'names'],
    ],
    [['audit', 'export'], ['records']],
    [
      ['backup', 'monday'],
      ['folder', 'files'],
    ],
    [['openapi'], ['openapi', 'paths']],
  ];
  for (const [argv, fields] of lines) {
    assert.equal(await terminal.run(...argv, '--json'), 0, `${argv.join(' ')}: ${terminal.out}`);
    const answer = terminal.json();
    for (const field of fields) assert.ok(field in answer, `${argv.join(' ')} has ${field}`);
    assert.equal(terminal.err, '', argv.join(' '));
  }
  assert.equal(await terminal.run('people', 'show', 'nobody@example.com', '--json'), 1);
  const { error } = terminal.json() as { error: Record<string, unknown> };
  assert.equal(error.code, 'resource_unknown');
  assert.equal(error.exit, 1);
  assert.match(String(error.record), /^rec_/);
  assert.equal(terminal.err, '');
  assert.equal(await terminal.run('audit', 'export', '--who', 'nobody@example.com', '--json'), 1);
  assert.ok('error' in terminal.json(), 'nothing stands before the error');
  await close();
});

test('exit codes: 1 refused, 2 wrong command line, 3 no gateway', async () => {
  const { terminal, close } = await terminalWithDoor();
  assert.equal(await terminal.run('people', 'show', 'nobody@example.com'), 1);
  assert.match(
    terminal.err,
    /^gatehouse: There is no person with this id or e-mail address\. \(record rec_\w+\)\n {2}\S/,
  );
  for (const argv of [
    ['nonsense'],
    ['keys', 'lst'],
    ['keys', 'list', '--bogus'],
    ['keys', 'create'],
    ['keys', 'create', '--person', 'a', '--service', 'b'],
    ['usage', '--by', 'planet'],
    ['usage', '--month', '2026-11', '--from', '2026-11-01'],
    ['usage', '--csv', '--json'],
    ['usage', 'forecast', '--csv', '--json'],
    ['audit', 'search', '--limit', '0'],
    ['start', '--port', '70000'],
    ['people', 'list', '--url', 'ftp://example.com'],
    ['people', 'list', '--url', 'http://user:secret@example.com'],
    ['people', 'team', 'mia@example.com'],
    ['audit'],
  ]) {
    assert.equal(await terminal.run(...argv), 2, argv.join(' '));
    assert.match(argv.includes('--json') ? terminal.out : terminal.err, /gatehouse: .+\n|"message"/, argv.join(' '));
    assert.doesNotMatch(terminal.err + terminal.out, /\n\s+at |secret@/, 'no stack trace, no password');
  }
  assert.equal(await terminal.run('--help'), 0);
  assert.match(terminal.out, /Exit codes:\n {2}0[\s\S]*\n {2}4 /);
  assert.equal(await terminal.run('--version'), 0);
  await close();
  const alone = new Terminal();
  alone.env.GATEHOUSE_TOKEN = 'gha_x';
  assert.equal(await alone.run('people', 'list'), 3);
  assert.match(alone.err, /is not running\.\n {2}Start it with: gatehouse start/);
  alone.http = async () => ({ status: 200, headers: {}, text: '<html>a proxy</html>' });
  assert.equal(await alone.run('people', 'list'), 3);
  assert.match(alone.err, /not as a Gatehouse admin API does/);
  alone.close();
});

test('every command has examples in its help', async () => {
  const terminal = new Terminal();
  const walk = async (path: string[]): Promise<void> => {
    assert.equal(await terminal.run(...path, '--help'), 0, path.join(' '));
    const help = terminal.out;
    if (path.length > 0) assert.match(help, /\nExamples:\n {2}gatehouse /, path.join(' '));
    const commands = /\nCommands:\n([\s\S]*?)\n\n/.exec(`${help}\n\n`)?.[1] ?? '';
    for (const [, name] of commands.matchAll(/^ {2}(\w+)/gm)) {
      if (name !== undefined && name !== 'help') await walk([...path, name]);
    }
  };
  await walk([]);
  terminal.close();
});

test('P5: a token of the wrong kind never leaves, and the right one goes to the gateway only', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  terminal.env.GATEHOUSE_TOKEN = door.virtualKey;
  assert.equal(await terminal.run('people', 'list'), 1);
  assert.equal(terminal.requests.length, 0);
  assert.doesNotMatch(terminal.err, new RegExp(door.virtualKey));
  const file = join(terminal.home, 'token');
  writeFileSync(file, `${door.token}\n`);
  assert.equal(await terminal.run('people', 'list', '--token-file', file), 0, terminal.err);
  assert.equal(await terminal.run('openapi'), 0);
  assert.equal(terminal.requests.at(-1)?.headers.authorization, undefined, 'an open operation carries no token');
  assert.equal(await terminal.run('people', 'list', '--token-file', file, '--url', 'http://gate.example.com'), 0);
  assert.match(terminal.err, /not encrypted/);
  await close();
});

test('erasing asks, explains, and never happens by accident in a script', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  for (const command of [
    ['people', 'erase'],
    ['audit', 'erase'],
  ]) {
    assert.equal(await terminal.run(...command, 'mia@example.com'), 2);
    assert.match(terminal.err, /cannot be undone[\s\S]*become unreadable[\s\S]*Add --yes/);
    terminal.answerToAsk = 'yes';
    assert.equal(await terminal.run(...command, 'mia@example.com'), 1);
    assert.match(terminal.err, /Nothing was changed/);
    terminal.answerToAsk = null;
  }
  assert.deepEqual(door.world.changes, []);
  terminal.answerToAsk = 'mia@example.com';
  assert.equal(await terminal.run('audit', 'erase', 'mia@example.com'), 0);
  assert.deepEqual(door.world.changes, ['person.erased']);
  assert.match(terminal.out, /^Erased: erased \(per_/);
  await close();
});

const record = (seq: number, more: object = {}): JournalRecord => ({
  seq,
  prev: '00',
  id: `rec_${String(seq).padStart(26, '0')}`,
  at: '2026-11-24T11:00:00.000Z',
  kind: 'refusal',
  ...more,
});

test('audit tail --follow goes on with what comes, across a restart of the gateway, until a signal', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const answers = terminal.http;
  door.world.records.push(record(42, { who: door.member.id, code: 'first' }));
  let looks = 0;
  terminal.onSleep = () => {
    looks += 1;
    if (looks === 1) door.world.records.splice(0, 1, record(43, { who: door.member.id, code: 'second' }));
    else door.world.records.splice(0);
    if (looks === 2)
      terminal.http = async () => Promise.reject(Object.assign(new Error('x'), { code: 'ECONNREFUSED' }));
    if (looks === 4) terminal.http = answers;
    if (looks === 6) for (const listener of terminal.listeners) listener();
  };
  assert.equal(await terminal.run('audit', 'tail', '-f'), 0, terminal.err);
  const lines = terminal.out.trimEnd().split('\n');
  assert.match(lines[0] ?? '', /first/);
  assert.match(lines.at(-1) ?? '', /^2026-11-24 11:00:00 refusal {2}mia@example\.com second {2}rec_/);
  assert.equal(terminal.err.match(/Trying again/g)?.length, 1, 'said once, not every second');
  assert.deepEqual(door.world.auditQueries.at(-1)?.afterSeq, 43);
  assert.equal(terminal.listeners.size, 0);
  await close();
});
