import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import { readRecords } from '../../src/journal/read.ts';
import type { JournalRecord } from '../../src/journal/records.ts';

const PROGRAM = fileURLToPath(new URL('../../bin/gatehouse.cjs', import.meta.url));
const LOOK_MS = 50;
const LOOKS = 200;

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface Ask {
  readonly token?: string;
  readonly body?: object;
}

/** A Gatehouse in a process of its own, in front of the simulated model provider, claimed by its primary owner. */
export interface Gateway {
  /** `http://localhost:PORT`. */
  readonly url: string;
  readonly port: number;
  /** The admin token of the primary owner. */
  readonly token: string;
  /** A request to the admin API, by the primary owner unless another token is given. */
  ask(method: string, path: string, ask?: Ask): Promise<Answer>;
  /** The same, which must succeed. */
  done(method: string, path: string, ask?: Ask): Promise<Record<string, unknown>>;
  /** Puts a policy in force. */
  govern(text: string): Promise<void>;
  /** Records of the trail that are like this, oldest first, as soon as there are so many. */
  records(like: (record: TrailRecord) => boolean, least?: number): Promise<TrailRecord[]>;
  /** What it printed so far, on both streams. */
  printed(): string;
  /** Resolves when it has printed something like this. */
  says(pattern: RegExp): Promise<void>;
  /** Ends it as Ctrl-C does, and reads the whole trail that it left. */
  halt(): Promise<JournalRecord[]>;
  /** Ends it, if it runs, and removes everything it kept. */
  close(): Promise<void>;
}

/** A record as the admin API shows it. */
export type TrailRecord = Readonly<Record<string, unknown>> & { readonly kind: string };

/** A port that is free now. Providers must know the gateway's address before it runs, and the other way round. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

export interface GatewayOptions {
  readonly port: number;
  /** `host:port` of providers that are reached in the clear. */
  readonly providers: readonly string[];
  /** Secrets that the policy may name, each for one host. */
  readonly secrets?: readonly { readonly name: string; readonly value: string; readonly host: string }[];
  /** More YAML. */
  readonly extra?: string;
}

export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-identity-'));
  const { child, printed } = await started(folder, options).catch((error) => {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  });
  const url = `http://localhost:${options.port}`;
  const secret = /owner claim (gho_\w+)/.exec(printed())?.[1];
  const owner = await ask(url, 'POST', {
    path: '/api/owner',
    body: { secret, email: 'owner@example.com' },
  });
  if (owner.status >= 300) throw new Error(`the owner could not claim: ${owner.text}\n${printed()}`);
  const token = String(owner.body.token);
  const gateway: Gateway = {
    url,
    port: options.port,
    token,
    ask: (method, path, given = {}) => ask(url, method, { path, token, ...given }),
    async done(method, path, given = {}) {
      const answer = await ask(url, method, { path, token, ...given });
      if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
      return answer.body;
    },
    async govern(text) {
      await gateway.done('POST', '/api/policy/apply', { body: { text, reason: 'a test' } });
    },
    async records(like, least = 1) {
      let found: TrailRecord[] = [];
      for (let look = 0; look < LOOKS; look++) {
        found = (await trail(gateway)).filter(like);
        if (found.length >= least) return found;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      throw new Error(`only ${found.length} such records in the trail`);
    },
    printed,
    async says(pattern) {
      for (let look = 0; look < LOOKS; look++) {
        if (pattern.test(printed())) return;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      throw new Error(`it never said ${pattern}`);
    },
    async halt() {
      await ended(child);
      const found: JournalRecord[] = [];
      for await (const { record } of readRecords(join(folder, 'data', 'journal'), 'main')) found.push(record);
      return found;
    },
    async close() {
      await ended(child);
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return gateway;
}

async function started(
  folder: string,
  { port, providers, secrets = [], extra = '' }: GatewayOptions,
): Promise<{ child: ChildProcess; printed: () => string }> {
  const config = join(folder, 'gatehouse.yaml');
  const allowed = secrets.map(({ name, host }) => ({ reference: `env:${name}`, for: host }));
  writeFileSync(
    config,
    [
      `listen: { port: ${port}, url: "http://localhost:${port}" }`,
      `data: ${JSON.stringify(join(folder, 'data'))}`,
      `net: { plain: ${JSON.stringify(providers)}, allow: ["127.0.0.0/8", "::1/128"] }`,
      `secrets: { allow: ${JSON.stringify(allowed)} }`,
      extra,
    ].join('\n'),
  );
  const env = { ...process.env, ...Object.fromEntries(secrets.map(({ name, value }) => [name, value])) };
  const argv = [PROGRAM, 'start', 'demo', '--config', config];
  // A group of its own: the program may start another Node, and both end together.
  const child = spawn(process.execPath, argv, { cwd: folder, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  await new Promise<void>((resolve, reject) => {
    const hear = (chunk: Buffer): void => {
      text += chunk;
      if (text.includes('Ctrl-C stops it.')) resolve();
    };
    child.stdout.on('data', hear);
    child.stderr.on('data', hear);
    child.once('exit', () => reject(new Error(`the gateway did not start:\n${text}`)));
  });
  return { child, printed: () => text };
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise((resolve) => child.once('exit', resolve));
  process.kill(-child.pid, 'SIGINT');
  await gone;
}

async function ask(url: string, method: string, { path, token, body }: Ask & { path: string }): Promise<Answer> {
  const reply = await request(url + path, {
    method: method as 'GET',
    headers: {
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await reply.body.text();
  let parsed: Record<string, unknown> = {};
  try {
    parsed = JSON.parse(text);
  } catch {
    // A page, or nothing.
  }
  return { status: reply.statusCode, body: parsed, text };
}

async function trail(gateway: Gateway): Promise<TrailRecord[]> {
  const { records } = await gateway.done('GET', '/api/audit?limit=500&kind=refusal,change,strangers,outcome');
  return (records as TrailRecord[]).toReversed();
}
