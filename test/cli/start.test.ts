import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunningGatehouse, StartOptions } from '../../src/main.ts';
import { Terminal } from './fake-io.ts';

function startable(change: Partial<RunningGatehouse> = {}) {
  const terminal = new Terminal();
  const asked: StartOptions[] = [];
  let stops = 0;
  terminal.start = async (options) => {
    asked.push(options);
    let finish = (): void => undefined;
    const done = new Promise<void>((settle) => {
      finish = settle;
    });
    const stop = async (): Promise<void> => {
      stops += 1;
      finish();
    };
    const running = {
      url: 'http://127.0.0.1:8787',
      dataDir: '/d',
      ownerSecret: null,
      simulated: false,
      demoKey: null,
      providerKey: true,
      policy: true,
    };
    return { ...running, warnings: [], done, stop, ...change };
  };
  /** Starts, waits until signals are heard, signals. */
  const serve = async (...argv: string[]): Promise<number> => {
    const code = terminal.run(...argv);
    while (terminal.listeners.size === 0) await new Promise((resolve) => setImmediate(resolve));
    for (const listener of terminal.listeners) listener();
    return code;
  };
  return { terminal, asked, serve, stops: () => stops };
}

test('start prints where it listens, the one-use secret once with the next commands, and the lines for Claude Code', async () => {
  const { terminal, serve, stops } = startable({
    ownerSecret: 'gho_once',
    providerKey: false,
    warnings: ['Take care.'],
  });
  assert.equal(await serve('start'), 0);
  assert.match(terminal.out, /listens on http:\/\/127\.0\.0\.1:8787\n/);
  assert.equal(terminal.out.split('gho_once').length - 1, 1);
  assert.match(terminal.out, /^ +gatehouse owner claim gho_once --email you@example\.com$/m);
  assert.match(terminal.out, /^ +gatehouse keys create --person you@example\.com/m);
  assert.match(terminal.out, /^ +export ANTHROPIC_BASE_URL=http:\/\/127\.0\.0\.1:8787$/m);
  assert.match(terminal.out, /^ +export ANTHROPIC_AUTH_TOKEN=/m);
  assert.match(terminal.out, /Missing: a provider key/);
  assert.match(terminal.out, /! Take care\./);
  assert.doesNotMatch(terminal.out, /simulated/i);
  assert.equal(stops(), 1);
  terminal.close();
});

test('a demo says that everything is simulated, and asks for no key', async () => {
  for (const argv of [['demo'], ['start', 'demo']]) {
    const demo = { simulated: true, demoKey: 'ghk_demo', providerKey: false, ownerSecret: 'gho_x' };
    const { terminal, asked, serve } = startable(demo);
    assert.equal(await serve(...argv, '--port', '0', '--data', 'd'), 0);
    assert.deepEqual(asked, [{ port: 0, data: 'd', demo: true }]);
    assert.match(terminal.out, /SIMULATED/);
    assert.match(terminal.out, /Connect Claude Code \(simulated\)/);
    assert.match(terminal.out, /^ +export ANTHROPIC_AUTH_TOKEN=ghk_demo$/m);
    assert.match(terminal.out, /^ +gatehouse owner claim gho_x /m);
    assert.doesNotMatch(terminal.out, /Missing/);
    terminal.close();
  }
});

test('on another address the printed commands name it', async () => {
  const { terminal, serve } = startable({ url: 'http://127.0.0.1:4000', ownerSecret: 'gho_x' });
  await serve('start', '--port', '4000');
  assert.match(terminal.out, /gatehouse --url http:\/\/127\.0\.0\.1:4000 owner claim/);
  terminal.close();
});

test('the first signal stops in order, the second at once', async () => {
  const { terminal, stops } = startable();
  const code = terminal.run('start');
  while (terminal.listeners.size === 0) await new Promise((resolve) => setImmediate(resolve));
  const [listener = () => undefined] = terminal.listeners;
  listener();
  assert.deepEqual(terminal.exits, []);
  listener();
  assert.deepEqual(terminal.exits, [], 'one Ctrl-C that arrives twice is one');
  terminal.now += 500;
  listener();
  assert.deepEqual(terminal.exits, [130]);
  assert.equal(await code, 0);
  assert.ok(stops() >= 1);
  assert.equal(terminal.listeners.size, 0);
  terminal.close();
});

test('what stops a start is one sentence and what to do', async () => {
  const terminal = new Terminal();
  terminal.start = async () => {
    throw Object.assign(new Error('listen EADDRINUSE'), { code: 'EADDRINUSE', port: 8787 });
  };
  assert.equal(await terminal.run('start'), 1);
  assert.match(terminal.err, /^gatehouse: The port 8787 is taken by another program\.\n {2}.*--port/);
  terminal.start = async () => {
    throw new Error(
      'gatehouse.yaml:3:1: lisen: unknown key. Did you mean "listen"?\ngatehouse.yaml:4:1: x: unknown key.',
    );
  };
  assert.equal(await terminal.run('start'), 1);
  assert.match(terminal.err, /yaml:3:1.*\ngatehouse\.yaml:4:1/);
  assert.doesNotMatch(terminal.err, /\n\s+at /);
  terminal.close();
});
