import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { makeCheckpoint } from '../../src/journal/checkpoint.ts';
import { loadSigningKey } from '../../src/journal/signing.ts';
import { openJournal } from '../../src/journal/writer.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { backup } from '../../src/store/backup.ts';
import { openSqliteStore } from '../../src/store/sqlite/store.ts';
import { Terminal } from './fake-io.ts';

const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** A data folder with a store, a journal of three records and its keys. */
async function dataFolder(home: string) {
  const data = join(home, 'data');
  mkdirSync(join(data, 'keys'), { recursive: true, mode: 0o700 });
  chmodSync(data, 0o700);
  const signingKey = await loadSigningKey(join(data, 'keys', 'signing.key'));
  const open = () =>
    openJournal({
      dir: join(data, 'journal'),
      writer: 'main',
      durability: 'synced',
      clock: systemClock,
      signingKey,
      log: quiet,
    });
  const journal = await open();
  for (const event of ['started', 'stopped', 'started']) await journal.append({ kind: 'gateway', body: { event } });
  const checkpoint = makeCheckpoint([journal.head], signingKey, systemClock.now());
  const kept = join(home, 'checkpoints.jsonl');
  writeFileSync(kept, `${JSON.stringify(checkpoint)}\n{"cut`);
  return { data, journal, kept, open, segment: () => join(data, 'journal', 'main', segmentIn(data)) };
}

function segmentIn(data: string): string {
  const name = readdirSync(join(data, 'journal', 'main')).find((file) => file.endsWith('.jsonl'));
  assert.ok(name);
  return name;
}

test('P6: audit verify passes a whole journal, and exits 4 for an edited one and for one that was cut', async () => {
  const terminal = new Terminal();
  const { data, journal, kept, segment } = await dataFolder(terminal.home);
  await journal.close();
  const verify = ['audit', 'verify', '--data', data, '--checkpoint', kept];
  assert.equal(await terminal.run(...verify), 0, terminal.out + terminal.err);
  assert.match(terminal.out, /✓ main: \d+ records in 1 segment,/);
  assert.equal(await terminal.run(...verify, '--json'), 0);
  assert.equal(terminal.json().ok, true);
  const newest = readFileSync(kept, 'utf8');
  const signingKey = await loadSigningKey(join(data, 'keys', 'signing.key'));
  const older = makeCheckpoint([{ ...journal.head, seq: 2, hash: 'a'.repeat(64) }], signingKey, systemClock.now());
  writeFileSync(kept, `${JSON.stringify(older)}\n${newest}`);
  assert.equal(await terminal.run(...verify), 4, 'every line of the file counts, not only the last');
  writeFileSync(kept, newest);
  const whole = readFileSync(segment(), 'utf8');
  writeFileSync(segment(), whole.replace('"stopped"', '"Stopped"'));
  assert.equal(await terminal.run(...verify), 4);
  assert.match(terminal.out, /✗ .*jsonl:\d+: /);
  const lines = whole.trimEnd().split('\n');
  writeFileSync(segment(), `${lines.slice(0, 2).join('\n')}\n`);
  assert.equal(await terminal.run(...verify), 4, 'the checkpoint names what is gone');
  assert.equal(await terminal.run(...verify, '--json'), 4);
  assert.equal((terminal.json().error as { exit: number }).exit, 4);
  assert.equal(await terminal.run('audit', 'verify', '--data', data), 0, 'without it a cut end is not found');
  assert.match(terminal.out, /! no checkpoint was given/);
  assert.equal(await terminal.run('audit', 'verify', '--data', data, '--checkpoint', '/nowhere'), 1);
  terminal.close();
});

test('restore refuses while a gateway runs on the folder, then moves what is there aside', async () => {
  const terminal = new Terminal();
  const { data, journal } = await dataFolder(terminal.home);
  const store = await openSqliteStore({ path: join(data, 'store.db'), clock: systemClock });
  const to = join(terminal.home, 'monday');
  await backup({ store, journalDir: join(data, 'journal'), writer: 'main', to });
  await store.close();
  assert.equal(await terminal.run('restore', to, '--data', data, '--force'), 1);
  assert.match(terminal.err, /A gateway runs on .*\n {2}Stop it first/);
  await journal.close();
  assert.equal(await terminal.run('restore', to, '--data', data), 1);
  assert.match(terminal.err, /not empty; give --force/);
  assert.equal(await terminal.run('restore', to, '--data', data, '--force', '--json'), 0, terminal.out);
  assert.match(String(terminal.json().moved_aside), /before-restore/);
  const other = join(terminal.home, 'other');
  assert.equal(await terminal.run('restore', to, '--data', other), 0, terminal.err);
  assert.match(terminal.out, /holds no private keys/);
  writeFileSync(join(to, 'store.db'), 'not what the manifest says');
  assert.equal(await terminal.run('restore', to, '--data', join(terminal.home, 'third')), 4);
  terminal.close();
});

