import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { type TestContext, test } from 'node:test';
import { startDouble } from '../test/support/double.ts';
import { type Admin, claim, type House, makeHouse } from '../test/support/house.ts';
import { CALL, raw } from '../test/support/raw.ts';
import { readTrail } from './support/trail.ts';

const CLI = new URL('../src/cli/main.ts', import.meta.url).pathname;
const LOG = new URL('../src/kernel/log.ts', import.meta.url).href;

interface Served {
  readonly url: string;
  readonly process: ChildProcess;
  readonly house: House;
  readonly key: string;
  readonly admin: Admin;
}

/** `gatehouse start` itself, with every line of its log; nobody reads its standard error. */
async function serve(t: TestContext): Promise<Served> {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url });
  t.after(() => house.remove());
  writeFileSync(house.configFile, readFileSync(house.configFile, 'utf8').replace('level: error', 'level: debug'));
  const child = spawn(process.execPath, [CLI, 'start', '--config', house.configFile, '--json'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, TEST_PROVIDER_KEY: 'provider-secret' },
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  for await (const chunk of child.stdout.iterator({ destroyOnReturn: false })) {
    said += chunk;
    if (said.trimEnd().endsWith('}')) break;
  }
  const told = JSON.parse(said) as { url: string; ownerSecret: string };
  const admin = await claim(told);
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const { secret } = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'test' });
  return { url: told.url, process: child, house, key: String(secret), admin };
}

async function calls({ url, key }: Served, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const reply = await raw(url, { body: CALL, headers: { authorization: `Bearer ${key}` } });
    assert.equal(reply.status, 200);
  }
}

/** Stops it as a process manager does; it must end by itself, having written its last record. */
async function stops({ process: child, house }: Served): Promise<void> {
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  assert.deepEqual(await ended, [0, null]);
  assert.equal(readTrail(house.dataDir).at(-1)?.body.event, 'stopped');
}

test('P9: with the readers of both outputs gone the gateway serves, and stops as it should', async (t) => {
  const served = await serve(t);
  served.process.stdout?.destroy();
  served.process.stderr?.destroy();
  await calls(served, 20);
  await stops(served);
});

test('P9: a reader of the log that stops reading holds nothing up: calls, the drain and the end of the process', {
  timeout: 60_000,
}, async (t) => {
  const served = await serve(t);
  // Half a kilobyte of log for each call: several times what the system keeps for a reader.
  await Promise.all(Array.from({ length: 8 }, () => calls(served, 250)));
  await stops(served);
});

test('P9: what a reader that stopped reading has not taken is dropped, not kept in memory', {
  timeout: 60_000,
}, async (t) => {
  const script = `
    import { createLogger } from ${JSON.stringify(LOG)};
    const log = createLogger({ level: 'info' });
    const text = 'x'.repeat(10_000);
    global.gc();
    const before = process.memoryUsage().rss;
    for (let n = 0; n < 20_000; n++) {
      log.info({ text }, 'line');
      if (n % 100 === 0) await new Promise(setImmediate);
    }
    global.gc();
    process.stdout.write(String(process.memoryUsage().rss - before), () => process.exit(0));`;
  const child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  t.after(() => child.kill('SIGKILL'));
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += chunk;
  });
  assert.deepEqual(await once(child, 'exit'), [0, null]);
  // 200 MB were logged, 8 MiB may wait.
  assert.ok(Number(said) < 100 * 1024 * 1024, `${said} bytes were kept`);
});
