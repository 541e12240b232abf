/** The running process: what somebody may signal, set or read from outside. Through the real launcher, on Linux. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { request } from 'undici';
import { until } from '../support/gateway.ts';

const LAUNCHER = join(import.meta.dirname, '..', '..', 'bin', 'gatehouse.cjs');
const LINUX = { skip: process.platform === 'linux' ? false : 'the process is looked at through /proc' };
const KEY = 'sk-ant-test-0123456789abcdefghij';

/** Each exposes memory, opens a debugger or prints what is sent; Node takes both spellings. */
const HOSTILE = [
  '--inspect=127.0.0.1:0',
  '--inspect_port=0',
  '--inspect-publish-uid=http',
  '--heapsnapshot-signal=SIGUSR2',
  '--heapsnapshot_signal=SIGUSR2',
  '--heapsnapshot_near_heap_limit=1',
  '--heap-prof',
  '--heap_prof',
  '--cpu_prof',
  '--report-on-signal',
  '--report_on_signal',
  '--report_signal=SIGUSR2',
  '--report_uncaught_exception',
  '--diagnostic_dir=DIR',
  '--report_dir=DIR',
  '--abort_on_uncaught_exception',
  '--tls-keylog=DIR/keys.log',
  '--tls_keylog=DIR/keys.log',
  '--trace_tls',
  '--no-disable-sigusr1',
  '--no_disable_sigusr1',
];

let base = '';
let dataDir = '';
let child: ChildProcess | null = null;
let said = '';
let url = '';

/** Starts a gateway as somebody would who wants to look inside, in a data folder that is open to others. */
before(async () => {
  if (LINUX.skip !== false) return;
  base = mkdtempSync(join(tmpdir(), 'gatehouse-process-'));
  dataDir = join(base, 'data');
  mkdirSync(dataDir);
  mkdirSync(join(base, 'dumps'));
  writeFileSync(join(base, 'provider.key'), `${KEY}\n`, { mode: 0o600 });
  const lines = [
    'listen: { port: 0, workers: 1 }',
    `data: ${JSON.stringify(dataDir)}`,
    `upstream: { url: "http://127.0.0.1:9", key: "file:${join(base, 'provider.key')}" }`,
  ];
  writeFileSync(join(base, 'gatehouse.yaml'), lines.join('\n'));
  const { NODE_OPTIONS: _, ANTHROPIC_API_KEY: __, ...clean } = process.env;
  const env = { ...clean, NODE_DEBUG: 'http,net', NODE_DEBUG_NATIVE: 'all' };
  const command = [
    process.execPath,
    '--require',
    preload(),
    LAUNCHER,
    'start',
    '--config',
    join(base, 'gatehouse.yaml'),
  ];
  const shell = 'umask 0; ulimit -S -c unlimited 2>/dev/null; exec "$@"';
  child = spawn('/bin/sh', ['-c', shell, 'sh', ...command], { cwd: base, env, stdio: ['ignore', 'pipe', 'pipe'] });
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk) => (said += String(chunk)));
  await until(() => /listens on (http:\S+)/.test(said) || child?.exitCode !== null);
  url = /listens on (http:\S+)/.exec(said)?.[1] ?? '';
  assert.notEqual(url, '', said);
});
after(async () => {
  if (child !== null && child.exitCode === null && child.signalCode === null) {
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  if (base !== '') rmSync(base, { recursive: true, force: true });
});

/** Puts NODE_OPTIONS into the launcher's environment once it runs: some would keep the launcher itself from getting so far. */
function preload(): string {
  const file = join(base, 'preload.cjs');
  const options = `${HOSTILE.join(' ').replaceAll('DIR', join(base, 'dumps'))} --no-deprecation`;
  const isLauncher = "String(process.argv[1]).endsWith('gatehouse.cjs')";
  writeFileSync(file, `if (${isLauncher}) process.env.NODE_OPTIONS = ${JSON.stringify(options)};`);
  return file;
}

/** The gateway and everything it started. */
function family(): number[] {
  const all = [child?.pid ?? 0];
  for (const pid of all) {
    for (const thread of readdirSync(`/proc/${pid}/task`)) {
      const children = `/proc/${pid}/task/${thread}/children`;
      if (existsSync(children)) all.push(...readFileSync(children, 'utf8').split(' ').filter(Boolean).map(Number));
    }
  }
  return all;
}

const of = (pid: number, file: string): string => readFileSync(`/proc/${pid}/${file}`, 'utf8');

/** Ports on which this process listens. */
function listening(pid: number): number[] {
  const sockets = new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return [/^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1] ?? ''];
      } catch {
        return [];
      }
    }),
  );
  const rows = ['net/tcp', 'net/tcp6'].flatMap((file) => of(pid, file).split('\n').slice(1));
  return rows.flatMap((row) => {
    const [, local = '', , state, , , , , , inode = ''] = row.trim().split(/\s+/);
    return state === '0A' && sockets.has(inode) ? [Number.parseInt(local.split(':')[1] ?? '', 16)] : [];
  });
}