test('doctor finds what others can read and a damaged journal, and says how to mend each', async () => {
  const terminal = new Terminal();
  const { data, journal, segment } = await dataFolder(terminal.home);
  await journal.close();
  const config = join(terminal.home, 'gatehouse.yaml');
  writeFileSync(config, `data: ${data}\nlisten:\n  port: 0\njournal:\n  checkpoints: [/elsewhere]\n`);
  const doctor = ['doctor', '--config', config];
  assert.equal(await terminal.run(...doctor), 0, terminal.out);
  assert.match(terminal.out, /✓ The newest segment is whole, up to record \d+/);
  assert.match(terminal.out, /! No gateway answers/);
  assert.match(terminal.out, /! There is no provider key \(env:ANTHROPIC_API_KEY\)/);
  chmodSync(join(data, 'keys', 'signing.key'), 0o644);
  writeFileSync(config, `${readFileSync(config, 'utf8')}# sk-ant-api03-abcdefghijklmnopqrstuvwxyz\n`);
  assert.equal(await terminal.run(...doctor), 1);
  assert.match(terminal.out, /✗ .*signing\.key can be read by other users\n {4}chmod 600/);
  assert.match(terminal.out, /✗ .*gatehouse\.yaml holds a key in the clear/);
  assert.doesNotMatch(terminal.out, /sk-ant/);
  const whole = readFileSync(segment(), 'utf8').trimEnd().split('\n');
  writeFileSync(segment(), `${[whole[0], ...whole.slice(2)].join('\n')}\n`);
  assert.equal(await terminal.run(...doctor, '--json'), 4);
  const { findings } = terminal.json().error as { findings: { check: string; state: string }[] };
  assert.equal(findings.find(({ check }) => check === 'journal')?.state, 'bad');
  terminal.close();
});

test('doctor asks a running gateway: clock, health, provider', async () => {
  const terminal = new Terminal();
  const config = join(terminal.home, 'gatehouse.yaml');
  writeFileSync(config, `data: ${join(terminal.home, 'none')}\n`);
  terminal.env.GATEHOUSE_TOKEN = 'gha_x';
  const health = {
    status: 'failing',
    journal: { trouble: 'disk full' },
    disk: { state: 'stopped', full_at: null },
    projections: { ok: true },
    upstream: { configured: true, simulated: true },
    warnings: ['The policy file is not in force: p.yaml:1:1: one\np.yaml:2:1: two\u001b[2J', 7],
  };
  terminal.http = async () => ({
    status: 200,
    headers: { date: new Date(terminal.now + 60_000).toUTCString() },
    text: JSON.stringify(health),
  });
  assert.equal(await terminal.run('doctor', '--config', config), 1);
  assert.match(terminal.out, /! The gateway’s clock and this one differ by 1 min/);
  assert.match(terminal.out, /✗ The gateway says it is failing; disk full; disk stopped/);
  assert.match(
    terminal.out,
    /^! The policy file is not in force: p\.yaml:1:1: one\n {4}p\.yaml:2:1: two\\u\{1b\}\[2J$/m,
  );
  assert.match(terminal.out, /✓ The provider is simulated/);
  const own = { ...health, warnings: [/^! (.+)$/m.exec(terminal.out)?.[1] ?? ''] };
  terminal.http = async () => ({ status: 200, headers: {}, text: JSON.stringify(own) });
  await terminal.run('doctor', '--config', config);
  assert.equal(terminal.out.split(own.warnings[0] ?? '?').length, 2, 'what is found here as well is said once');
  terminal.close();
});

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

function spawned(argv: readonly string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; out: string; err: string }>((resolve) => {
    const options = { env: { PATH: '/nowhere', HOME: '/nowhere', NODE_NO_WARNINGS: '1', ...env } };
    execFile(process.execPath, [MAIN, ...argv], options, (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, out, err });
    });
  });
}

test('as a process: version, a wrong command, a wrong configuration with its place, and no gateway', async () => {
  const terminal = new Terminal();
  const file = join(terminal.home, 'gatehouse.yaml');
  writeFileSync(file, 'data: ./data\nlisten:\n  prot: 1\n');
  const [version, wrong, checked, down] = await Promise.all([
    spawned(['--version']),
    spawned(['nonsense']),
    spawned(['check', file]),
    spawned(['people', 'list', '--url', 'http://127.0.0.1:1'], { GATEHOUSE_TOKEN: 'gha_x' }),
  ]);
  assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
  assert.equal(wrong.code, 2);
  assert.equal(checked.code, 1);
  assert.match(checked.out, /gatehouse\.yaml:3:3: .*Did you mean "port"\?/);
  assert.equal(down.code, 3);
  assert.match(down.err, /The gateway at http:\/\/127\.0\.0\.1:1 (is not running|cannot be reached)/);
  for (const { err } of [version, wrong, checked, down]) assert.doesNotMatch(err, /\n\s+at /);
  terminal.close();
});
