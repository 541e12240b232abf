import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectLines } from '../../src/cli/connect.ts';
import { safeJson } from '../../src/cli/fields.ts';
import { Progress } from '../../src/cli/progress.ts';
import { table } from '../../src/cli/table.ts';
import { Terminal, terminalWithDoor } from './fake-io.ts';

const HOSTILE = '\u001b]0;owned\u0007\u009b31m\u202eevil\r\nline';
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not be printed
const UNSAFE = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;

/** Answers every question with this text in every field that a command could print. */
function hostileServer(status: number): Terminal {
  const terminal = new Terminal();
  terminal.env.GATEHOUSE_TOKEN = 'gha_x';
  const fields = Object.fromEntries(
    [
      ...[
        'id',
        'email',
        'role',
        'team_name',
        'state',
        'name',
        'created_at',
        'expires_at',
        'last_used_at',
        'hint',
        'label',
      ],
      ...[
        'owner_name',
        'kind',
        'rotated_to',
        'at',
        'who',
        'code',
        'model',
        'detail',
        'title',
        'remedy',
        'record',
        'action',
      ],
      ...[
        'actor',
        'subject',
        'reason',
        'result',
        'value',
        'from',
        'to',
        'team',
        'month',
        'today',
        'explanation',
        'folder',
        'event',
        'version',
        HOSTILE,
      ],
    ].map((name) => [name, HOSTILE]),
  );
  const key = { ...fields, kind: 'key' };
  const body = {
    ...fields,
    people: [fields],
    teams: [fields],
    keys: [fields],
    rows: [fields],
    records: ['intent', 'outcome', 'refusal', 'change', 'gateway', 'strangers', HOSTILE].map((kind) => ({
      ...fields,
      kind,
    })),
    names: { [HOSTILE]: HOSTILE },
    key,
    secret: HOSTILE,
    cursor: null,
  };
  terminal.http = async () => ({ status, headers: {}, text: JSON.stringify(body) });
  return terminal;
}

const LINES = [
  ['people', 'list'],
  ['people', 'show', 'x'],
  ['teams', 'list'],
  ['keys', 'list'],
  ['keys', 'show', 'x'],
  ['keys', 'create', '--person', 'x'],
  ['usage'],
  ['usage', '--csv'],
  ['usage', 'forecast'],
  ['usage', 'forecast', '--csv'],
  ['usage', 'unusual'],
  ['audit', 'tail'],
  ['audit', 'show', 'x'],
  ['audit', 'export'],
  ['audit', 'export', '--format', 'csv'],
  ['backup', 'x'],
  ['openapi'],
];

test('terminal escapes and direction marks from the gateway are never printed, in any command', async () => {
  for (const status of [200, 403]) {
    const terminal = hostileServer(status);
    for (const argv of LINES) {
      for (const json of [[], ['--json']]) {
        if (json.length > 0 && argv.includes('--csv')) continue;
        await terminal.run(...argv, ...json);
        const printed = (terminal.out + terminal.err).replaceAll('\r\n', '\n');
        assert.doesNotMatch(printed, UNSAFE, argv.join(' '));
        assert.match(printed, /owned/, argv.join(' '));
      }
    }
    terminal.close();
  }
});

test('JSON that is made safe means the same', () => {
  const value = { text: `${HOSTILE}\u2028\ufeff😀` };
  assert.deepEqual(JSON.parse(safeJson(value)), value);
  assert.doesNotMatch(safeJson(value), UNSAFE);
});

test('formulas in CSV are disarmed', async () => {
  const { terminal, door, close } = await terminalWithDoor();
  const team = { id: 'tea_x', name: '=HYPERLINK("http://evil","x")', createdAt: 0 };
  door.world.teams.push(team);
  const zero = { failed: 0, refused: 0, unmetered: 0, inputTokens: 1, outputTokens: 2, cacheReadTokens: 3 };
  const more = { cacheWrite5mTokens: 4, cacheWrite1hTokens: 5, webSearches: 6 };
  const money = { costMicros: 9_007_199_254_740_991, meteredMicros: 20 };
  door.world.usage.push({ value: 'tea_x', calls: 7, ...zero, ...more, ...money });
  assert.equal(await terminal.run('usage', '--csv'), 0);
  const [header, row] = terminal.out.split('\r\n');
  assert.equal(
    header,
    'team,name,cost_usd,metered_usd,calls,failed,refused,unmetered,input_tokens,cache_write_5m_tokens,cache_write_1h_tokens,cache_read_tokens,output_tokens,web_searches',
  );
  assert.equal(row, `tea_x,"'=HYPERLINK(""http://evil"",""x"")",9007199254.740991,0.000020,7,0,0,0,1,4,5,3,2,6`);
  await close();
});

test('a table fits the terminal, and a pipe gets every character', () => {
  const columns = [
    { title: 'name', shrinks: true },
    { title: 'n', right: true },
  ];
  const rows = [
    ['a long name that does not fit', '1'],
    ['short', '1,000'],
  ];
  assert.deepEqual(
    table(columns, rows, 20),
    ['NAME               N', 'a long name …      1', 'short          1,000'].map((line) => line),
  );
  assert.ok(table(columns, rows, 20).every((line) => line.length <= 20));
  assert.match(table(columns, rows, null)[1] ?? '', /a long name that does not fit/);
});

test('colour only where a terminal shows it and nobody asked for none', async () => {
  const terminal = new Terminal();
  const file = join(terminal.home, 'gatehouse.yaml');
  writeFileSync(file, 'data: /nowhere\n');
  terminal.isTerminal = true;
  await terminal.run('check', file);
  assert.ok(terminal.out.includes('\u001b'));
  terminal.env.NO_COLOR = '1';
  await terminal.run('check', file);
  assert.ok(!terminal.out.includes('\u001b'));
  terminal.env = {};
  terminal.isTerminal = false;
  await terminal.run('check', file);
  assert.ok(!terminal.out.includes('\u001b'));
  terminal.close();
});

test('progress is said after a second, once a second, on standard error', () => {
  const said: string[] = [];
  let now = 0;
  const progress = new Progress({ err: (text) => void said.push(text), now: () => now, errIsTerminal: false });
  for (now = 0; now <= 3000; now += 100) progress.at(`${now}`);
  assert.deepEqual(said, ['1000\n', '2000\n', '3000\n']);
});

test('the lines for a shell cannot be made to run anything', () => {
  assert.deepEqual(connectLines('http://h/$(rm)', "a'b"), [
    "export ANTHROPIC_BASE_URL='http://h/$(rm)'",
    "export ANTHROPIC_AUTH_TOKEN='a'\\''b'",
  ]);
});
