import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { pinned, spawnServer, stopProcess } from '../process.ts';
import { temporaryFolder } from './folder.ts';
import type { Server, ServerOptions } from './server.ts';

const BIN = fileURLToPath(new URL('../../bin/gatehouse.cjs', import.meta.url));
const PERSON = 'ada@example.com';
const START_MS = 20_000;

/**
 * Everything on: rules that have to be looked through, rates of every kind, budgets of every holder and hold. The limits are so
 * high that none is reached: refusing is cheaper than serving.
 */
const POLICY = `
organization: acme
time_zone: Europe/Berlin
teams:
  payments: { members: [${PERSON}, grace@example.com, service payments-ci], cost_center: CC-1201 }
  research: { members: [alan@example.com, katherine@example.com], cost_center: CC-1300 }
models:
  allowed: [claude-opus-5-5, claude-sonnet-5-5, claude-haiku-5-5]
  aliases: { everyday: [claude-sonnet-*, claude-haiku-*] }
access:
  - { allow: everyday, to: everyone }
  - { allow: claude-opus-*, to: team research, until: 2099-06-30 }
  - { deny: claude-opus-*, to: service payments-ci }
server_side:
  - { allow: web_search, to: team research, max_uses: 5 }
rates:
  - { each: person, requests: 100M/min, count_tokens: 100M/min, output_tokens: 100000M/min, concurrent: 5000 }
  - { each: service, requests: 100M/min, concurrent: 5000 }
  - { for: organization, models: claude-*, output_tokens: 100000M/min }
budgets:
  - { for: organization, limit: 900000000 USD/month, hold: strict }
  - { each: team, limit: 90000000 USD/month, except: { research: 1000 USD/month } }
  - { each: person, limit: 9000000 USD/month, warn: [50%, 80%, 95%] }
  - { each: person, limit: 9000000 USD/day, hold: strict }
  - { each: service, limit: 200 USD/month, hold: strict, at_cap: end }
prices:
  - { models: claude-opus-*, discount: 12%, from: 2026-10-01 }
retention:
  content: { default: none }
`;

function configuration(options: { folder: string; upstream: number; durability: string }): string {
  return `
listen: { host: 127.0.0.1, port: 0 }
data: ${JSON.stringify(join(options.folder, 'data'))}
upstream: { url: "http://127.0.0.1:${options.upstream}", key: "env:BENCH_PROVIDER_KEY" }
journal: { durability: ${options.durability} }
limits: { open_calls: 10000, open_calls_per_caller: 10000, bytes_in_flight_per_caller: 1 GiB }
log: { level: warn }
`;
}

interface Api {
  readonly url: string;
  token: string | null;
}

async function call(api: Api, path: string, body: object): Promise<Record<string, unknown>> {
  const reply = await request(api.url + path, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(api.token === null ? {} : { authorization: `Bearer ${api.token}` }),
    },
    body: JSON.stringify(body),
  });
  const text = await reply.body.text();
  if (reply.statusCode >= 300) throw new Error(`POST ${path}: ${reply.statusCode} ${text}`);
  return JSON.parse(text);
}

/** Starts Gatehouse as a user does: the command, a configuration, an owner, a person, a policy, a key. */
export async function startGatehouse(
  name: string,
  durability: 'synced' | 'written',
  options: ServerOptions,
): Promise<Server> {
  const folder = temporaryFolder();
  const config = join(folder.path, 'gatehouse.yaml');
  writeFileSync(config, configuration({ folder: folder.path, upstream: options.upstream, durability }));
  const flags = options.workers === null ? [] : ['--workers', String(options.workers)];
  const argv = pinned(options.cores, [process.execPath, BIN, 'start', '--config', config, '--json', ...flags]);
  const child = spawnServer(argv, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, BENCH_PROVIDER_KEY: 'sk-ant-api03-the-key-of-the-benchmark' },
  });
  const { url, ownerSecret } = await started(child);
  const api: Api = { url, token: null };
  const owner = await call(api, '/api/owner', { secret: ownerSecret, email: 'owner@example.com' });
  api.token = String(owner.token);
  await call(api, '/api/people', { email: PERSON });
  await call(api, '/api/policy/apply', { text: POLICY, reason: 'benchmark' });
  const key = await call(api, '/api/keys', { person: PERSON, label: 'bench' });
  return {
    name,
    port: Number(new URL(url).port),
    headers: { authorization: `Bearer ${key.secret}` },
    pid: child.pid ?? null,
    lagMs: () => eventLoopLag(api),
    async stop() {
      await stopProcess(child);
      folder.remove();
    },
  };
}

/** What it prints when it listens. */
function started(child: ChildProcess): Promise<{ url: string; ownerSecret: string }> {
  let said = '';
  let complained = '';
  child.stderr?.on('data', (bytes) => {
    complained = (complained + bytes).slice(-4000);
  });
  return new Promise((resolve, reject) => {
    const failed = (why: string): void => {
      child.kill('SIGKILL');
      reject(new Error(`Gatehouse did not start: ${why}\n${said}${complained}`));
    };
    const timer = setTimeout(() => failed('it took too long'), START_MS);
    child.once('exit', (code) => failed(`it ended with ${code}`));
    child.stdout?.on('data', (bytes) => {
      said += bytes;
      try {
        const answer = JSON.parse(said);
        clearTimeout(timer);
        if (typeof answer.url === 'string') resolve(answer);
        else failed('it refused');
      } catch {
        // The answer has not come whole.
      }
    });
  });
}

async function eventLoopLag(api: Api): Promise<number | null> {
  const reply = await request(`${api.url}/metrics`, { headers: { authorization: `Bearer ${api.token}` } });
  const text = await reply.body.text();
  const found = [...text.matchAll(/^gatehouse(?:_worker)?_event_loop_lag_p99_seconds(?:\{[^}]*\})? (\S+)$/gm)];
  return found.length === 0 ? null : Math.max(...found.map(([, seconds]) => Number(seconds) * 1000));
}
