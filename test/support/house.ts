import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { request } from 'undici';
import { OPEN_POLICY } from './governance.ts';

const CHILD = new URL('../faults/child.ts', import.meta.url).pathname;

export interface House {
  readonly folder: string;
  readonly dataDir: string;
  readonly configFile: string;
  /** The policy document that is watched. */
  readonly policyFile: string;
  remove(): void;
}

/** A folder with a configuration whose provider is at `upstream`. `extra` is more YAML; BACKUPS in it is a folder beside the data. */
export function makeHouse(options: {
  upstream: string;
  dataDir?: string;
  /** More keys of `listen`. */
  listen?: string;
  extra?: string;
  /** The policy document; everything is allowed unless told. Null leaves the policy to the store: nothing is allowed until one is applied. */
  policy?: string | null;
}): House {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-'));
  const dataDir = options.dataDir ?? join(folder, 'data');
  const configFile = join(folder, 'gatehouse.yaml');
  const policyFile = join(folder, 'policy.yaml');
  const policy = options.policy === undefined ? OPEN_POLICY : options.policy;
  if (policy !== null) writeFileSync(policyFile, policy);
  writeFileSync(
    configFile,
    [
      `listen: { port: 0${options.listen === undefined ? '' : `, ${options.listen}`} }`,
      `data: ${JSON.stringify(dataDir)}`,
      `upstream: { url: ${JSON.stringify(options.upstream)}, key: "env:TEST_PROVIDER_KEY" }`,
      'log: { level: error }',
      policy === null ? '' : `policy: { file: ${JSON.stringify(policyFile)} }`,
      (options.extra ?? '').replace('BACKUPS', JSON.stringify(join(folder, 'BACKUPS'))),
    ].join('\n'),
  );
  return { folder, dataDir, configFile, policyFile, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

export interface RunningChild {
  readonly url: string;
  readonly ownerSecret: string | null;
  readonly process: ChildProcess;
  readonly stderr: () => string;
  /** Resolves when the process has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  /** kill -9 for the process and its wrapper. */
  kill(): void;
}

/** Starts a gateway in a process of its own. `wrap` puts a command in front, such as strace. */
export async function startChild(
  house: House,
  killBefore = 'none',
  wrap: readonly string[] = [],
): Promise<RunningChild> {
  const argv = [...wrap, process.execPath, CHILD, house.configFile, killBefore];
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that a wrapper and what it wraps die together.
    detached: true,
    env: { ...process.env, TEST_PROVIDER_KEY: 'provider-secret' },
  });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const line = await Promise.race([
    new Promise<string>((resolve) => createInterface({ input: child.stdout }).once('line', resolve)),
    ended.then(() => {
      throw new Error(`the gateway did not start:\n${stderr}`);
    }),
  ]);
  const { url, ownerSecret } = JSON.parse(line);
  return {
    url,
    ownerSecret,
    process: child,
    stderr: () => stderr,
    ended,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
    kill() {
      const runs = child.exitCode === null && child.signalCode === null;
      if (child.pid !== undefined && runs) process.kill(-child.pid, 'SIGKILL');
    },
  };
}

export interface Admin {
  readonly token: string;
  /** A request to the admin API; throws for anything but 2xx. */
  call(method: 'GET' | 'POST', path: string, body?: object): Promise<Record<string, unknown>>;
}

/** Claims the ownership of a fresh gateway. */
export async function claim(child: { url: string; ownerSecret: string | null }): Promise<Admin> {
  const owner = await api({ url: child.url, token: null }, 'POST', {
    path: '/api/owner',
    body: { secret: child.ownerSecret, email: 'owner@example.com' },
  });
  return adminOf(child.url, String(owner.token));
}

export function adminOf(url: string, token: string): Admin {
  return { token, call: (method, path, body) => api({ url, token }, method, { path, body }) };
}

async function api(
  to: { url: string; token: string | null },
  method: 'GET' | 'POST',
  { path, body }: { path: string; body?: object | undefined },
): Promise<Record<string, unknown>> {
  const reply = await request(to.url + path, {
    method,
    headers: {
      ...(to.token === null ? {} : { authorization: `Bearer ${to.token}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await reply.body.text();
  if (reply.statusCode >= 300) throw new Error(`${method} ${path}: ${reply.statusCode} ${text}`);
  return JSON.parse(text);
}
