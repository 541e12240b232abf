import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Orders, ProviderSetup } from './oidc/orders.ts';

const SERVER = fileURLToPath(new URL('oidc/server.ts', import.meta.url));

/** An OpenID provider that is not ours (`oidc-provider`), in a process of its own. */
export interface OpenId {
  readonly issuer: string;
  /** Has it do something; resolves when it is done. */
  tell<Verb extends keyof Orders>(verb: Verb, input: Orders[Verb]): Promise<unknown>;
  /** How often a path was asked for since the last time of asking. */
  asked(path: string): Promise<number>;
  close(): Promise<void>;
}

/** Starts a provider on loopback, in the clear. Rejects with what it printed when it does not start. */
export async function startOpenId(setup: ProviderSetup): Promise<OpenId> {
  const child = fork(SERVER, { silent: true, execArgv: ['--disable-warning=ExperimentalWarning'] });
  let printed = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      printed += chunk;
    });
  }
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  child.on('message', ({ id, result, error }: { id: number; result: unknown; error?: string }) => {
    const { resolve, reject } = waiting.get(id) ?? {};
    waiting.delete(id);
    if (error === undefined) resolve?.(result);
    else reject?.(new Error(error));
  });
  void ended.then(() => {
    for (const { reject } of waiting.values()) reject(new Error(`the provider ended:\n${printed}`));
  });
  let ids = 0;
  const say = (verb: string, input: unknown): Promise<unknown> =>
    new Promise((resolve, reject) => {
      const id = ids++;
      waiting.set(id, { resolve, reject });
      child.send({ id, verb, input });
    });
  await say('open', setup);
  return {
    issuer: `http://${setup.host}:${setup.port}`,
    tell: say,
    async asked(path) {
      return ((await say('asked', null)) as string[]).filter((one) => one === path).length;
    },
    async close() {
      child.disconnect();
      await ended;
    },
  };
}
