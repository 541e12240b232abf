import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { appendFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProjectionsService, startProjections } from '../../src/projections/client.ts';
import { Follower } from '../../src/projections/follower.ts';
import { ProjectionsUnavailable } from '../../src/projections/unavailable.ts';
import { usageRows } from '../../src/projections/usage-query.ts';
import { openViews } from '../../src/projections/views.ts';
import { CALLERS, FixtureJournal } from './fixture.ts';

const EVER = { from: '2026-01-01', to: '2026-12-31' };

interface Logged {
  readonly level: string;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Starts the views; whatever comes of the test, they are closed and the journal is removed after it. */
function started(t: TestContext, journal: FixtureJournal, more: { entry?: URL; pollInterval?: number } = {}) {
  const logged: Logged[] = [];
  const at = (level: string) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    logged.push({ level, fields, message });
  };
  const log = { info: at('info'), warn: at('warn'), error: at('error') };
  const { dir: journalDir, databasePath } = journal;
  const options = { journalDir, writer: 'main', databasePath, log, pollInterval: 20, ...more };
  const starting = startProjections(options);
  t.after(async () => {
    await starting.then((views) => views.close());
    journal.remove();
  });
  return { logged, starting };
}

function call(journal: FixtureJournal, caller: 0 | 1 | 2 | 3): string {
  const { id } = journal.append('intent', { ...CALLERS[caller], action: 'model.call', model: 'claude-a' });
  journal.append('outcome', {
    intent: id,
    ...CALLERS[caller],
    action: 'model.call',
    model: 'claude-a',
    result: 'ok',
    usage: { input_tokens: 1, output_tokens: 2 },
  });
  return id;
}

async function until(check: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await check())) await sleep(5);
}

async function calls(views: ProjectionsService): Promise<number> {
  const rows = await views.usage({ by: 'day', ...EVER });
  return rows.reduce((sum, row) => sum + row.calls, 0);
}

test('the worker answers, follows, rebuilds and writes balances', async (t) => {
  const journal = new FixtureJournal();
  const id = call(journal, 0);
  const { starting, logged } = started(t, journal);
  const views = await starting;
  assert.equal(await calls(views), 1);
  for (let i = 0; i < 10; i++) call(journal, 1);
  assert.equal(await calls(views), 11, 'what was written before the question is counted');
  assert.equal((await views.show(id)).length, 2);
  assert.equal((await views.audit({ limit: 5 })).records.length, 5);
  assert.deepEqual(await views.status(), { seq: 23, records: 23 });
  assert.deepEqual(await views.rebuild(), { records: 23 });
  const file = join(journal.root, 'balances');
  const { sha256 } = await views.balances(3, file);
  assert.equal(sha256, createHash('sha256').update(readFileSync(file)).digest('hex'));
  await assert.rejects(views.balances(500, file), /ends before record 500/);
  await assert.rejects(views.audit({ limit: 0 }), RangeError);
  assert.deepEqual(
    readdirSync(journal.root).filter((name) => name.includes('balances-')),
    [],
  );
  assert.deepEqual(
    logged.map(({ message }) => message),
    ['the views are built again from the journal'],
  );
  await views.close();
  await assert.rejects(views.status(), ProjectionsUnavailable);
});

test('P9: a worker that dies takes its questions with it and is started again', async (t) => {
  const journal = new FixtureJournal();
  call(journal, 0);
  const { starting, logged } = started(t, journal, { entry: new URL('./dying-worker.ts', import.meta.url) });
  const views = await starting;
  assert.equal(await calls(views), 1);
  await assert.rejects(views.show('die'), ProjectionsUnavailable);
  await assert.rejects(views.status(), /being started again/);
  assert.equal(views.metrics.restarts, 1);
  assert.equal(views.metrics.pending, 0);
  call(journal, 0);
  await until(() =>
    views.status().then(
      () => true,
      () => false,
    ),
  );
  assert.equal(await calls(views), 2);
  assert.deepEqual(
    logged.map(({ level }) => level),
    ['error'],
  );
});

test('a first start that fails is reported', async () => {
  const journal = new FixtureJournal();
  const broken = {
    journalDir: journal.dir,
    writer: 'main',
    databasePath: join(journal.root, 'absent', 'usage.db'),
    log: { info() {}, warn() {}, error() {} },
  };
  await assert.rejects(startProjections(broken));
  journal.remove();
});

