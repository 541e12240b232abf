import type { GatehouseConfig } from '../config.ts';
import type { Closers } from '../kernel/closers.ts';
import { resolveSecret } from '../secrets/reference.ts';
import { type AnthropicOptions, anthropicUpstream } from '../upstream/anthropic/upstream.ts';
import type { Upstream } from '../upstream/ports.ts';
import { startSimulatedUpstream } from '../upstream/simulated/server.ts';

const SIMULATED_KEY = 'simulated-key';

export interface OpenUpstream {
  readonly upstream: Upstream;
  /** What a relay worker opens the same upstream with. */
  readonly relay: AnthropicOptions;
}

/** The provider of the configuration, or the built-in simulated one for the demo. */
export async function openUpstream(parts: {
  config: GatehouseConfig;
  demo: boolean;
  env: NodeJS.ProcessEnv;
  closers: Closers;
}): Promise<OpenUpstream> {
  const { config, closers } = parts;
  const timing = {
    firstByteMs: config.upstream.first_byte,
    silenceMs: config.upstream.silence,
    connectMs: config.upstream.connect,
  };
  const relay: AnthropicOptions = parts.demo
    ? {
        ...timing,
        target: { upstream: 'simulated', simulated: true },
        url: new URL(await simulated(closers)),
        key: SIMULATED_KEY,
      }
    : {
        ...timing,
        target: { upstream: config.upstream.name, simulated: false },
        url: new URL(config.upstream.url),
        key: resolveSecret(config.upstream.key, parts.env),
      };
  const upstream = anthropicUpstream(relay);
  closers.add('upstream', () => upstream.close());
  return { upstream, relay };
}

async function simulated(closers: Closers): Promise<string> {
  const server = await startSimulatedUpstream({ pace: 'realistic', requiredKey: SIMULATED_KEY, keepReceived: false });
  closers.add('simulated provider', () => server.close());
  return server.url;
}
