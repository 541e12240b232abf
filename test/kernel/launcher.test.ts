import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

const LAUNCHER = join(import.meta.dirname, '..', '..', 'bin', 'gatehouse.cjs');
const POSIX = { skip: process.platform === 'win32' ? 'signals and limits are POSIX' : false };
const LINUX = { skip: process.platform === 'linux' ? false : 'the bundled Node of this test is for Linux' };

/** Stands in for the command line: does what its first argument says. */
const PROBE = `
import { existsSync, readFileSync } from 'node:fs';
const [what, ...rest]: string[] = process.argv.slice(2);
const seen: string[] = [];
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  if (what === 'signals') process.on(name, () => { seen.push(name); setTimeout(() => { console.log(seen.join()); process.exit(3); }, 300); });
}
if (what === 'report') {
  const limits = existsSync('/proc/self/limits') ? readFileSync('/proc/self/limits', 'utf8') : '';
  const { pid, execPath, execArgv, env } = process;
  console.log(JSON.stringify({ pid, execPath, execArgv, rest, core: /core file size +(\\w+)/.exec(limits)?.[1], options: env['NODE_OPTIONS'], cache: env['NODE_COMPILE_CACHE'], bundled: env['BUNDLED'] }));
} else if (what === 'exit') process.exitCode = Number(rest[0]);
else if (what === 'echo') process.stdin.pipe(process.stdout);
else { setTimeout(() => process.exit(9), 20_000); console.log('ready', process.pid); }
`;

/** Makes the launcher believe that it runs in an old Node: no execve, version 20. Leaves what it starts alone. */
const OLD_NODE = `
if (String(process.argv[1]).endsWith('gatehouse.cjs')) {
  Object.defineProperty(process, 'versions', { value: Object.assign({}, process.versions, { node: '20.11.0' }) });
  process.execve = undefined;
}
`;

let base = '';
let old = '';

/** Lays out an installation at this place below the temporary folder; returns its launcher. */
function install(...place: string[]): string {
  const root = join(base, ...place);
  mkdirSync(join(root, 'bin'), { recursive: true });
  mkdirSync(join(root, 'src', 'cli'), { recursive: true });
  copyFileSync(LAUNCHER, join(root, 'bin', 'gatehouse.cjs'));
  writeFileSync(join(root, 'src', 'cli', 'main.ts'), PROBE);
  writeFileSync(join(root, 'package.json'), '{"type":"module"}');
  return join(root, 'bin', 'gatehouse.cjs');
}

/** A package like the ones that hold a Node binary, in the node_modules of this place. */
function bundleNode(...place: string[]): void {
  const folder = join(base, ...place, 'node_modules', `node-linux-${process.arch}`);
  mkdirSync(join(folder, 'bin'), { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{}');
  const script = `#!/bin/sh\nBUNDLED=${place[0]} exec '${process.execPath}' "$@"\n`;
  writeFileSync(join(folder, 'bin', 'node'), script, { mode: 0o755 });
}

before(() => {
  base = mkdtempSync(join(tmpdir(), 'gatehouse-launcher-'));
  old = join(base, 'old.cjs');
  writeFileSync(old, OLD_NODE);
});
after(() => rmSync(base, { recursive: true, force: true }));

interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
  readonly err: string;
}

interface Start {
  readonly launcher: string;
  readonly args: readonly string[];
  readonly node?: readonly string[];
  readonly env?: Record<string, string>;
}

interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

function start({ launcher, args, node = [], env = {} }: Start): Running {
  const { NODE_OPTIONS: _, NODE_COMPILE_CACHE: __, ...clean } = process.env;
  // Core dumps are asked for, so that it shows when they are switched off.
  const raise = ['-c', 'ulimit -S -c unlimited 2>/dev/null; exec "$@"', 'sh'];
  const command = [process.execPath, ...node, launcher, ...args];
  const child = spawn('/bin/sh', [...raise, ...command], { env: { ...clean, ...env }, detached: true });
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => (out += String(chunk)));
  child.stderr?.on('data', (chunk) => (err += String(chunk)));
  const ended = once(child, 'close').then(([code, signal]) => ({ code, signal, out, err }) as Ended);
  return { child, ended };
}

/** The process id that the probe tells once it runs. */
async function ready({ child, ended }: Running): Promise<number> {
  assert.ok(child.stdout !== null);
  const first = await Promise.race([once(child.stdout, 'data').then(String), ended]);
  assert.ok(typeof first === 'string', `ended before it was ready: ${JSON.stringify(first)}`);
  return Number(/ready (\d+)/.exec(first)?.[1]);
}

