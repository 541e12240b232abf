import type { GatehouseConfig } from '../config.ts';
import type { Closers } from '../kernel/closers.ts';
import { resolveSecret } from '../secrets/reference.ts';
import { anthropicUpstream } from '../upstream/anthropic/upstream.ts';
import type { Upstream } from '../upstream/ports.ts';
import { startSimulatedUpstream } from '../upstream/simulated/server.ts';

const SIMULATED_KEY = 'simulated-key';

/** The provider of the configuration, or the built-in simulated one for the demo. */
export async function openUpstream(parts: {
  config: GatehouseConfig;
  demo: boolean;
  env: NodeJS.ProcessEnv;
  closers: Closers;
}): Promise<Upstream> {
  const { config, closers } = parts;
  const timing = {
    firstByteMs: config.upstream.first_byte,
    silenceMs: config.upstream.silence,
    connectMs: config.upstream.connect,
  };
  const upstream = parts.demo
    ? anthropicUpstream({
        ...timing,
        target: { upstream: 'simulated', simulated: true },
        url: new URL(await simulated(closers)),
        key: SIMULATED_KEY,
      })
    : anthropicUpstream({
        ...timing,
        target: { upstream: config.upstream.name, simulated: false },
        url: new URL(config.upstream.url),
        key: resolveSecret(config.upstream.key, parts.env),
      });
  closers.add('upstream', () => upstream.close());
  return upstream;
}

async function simulated(closers: Closers): Promise<string> {
  const server = await startSimulatedUpstream({ pace: 'realistic', requiredKey: SIMULATED_KEY, keepReceived: false });
  closers.add('simulated provider', () => server.close());
  return server.url;
}
