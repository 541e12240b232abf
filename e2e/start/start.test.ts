/** What the README tells a newcomer to type, on a fresh clone, with whatever Node runs npm on this machine. */
import assert from 'node:assert/strict';
import { type ChildProcess, execFile, execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { after, before, test } from 'node:test';
import { request } from 'undici';

const ROOT = new URL('../..', import.meta.url).pathname;
let folder: string;
let clone: string;
let env: NodeJS.ProcessEnv;
const started: ChildProcess[] = [];

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatehouse-start-'));
  clone = join(folder, 'gatehouse');
  execFileSync('git', ['clone', '--quiet', ROOT, clone]);
  // As in a shell of the newcomer: not the Node and tools of the npm run that started this test.
  const path = (process.env.PATH ?? '').split(delimiter).filter((part) => !part.includes('node_modules'));
  env = {
    ...process.env,
    PATH: path.join(delimiter),
    HOME: folder,
    NO_COLOR: '1',
    npm_config_cache: process.env.npm_config_cache ?? join(process.env.HOME ?? '', '.npm'),
  };
  for (const name of Object.keys(env))
    if (/^(XDG_CONFIG_HOME|ANTHROPIC_|GATEHOUSE_|NODE_)/.test(name)) delete env[name];
  execFileSync('npm', ['ci', '--no-fund', '--no-audit'], { cwd: clone, env, stdio: 'pipe' });
});