test('P5: what exposes memory or what is sent is refused, in either spelling, and said', LINUX, () => {
  for (const option of HOSTILE) {
    const name = option.split('=')[0] ?? '';
    assert.ok(said.includes(name), `${name} is not among what was ignored`);
    for (const pid of family()) assert.equal(of(pid, 'environ').includes(name), false, name);
  }
  for (const pid of family()) {
    assert.match(of(pid, 'environ'), /NODE_OPTIONS=--no-deprecation\0/);
    assert.doesNotMatch(of(pid, 'environ'), /NODE_DEBUG/);
    assert.match(of(pid, 'cmdline'), /--disable-sigusr1/);
  }
});

test('P5: no core is dumped, in no process', LINUX, () => {
  for (const pid of family()) assert.match(of(pid, 'limits'), /^Max core file size +0 +0 +bytes/m, String(pid));
});

test('P5: SIGUSR1 opens no debugger, and nothing was written', LINUX, async () => {
  const port = Number(new URL(url).port);
  // The others that Node could be told to listen for would end the process, as they should.
  for (const _ of ['once', 'twice']) {
    process.kill(child?.pid ?? 0, 'SIGUSR1');
    const reply = await request(`${url}/healthz`);
    assert.equal(await reply.body.text(), 'ok\n');
  }
  assert.ok(family().length > 1, 'the relay worker is looked at as well');
  assert.deepEqual([...new Set(family().flatMap(listening))], [port]);
  assert.doesNotMatch(said, /Debugger listening|inspector/i);
  assert.deepEqual(readdirSync(join(base, 'dumps')), []);
  assert.deepEqual(readdirSync(base).sort(), ['data', 'dumps', 'gatehouse.yaml', 'preload.cjs', 'provider.key']);
});

test('P5: the provider’s key by file is in no environment and on no command line', LINUX, () => {
  for (const pid of family()) {
    for (const file of ['environ', 'cmdline']) assert.equal(of(pid, file).includes(KEY), false, file);
  }
});

test('P5: everything in the data folder is its owner’s alone, though the folder and the umask are open', LINUX, () => {
  assert.equal(statSync(dataDir).mode & 0o077, 0o055);
  const all = readdirSync(dataDir, { recursive: true }).map(String);
  assert.ok(
    ['store.db', join('keys', 'master.key')].every((name) => all.includes(name)),
    all.join(),
  );
  for (const name of all) {
    if (!existsSync(join(dataDir, name))) continue;
    assert.equal(statSync(join(dataDir, name)).mode & 0o077, 0, `${name} is open to others`);
  }
});

test('P5: it ends as told, and leaves nothing behind', LINUX, async () => {
  assert.ok(child !== null);
  child.kill('SIGTERM');
  const [code] = await once(child, 'exit');
  assert.equal(code, 0, said);
  assert.deepEqual(readdirSync(join(base, 'dumps')), []);
  assert.equal(
    readdirSync(base).some((name) => /prof|snapshot|report|core/.test(name)),
    false,
  );
  assert.equal(said.includes(KEY), false);
});
