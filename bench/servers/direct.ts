import type { Server, ServerOptions } from './server.ts';

/** Nothing in between: what generator and double can do themselves. */
export function direct({ upstream }: ServerOptions): Server {
  return {
    name: 'direct',
    port: upstream,
    headers: { authorization: 'Bearer none' },
    pid: null,
    lagMs: async () => null,
    stop: async () => {},
  };
}