after(() => {
  for (const { pid } of started) {
    if (pid === undefined) continue;
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // It has ended, as it should.
    }
  }
  rmSync(folder, { recursive: true, force: true });
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

interface Started {
  readonly url: string;
  readonly text: () => string;
  /** Ctrl-C; resolves when the gateway no longer answers. What npm exits with after a Ctrl-C is npm's own affair. */
  stop(): Promise<void>;
}

/** `npm start -- …` until it says where it listens. */
async function npmStart(args: readonly string[]): Promise<Started> {
  const port = await freePort();
  const child = spawn('npm', ['start', '--', ...args, '--port', String(port)], { cwd: clone, env, detached: true });
  started.push(child);
  let text = '';
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      text += chunk;
      if (text.includes('Ctrl-C stops it.')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    void exited.then(() => reject(new Error(`npm start ended:\n${text}`)));
  });
  return {
    url: `http://127.0.0.1:${port}`,
    text: () => text,
    stop: async () => {
      // A terminal sends Ctrl-C to the whole group.
      process.kill(-(child.pid ?? 0), 'SIGINT');
      await exited;
      for (let i = 0; i < 200; i++) {
        const refused = await request(`http://127.0.0.1:${port}/healthz`).then(
          ({ body }) => body.dump().then(() => false),
          () => true,
        );
        if (refused) return;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      throw new Error('the gateway still answers');
    },
  };
}

interface Said {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number;
}

function gatehouse(url: string, ...args: string[]): Promise<Said> {
  return new Promise((resolve) => {
    execFile('npx', ['gatehouse', '--url', url, ...args], { cwd: clone, env }, (error, stdout, stderr) => {
      resolve({ stdout, stderr, code: error === null ? 0 : Number(error.code ?? -1) });
    });
  });
}

test('npm start without a policy or a provider key says what is missing; the owner gets in once; a call is refused with what to do', async () => {
  const running = await npmStart([]);
  assert.match(running.text(), /Missing: a provider key/);
  assert.match(running.text(), /Missing: a policy/);
  const secret = /owner claim (gho_\w+)/.exec(running.text())?.[1] ?? '';
  const claimed = await gatehouse(running.url, 'owner', 'claim', secret, '--email', 'you@example.com');
  assert.equal(claimed.code, 0, claimed.stderr);
  const again = await gatehouse(running.url, 'owner', 'claim', secret, '--email', 'you@example.com');
  assert.equal(again.code, 1);
  const made = await gatehouse(running.url, 'keys', 'create', '--person', 'you@example.com', '--label', 'laptop');
  assert.equal(made.code, 0, made.stderr);
  const key = /ANTHROPIC_AUTH_TOKEN=(ghk_\w+)/.exec(made.stdout)?.[1] ?? '';
  assert.ok(made.stdout.includes(`ANTHROPIC_BASE_URL=${running.url}`));
  const closed = await ask(`${running.url}/v1/messages`, key);
  assert.equal(closed.status, 451);
  assert.match(closed.text, /No policy is in force/);
  const init = await gatehouse(running.url, 'policy', 'init', 'policy.yaml');
  assert.equal(init.code, 0, init.stderr);
  const checked = await gatehouse(running.url, 'policy', 'check', 'policy.yaml');
  assert.equal(checked.code, 0, checked.stdout + checked.stderr);
  const applied = await gatehouse(running.url, 'policy', 'apply', 'policy.yaml', '--yes');
  assert.equal(applied.code, 0, applied.stdout + applied.stderr);
  const asked = ['policy', 'explain', '--person', 'you@example.com', '--model', 'claude-sonnet-5-5'];
  const explained = await gatehouse(running.url, ...asked);
  assert.equal(explained.code, 0, explained.stderr);
  assert.match(explained.stdout, /access\[0\]/);
  const reply = await ask(`${running.url}/v1/messages`, key);
  assert.equal(reply.status, 503);
  assert.match(reply.text, /no provider key/);
  const tail = await gatehouse(running.url, 'audit', 'tail');
  assert.match(tail.stdout, /upstream_unconfigured/);
  assert.match(tail.stdout, /key\.created/);
  await running.stop();
});

test('npm start -- demo answers, labelled as simulated, shows usage and a trail that verifies, and drains on Ctrl-C', async () => {
  const running = await npmStart(['demo']);
  assert.match(running.text(), /SIMULATED/);
  const key = /ANTHROPIC_AUTH_TOKEN=(ghk_\w+)/.exec(running.text())?.[1] ?? '';
  assert.notEqual(key, '', running.text());
  const reply = await ask(`${running.url}/v1/messages`, key);
  assert.equal(reply.status, 200);
  assert.match(reply.text, /Simulated answer/);
  const secret = /owner claim (gho_\w+)/.exec(running.text())?.[1] ?? '';
  assert.equal((await gatehouse(running.url, 'owner', 'claim', secret, '--email', 'you@example.com')).code, 0);
  const usage = await gatehouse(running.url, 'usage', '--by', 'person', '--json');
  assert.equal(usage.code, 0, usage.stderr);
  assert.match(usage.stdout, /visitor@example\.com/);
  const budgets = await gatehouse(running.url, 'budgets');
  assert.match(budgets.stdout, /visitor@example\.com/);
  const stopped = await gatehouse(running.url, 'stop', 'everything', '--reason', 'a trial', '--yes');
  assert.equal(stopped.code, 0, stopped.stderr);
  assert.equal((await ask(`${running.url}/v1/messages`, key)).status, 423);
  const stop = /stp_\w+/.exec(stopped.stdout)?.[0] ?? '';
  assert.equal((await gatehouse(running.url, 'stop', 'lift', stop)).code, 0);
  const teams = await gatehouse(running.url, 'teams', 'list');
  assert.match(teams.stdout, /payments/);
  const verified = await gatehouse(running.url, 'audit', 'verify', '--data', join(clone, 'demo-data'));
  assert.equal(verified.code, 0, verified.stdout + verified.stderr);
  let text = '';
  const stream = await call(`${running.url}/v1/messages`, key, { prompt: '[[sim:long 20 100]]', stream: true });
  const stopping: Promise<void>[] = [];
  for await (const chunk of stream.body) {
    text += chunk;
    if (stopping.length === 0) stopping.push(running.stop());
  }
  await Promise.all(stopping);
  assert.match(text, /message_stop/, 'the running answer finishes after Ctrl-C');
  const after = await gatehouse(running.url, 'audit', 'verify', '--data', join(clone, 'demo-data'));
  assert.equal(after.code, 0, after.stdout + after.stderr);
  const gone = await gatehouse(running.url, 'keys', 'list');
  assert.equal(gone.code, 3, 'no gateway answers any more');
  assert.ok(!gone.stderr.includes('    at '), 'no stack trace for a user');
});

function call(url: string, key: string, { prompt, stream }: { prompt: string; stream: boolean }) {
  const messages = [{ role: 'user', content: prompt }];
  return request(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', 'anthropic-version': '2023-06-01' },
    body: JSON.stringify({ model: 'claude-sonnet-5-5', max_tokens: 100, stream, messages }),
  });
}

async function ask(url: string, key: string): Promise<{ status: number; text: string }> {
  const reply = await call(url, key, { prompt: 'hello', stream: false });
  return { status: reply.statusCode, text: await reply.body.text() };
}