test('a fitting Node is replaced in place, hardened', LINUX, async () => {
  const launcher = install('fits');
  const { child, ended } = start({
    launcher,
    args: ['report', 'a b', '--inspect', ''],
    node: ['--max-old-space-size=300', '--heapsnapshot-signal=SIGUSR2'],
    env: { NODE_OPTIONS: '--heapsnapshot-signal=SIGUSR2 --inspect-port 0 --no-deprecation --report-on-signal' },
  });
  const { code, out, err } = await ended;
  assert.equal(code, 0, err);
  const report = JSON.parse(out);
  assert.equal(report.pid, child.pid);
  assert.deepEqual(report.rest, ['a b', '--inspect', '']);
  assert.equal(report.bundled, undefined);
  assert.equal(report.core, '0');
  assert.equal(report.options, '--no-deprecation');
  assert.ok(report.execArgv.includes('--disable-sigusr1') && report.execArgv.includes('--max-old-space-size=300'));
  assert.ok(!report.execArgv.some((option: string) => option.includes('heapsnapshot')));
  assert.equal(report.cache, join(base, 'fits', 'node_modules', '.cache', 'gatehouse'));
  assert.match(err, /ignored from NODE_OPTIONS.*--heapsnapshot-signal=SIGUSR2 --inspect-port --report-on-signal/);
});

test('an old Node starts the bundled one, also one hoisted to an outer folder', LINUX, async () => {
  bundleNode('own');
  bundleNode('hoisted');
  for (const [launcher, home] of [
    [install('own'), 'own'],
    [install('hoisted', 'packages', 'app'), 'hoisted'],
  ] as const) {
    const { code, out, err } = await start({ launcher, args: ['report', 'x'], node: ['--require', old] }).ended;
    assert.equal(code, 0, err);
    const report = JSON.parse(out);
    assert.deepEqual(report.rest, ['x']);
    assert.equal(report.core, '0');
    assert.ok(report.execArgv.includes('--disable-sigusr1'));
    assert.equal(report.bundled, home);
    assert.equal(err, '');
  }
});

test('exit code, input and output pass through', LINUX, async () => {
  const launcher = join(base, 'own', 'bin', 'gatehouse.cjs');
  assert.equal((await start({ launcher, args: ['exit', '7'], node: ['--require', old] }).ended).code, 7);
  const { child, ended } = start({ launcher, args: ['echo'], node: ['--require', old] });
  child.stdin?.end('hello');
  assert.equal((await ended).out, 'hello');
});

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  for (const [whom, sign] of [
    ['the launcher', 1],
    ['its process group, as a terminal does', -1],
  ] as const) {
    test(`${signal} to ${whom} reaches Gatehouse once, and the launcher waits`, LINUX, async () => {
      for (const node of [['--require', old], []]) {
        const launcher = join(base, 'own', 'bin', 'gatehouse.cjs');
        const running = start({ launcher, args: ['signals'], node });
        await ready(running);
        process.kill(sign * (running.child.pid ?? 0), signal);
        const { code, out, err } = await running.ended;
        assert.equal(code, 3, err);
        assert.equal(out.trim().split('\n').at(-1), signal);
      }
    });
  }
}

test('a child that a signal ended ends the launcher by the same signal', LINUX, async () => {
  const launcher = join(base, 'own', 'bin', 'gatehouse.cjs');
  const running = start({ launcher, args: ['wait'], node: ['--require', old] });
  const pid = await ready(running);
  assert.notEqual(pid, running.child.pid);
  process.kill(pid, 'SIGKILL');
  assert.equal((await running.ended).signal, 'SIGKILL');
});

test('P5: SIGUSR1 opens no debugger, neither in the launcher nor in Gatehouse', LINUX, async () => {
  for (const node of [['--require', old], []]) {
    const running = start({ launcher: join(base, 'own', 'bin', 'gatehouse.cjs'), args: ['signals'], node });
    const pid = await ready(running);
    process.kill(running.child.pid ?? 0, 'SIGUSR1');
    process.kill(pid, 'SIGUSR1');
    process.kill(pid, 'SIGTERM');
    const { code, err } = await running.ended;
    assert.equal(code, 3);
    assert.equal(err, '');
  }
});

test('without a fitting Node it says what to install', POSIX, async () => {
  const { code, err } = await start({ launcher: install('bare'), args: ['exit', '0'], node: ['--require', old] }).ended;
  assert.equal(code, 1);
  assert.match(err, /this is Node 20\.11\.0; Gatehouse needs Node 24\.15 or newer/);
  assert.match(err, /Install Node 24/);
});

test('below node_modules it says why it cannot run', async () => {
  const launcher = install('outer', 'node_modules', 'gatehouse');
  const { code, err } = await start({ launcher, args: ['exit', '0'] }).ended;
  assert.equal(code, 1);
  assert.match(err, /does not do that below a node_modules folder/);
});
