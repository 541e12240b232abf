import type { Variant } from '../options.ts';
import { direct } from './direct.ts';
import { startGatehouse } from './gatehouse.ts';
import { nginxVersion, startNginx } from './nginx.ts';
import { portkeyVersion, startPortkey } from './portkey.ts';
import type { Server, ServerOptions } from './server.ts';

/** @throws Error with the reason why this variant cannot be measured here */
export async function startServer(variant: Variant, options: ServerOptions): Promise<Server> {
  switch (variant) {
    case 'direct':
      return direct(options);
    case 'nginx':
      if (nginxVersion() === null) throw new Error('nginx is not installed');
      return startNginx(options);
    case 'portkey':
      return startPortkey(options);
    case 'gatehouse':
      return startGatehouse(variant, 'synced', { ...options, workers: null });
    case 'gatehouse-written':
      return startGatehouse(variant, 'written', { ...options, workers: null });
    case 'gatehouse-workers':
      return startGatehouse(variant, 'synced', options);
  }
}

/** Versions of what is compared with, for the report. */
export function versions(): Record<string, string | null> {
  return { node: process.versions.node, nginx: nginxVersion(), portkey: portkeyVersion() };
}
