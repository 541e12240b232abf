import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, connect as plain, type Socket } from 'node:net';
import { join } from 'node:path';
import { connect as secure } from 'node:tls';
import { blocks, paper } from '../../test/docs/papers.ts';

/** The name under which the configurations of docs/hardening.md serve. */
export const HOST = 'gatehouse.example.com';

/** A way to the gateway. */
export interface Route {
  readonly name: string;
  connect(): Socket;
  /** The requests that the proxy has passed on to the gateway, by its own log. */
  passedOn(): readonly string[];
  /** What the proxy complained of. */
  said(): string;
  stop(): Promise<void>;
}

export type ProxyName = 'nginx' | 'haproxy' | 'varnish';

interface Place {
  readonly folder: string;
  /** Where the proxy finds the gateway. */
  readonly gatewayPort: number;
}

const PROGRAMS: Readonly<Record<ProxyName, readonly string[]>> = {
  nginx: ['nginx', 'openssl'],
  haproxy: ['haproxy', 'openssl'],
  varnish: ['varnishd', 'varnishncsa', 'gcc'],
};

/** Why this proxy cannot be started here, or null. */
export function missing(proxy: ProxyName): string | null {
  const absent = PROGRAMS[proxy].filter((name) => spawnSync('which', [name]).status !== 0);
  return absent.length === 0 ? null : `not installed: ${absent.join(', ')}`;
}

/** The one block of docs/hardening.md in this language that holds these words. */
export function configurationOf(language: string, words = ''): string {
  const all = blocks(paper('docs/hardening.md')).filter(({ info, code }) => info === language && code.includes(words));
  const [only, another] = all;
  if (only === undefined || another !== undefined) throw new Error(`not one block of ${language} in docs/hardening.md`);
  return `${only.code}\n`;
}

/** Starts the proxy of the page; only places and ports are put in. Resolves when it takes connections. */
export async function startProxy(proxy: ProxyName, place: Place): Promise<Route> {
  mkdirSync(place.folder, { recursive: true });
  return { nginx: startNginx, haproxy: startHaproxy, varnish: startVarnish }[proxy](place);
}

/** Every change must hit: a configuration that no longer reads like this would be tested with somebody's real ports. */
function put(text: string, changes: Readonly<Record<string, string>>): string {
  return Object.entries(changes).reduce((rest, [from, to]) => {
    if (!rest.includes(from)) throw new Error(`docs/hardening.md no longer says "${from}"`);
    return rest.replaceAll(from, to);
  }, text);
}

async function startNginx({ folder, gatewayPort }: Place): Promise<Route> {
  const port = await freePort();
  const config = put(configurationOf('nginx'), {
    ...certificate(folder),
    '/etc/ssl/gatehouse.key': join(folder, 'key.pem'),
    '/run/nginx.pid': join(folder, 'nginx.pid'),
    '/var/log/nginx': folder,
    'listen 443': `listen 127.0.0.1:${port}`,
    '127.0.0.1:8787': `127.0.0.1:${gatewayPort}`,
  });
  const file = join(folder, 'nginx.conf');
  writeFileSync(file, config);
  const running = await serve(['nginx', '-e', join(folder, 'error.log'), '-c', file, '-g', 'daemon off;'], port);
  const log = (): string => readFileSync(join(folder, 'gatehouse.log'), 'utf8');
  return {
    name: 'nginx',
    connect: () => secure({ ...TLS, port }),
    // "" or "-" where nginx answered by itself.
    passedOn: () => linesOf(log(), /" \d{3} "[1-5]\d\d"/),
    said: () => readFileSync(join(folder, 'error.log'), 'utf8') + running.said(),
    stop: running.stop,
  };
}

async function startHaproxy({ folder, gatewayPort }: Place): Promise<Route> {
  const port = await freePort();
  const config = put(configurationOf('haproxy'), {
    ...certificate(folder),
    '/dev/log local0': 'stdout format raw local0',
    'bind :443': `bind 127.0.0.1:${port}`,
    '127.0.0.1:8787': `127.0.0.1:${gatewayPort}`,
  });
  const file = join(folder, 'haproxy.cfg');
  writeFileSync(file, config);
  const running = await serve(['haproxy', '-db', '-f', file], port);
  return {
    name: 'haproxy',
    connect: () => secure({ ...TLS, port }),
    passedOn: () => linesOf(running.said(), / gatehouse\/gatehouse /),
    said: running.said,
    stop: running.stop,
  };
}

async function startVarnish({ folder, gatewayPort }: Place): Promise<Route> {
  const port = await freePort();
  const file = join(folder, 'gatehouse.vcl');
  writeFileSync(file, put(configurationOf('vcl'), { '"8787"': `"${gatewayPort}"` }));
  const [command, ...args] = put(configurationOf('sh', 'varnishd'), {
    '127.0.0.1:6081': `127.0.0.1:${port}`,
    '/etc/varnish/gatehouse.vcl': file,
    '\\\n': ' ',
  }).match(/\S+/g) ?? [''];
  const name = join(folder, 'varnish');
  const running = await serve([command ?? '', ...args, '-F', '-n', name], port);
  const log = run(['varnishncsa', '-n', name, '-t', 'off', '-F', '%{Varnish:handling}x %s %r']);
  return {
    name: 'varnish',
    connect: () => plain(port, '127.0.0.1'),
    passedOn: () => linesOf(log.said(), /^(pass|pipe|miss|hit) /),
    said: () => running.said() + log.said(),
    stop: async () => {
      await log.stop();
      await running.stop();
    },
  };
}

const TLS = { host: '127.0.0.1', servername: HOST, rejectUnauthorized: false, ALPNProtocols: ['http/1.1'] };

/** A certificate in the places of the page. */
function certificate(folder: string): Record<string, string> {
  const key = join(folder, 'key.pem');
  const both = join(folder, 'both.pem');
  const args = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj'.split(' ');
  execFileSync('openssl', [...args, `/CN=${HOST}`, '-keyout', key, '-out', both], { stdio: 'ignore' });
  writeFileSync(both, readFileSync(both, 'utf8') + readFileSync(key, 'utf8'), { mode: 0o600 });
  return { '/etc/ssl/gatehouse.pem': both };
}

interface Program {
  readonly said: () => string;
  stop(): Promise<void>;
}

function run(argv: readonly string[]): Program & { readonly child: ChildProcess } {
  const child = spawn(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)));
  child.on('error', (error) => (said += error.message));
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  return {
    child,
    said: () => said,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
      await ended;
    },
  };
}

async function serve(argv: readonly string[], port: number): Promise<Program> {
  const program = run(argv);
  for (let turn = 0; turn < 600; turn++) {
    if (await accepts(port)) return program;
    if (program.child.exitCode !== null) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await program.stop();
  throw new Error(`${argv[0]} did not start:\n${program.said()}`);
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = plain(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function linesOf(text: string, wanted: RegExp): readonly string[] {
  return text.split('\n').filter((line) => wanted.test(line));
}
