import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pinned, spawnServer, stopProcess } from '../process.ts';
import { freePort, listening } from './ready.ts';
import type { Server, ServerOptions } from './server.ts';

const PEERS = fileURLToPath(new URL('../peers', import.meta.url));
const ENTRY = `${PEERS}/node_modules/@portkey-ai/gateway/build/start-server.js`;

/** The pinned version. */
export function portkeyVersion(): string {
  const { dependencies } = JSON.parse(readFileSync(`${PEERS}/package.json`, 'utf8'));
  return dependencies['@portkey-ai/gateway'];
}

/**
 * Installs what `peers/package-lock.json` pins, without running install scripts. An older @hono/node-server stands in that lock
 * file on purpose: with the one it would resolve to, every streamed answer of this gateway is an error 500.
 */
export function installPortkey(): void {
  if (existsSync(ENTRY)) return;
  execFileSync('npm', ['ci', '--ignore-scripts', '--no-fund', '--no-audit'], { cwd: PEERS, stdio: 'pipe' });
}

export async function startPortkey({ upstream, cores }: ServerOptions): Promise<Server> {
  installPortkey();
  const port = await freePort();
  const argv = pinned(cores, [process.execPath, ENTRY, '--headless', `--port=${port}`]);
  const child = spawnServer(argv, {
    stdio: 'ignore',
    env: { ...process.env, NODE_ENV: 'production' },
  });
  await listening(port);
  return {
    name: 'portkey',
    port,
    headers: {
      'x-api-key': 'none',
      'x-portkey-provider': 'anthropic',
      'x-portkey-custom-host': `http://127.0.0.1:${upstream}/v1`,
    },
    pid: child.pid ?? null,
    lagMs: async () => null,
    stop: () => stopProcess(child),
  };
}