test('P10: a damaged database is dropped and built again', async (t) => {
  const journal = new FixtureJournal();
  call(journal, 0);
  writeFileSync(journal.databasePath, 'this is no database, and long enough to be told from one'.repeat(100));
  const { starting, logged } = started(t, journal);
  const views = await starting;
  assert.equal(await calls(views), 1);
  assert.deepEqual(
    logged.map(({ message }) => message),
    ['the views were dropped'],
  );
});

test('P10: while the opening balances are missing no usage is shown, and the trail can still be read', async (t) => {
  const journal = new FixtureJournal();
  const id = call(journal, 0);
  journal.roll();
  await journal.retire(async () => ({ sha256: '0'.repeat(64) }));
  call(journal, 1);
  const { starting, logged } = started(t, journal);
  const views = await starting;
  await assert.rejects(views.spent({ lines: [] }), ProjectionsUnavailable);
  await assert.rejects(views.usage({ by: 'day', ...EVER }), /balances-\d+\.jsonl are missing/);
  assert.match(views.metrics.trouble ?? '', /are missing/);
  assert.ok((await views.audit({ limit: 10 })).records.length > 0);
  assert.deepEqual(await views.show(id), []);
  assert.equal(logged.filter(({ level }) => level === 'warn').length, 1, 'said once, not at every attempt');
});

test('P2: what was spent is told with everything written before the question, and not at all while the journal cannot be followed', async (t) => {
  const journal = new FixtureJournal();
  const { starting } = started(t, journal);
  const views = await starting;
  const lines = [{ id: 'o', scope: 'organization', models: null, fromDay: null, toDay: '2026-12-31' }] as const;
  const cost = { micros: 5, basis: 'reported', price: 'p' };
  const body = { ...CALLERS[0], action: 'model.call', model: 'claude-a', day: '2026-03-01', cost_center: null };
  for (let i = 1; i <= 20; i++) {
    const { id } = journal.append('intent', { ...body, reserved: 9 });
    journal.append('outcome', { ...body, intent: id, result: 'ok', usage: null, cost });
    const rows = [{ line: 'o', subject: 'org', micros: 5 * i }];
    assert.deepEqual(await views.spent({ lines }), { seq: journal.seq, askedModels: ['claude-a'], rows });
  }
  assert.deepEqual(await views.askedModels(), ['claude-a']);
  assert.equal((await views.forecast({ month: '2026-03', today: '2026-03-01' })).total.toDateMicros, 100);
  assert.deepEqual(await views.unusual({ today: '2026-03-01' }), []);
  await assert.rejects(views.spent({ lines: [...lines, ...lines] }), RangeError);
  appendFileSync(journal.path(0), '{"seq":99}\n');
  await assert.rejects(views.spent({ lines }), ProjectionsUnavailable);
  await assert.rejects(views.spent({ lines }), /reached record 41: the journal cannot be followed/);
  assert.equal(await calls(views), 20, 'reports show what is known');
});

test('P10: killed between and within batches, the views go on where their cursor is', async () => {
  const journal = new FixtureJournal();
  for (let i = 0; i < 300; i++) call(journal, (i % 4) as 0);
  const child = new URL('./killed.ts', import.meta.url).pathname;
  for (const batches of [5, 60]) {
    const running = spawn(process.execPath, [child, journal.dir, journal.databasePath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const exited = once(running, 'exit');
    let seen = 0;
    running.stdout.on('data', (chunk: Buffer) => {
      seen += chunk.length;
      if (seen >= batches) running.kill('SIGKILL');
    });
    await exited;
  }
  assert.ok(existsSync(journal.databasePath));
  const views = openViews(journal.databasePath, assert.fail);
  const follower = new Follower({ journalDir: journal.dir, writer: 'main', views, onRebuild: assert.fail });
  while (!follower.step());
  const rows = usageRows(views, { by: 'key', ...EVER });
  assert.deepEqual(
    rows.map(({ value, calls: count, outputTokens }) => [value, count, outputTokens]),
    [
      ['key_a', 75, 150],
      ['key_b', 75, 150],
      ['key_c', 75, 150],
      ['key_d', 75, 150],
    ],
  );
  views.close();
  journal.remove();
});
