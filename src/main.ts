/** The composition root: config → build → listen → drain. The only place that constructs services. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { type GatehouseConfig, loadGatehouseConfig } from './config.ts';
import { systemClock } from './kernel/clock.ts';
import { Closers } from './kernel/closers.ts';
import { formatProblem } from './kernel/config.ts';
import { makeFolders } from './kernel/folders.ts';
import { createLogger, type Logger } from './kernel/log.ts';
import { prepareDemo } from './main/demo.ts';
import { openDoors } from './main/doors.ts';
import { type OpenGovernance, openGovernance } from './main/governance.ts';
import { openState, type State } from './main/state.ts';
import { openTls } from './main/tls.ts';
import { openUpstream } from './main/upstream.ts';
import { warningsOf } from './main/warnings.ts';
import { startWatch } from './main/watch.ts';
import type { Services } from './steps/services.ts';

export interface StartOptions {
  /** Configuration file; default `gatehouse.yaml` where it exists, else the defaults. */
  readonly config?: string | undefined;
  /** In front of the built-in simulated provider, with a sample organisation. */
  readonly demo?: boolean | undefined;
  /** These override the file. */
  readonly port?: number | undefined;
  readonly host?: string | undefined;
  readonly data?: string | undefined;
  /** Relay workers in front of this process; 0 for none. */
  readonly workers?: number | undefined;
  readonly env?: NodeJS.ProcessEnv | undefined;
  readonly log?: Logger | undefined;
  /** Called before each step of a call; fault tests stop the process between any two. */
  readonly beforeStep?: Services['beforeStep'];
}

export interface RunningGatehouse {
  readonly url: string;
  readonly dataDir: string;
  /** The one-use secret with which the first owner gets in; null once there is an owner. */
  readonly ownerSecret: string | null;
  readonly simulated: boolean;
  /** In the demo, a virtual key to try at once; else null. */
  readonly demoKey: string | null;
  /** False when no provider key is there: calls are refused with what to do. */
  readonly providerKey: boolean;
  /** False while no policy is in force: every call is refused. */
  readonly policy: boolean;
  /** Sentences an operator should read. */
  readonly warnings: readonly string[];
  /** Resolves when everything is closed. */
  readonly done: Promise<void>;
  /** No new calls, running streams finish within the deadline, journal closed. Safe to call twice. */
  stop(): Promise<void>;
}

/** A configuration that cannot be used; the message lists file, line, column and suggestion of each problem. */
export class ConfigError extends Error {}

export const VERSION: string = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version;

/**
 * Starts a gateway and resolves when it serves. Rejects with ConfigError, or with the error of what could not be opened (another
 * process on the same data folder, a damaged journal, a port that is taken); nothing is left running then.
 */
export async function startGatehouse(options: StartOptions = {}): Promise<RunningGatehouse> {
  const config = configOf(options);
  const log = options.log ?? createLogger({ level: config.log.level, pretty: process.stderr.isTTY === true });
  const closers = new Closers(log);
  try {
    return await start({ config, options, log, closers });
  } catch (error) {
    await closers.close();
    throw error;
  }
}

interface Parts {
  readonly config: GatehouseConfig;
  readonly options: StartOptions;
  readonly log: Logger;
  readonly closers: Closers;
}

async function start({ config, options, log, closers }: Parts): Promise<RunningGatehouse> {
  const clock = systemClock;
  const dataDir = resolve(config.data);
  await makeFolders(dataDir);
  const { upstream, relay } = await openUpstream({
    config,
    demo: options.demo === true,
    env: options.env ?? process.env,
    closers,
  });
  const state = await openState({ config, dataDir, clock, log, closers });
  const watch = await startWatch({ config, dataDir, clock, log, closers, state });
  const governance = await openGovernance({ config, dataDir, clock, log, closers, state, watch });
  const tls = await openTls({ config, clock, log, closers });
  const doors = await openDoors({
    config,
    dataDir,
    state,
    upstream,
    relay,
    watch,
    governance,
    clock,
    log,
    closers,
    version: VERSION,
    env: options.env ?? process.env,
    tls,
    beforeStep: options.beforeStep,
  });
  await state.journal.append({
    kind: 'gateway',
    body: { event: 'started', version: VERSION, durability: config.journal.durability },
  });
  const ownerSecret = await ownerSecretOf(state, governance);
  const url = await doors.listen();
  const demoKey = options.demo === true ? await prepareDemo({ state, url, log, now: clock.now() }) : null;
  let stopping: Promise<void> | null = null;
  let closed = (): void => undefined;
  const done = new Promise<void>((settle) => {
    closed = settle;
  });
  const stop = (): Promise<void> => {
    stopping ??= drain({ state, doors, closers, log, drainMs: config.listen.drain }).finally(closed);
    return stopping;
  };
  log.info(
    { url, data: dataDir, upstream: upstream.target.upstream, simulated: upstream.target.simulated },
    'gatehouse serves',
  );
  return {
    url,
    dataDir,
    ownerSecret,
    simulated: upstream.target.simulated,
    demoKey,
    providerKey: upstream.unusable === null,
    policy: governance.keeper.current.policy !== null,
    warnings: [...warningsOf(config), ...governance.warnings()],
    done,
    stop,
  };
}

/** Where SSO is required and there is a primary owner, the secret is one of the ways in that are shut. */
async function ownerSecretOf(state: State, { keeper }: OpenGovernance): Promise<string | null> {
  const shut = keeper.current.policy?.identity.requireSso === true;
  if (shut && (await state.store.read((tx) => tx.primaryOwner())) !== undefined) return null;
  return state.changes.ensureOwnerSecret();
}

interface Draining {
  readonly state: State;
  readonly doors: { drain(ms: number): Promise<void> };
  readonly closers: Closers;
  readonly log: Logger;
  readonly drainMs: number;
}

async function drain({ state, doors, closers, log, drainMs }: Draining): Promise<void> {
  log.info({ open: state.openCalls.count }, 'gatehouse drains');
  await doors.drain(drainMs);
  // Closing the journal writes it. Not awaited here: while the disk is full it would keep the process from ever ending.
  state.journal.appendEventually({ kind: 'gateway', body: { event: 'stopped' } }).catch(() => undefined);
  await closers.close();
  log.info({}, 'gatehouse stopped');
  await log.flush();
}

/** Where there is no file: apart from real data, and quiet, so that what to do next stays on the screen. */
const DEMO_DEFAULTS = { data: './demo-data', log: { level: 'warn' } } as const;

function configOf(options: StartOptions): GatehouseConfig {
  const loaded = loadGatehouseConfig({ file: options.config });
  if (!loaded.ok) throw new ConfigError(loaded.problems.map(formatProblem).join('\n'));
  const config = loaded.value;
  return {
    ...config,
    ...(options.demo === true && loaded.file === null ? DEMO_DEFAULTS : {}),
    ...(options.data === undefined ? {} : { data: options.data }),
    listen: {
      ...config.listen,
      host: options.host ?? config.listen.host,
      port: options.port ?? config.listen.port,
      workers: options.workers ?? config.listen.workers,
    },
  };
}
