import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pinned, spawnServer, stopProcess } from '../process.ts';
import { temporaryFolder } from './folder.ts';
import { freePort, listening } from './ready.ts';
import type { Server, ServerOptions } from './server.ts';

/** One worker that passes requests on and knows nothing of them: the floor of what a proxy costs. */
function configuration(folder: string, port: number, upstream: number): string {
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (name) => `${name}_temp_path ${folder}/${name};`,
  );
  return `
worker_processes 1;
daemon off;
pid ${folder}/pid;
error_log stderr error;
events { worker_connections 16384; }
http {
  access_log off;
  ${temp.join('\n  ')}
  keepalive_requests 100000000;
  client_body_buffer_size 1m;
  client_max_body_size 32m;
  upstream double { server 127.0.0.1:${upstream}; keepalive 4096; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / {
      proxy_pass http://double;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }
  }
}
`;
}

/** Its version, or null where it is not installed. */
export function nginxVersion(): string | null {
  const { stderr, status } = spawnSync('nginx', ['-v'], { encoding: 'utf8' });
  return status === 0 ? (/nginx\/(\S+)/.exec(stderr)?.[1] ?? '') : null;
}

export async function startNginx({ upstream, cores }: ServerOptions): Promise<Server> {
  const folder = temporaryFolder();
  const port = await freePort();
  const file = join(folder.path, 'nginx.conf');
  writeFileSync(file, configuration(folder.path, port, upstream));
  const argv = pinned(cores, ['nginx', '-p', folder.path, '-e', 'stderr', '-c', file]);
  const child = spawnServer(argv, { stdio: ['ignore', 'ignore', 'inherit'] });
  await listening(port);
  return {
    name: 'nginx',
    port,
    headers: { authorization: 'Bearer none' },
    pid: child.pid ?? null,
    lagMs: async () => null,
    async stop() {
      await stopProcess(child);
      folder.remove();
    },
  };
}
