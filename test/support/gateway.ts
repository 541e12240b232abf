import { createHash } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { messagesDoor } from '../../src/doors/messages/door.ts';
import { createServer } from '../../src/doors/server.ts';
import { IdentityRefusal } from '../../src/identity/identify.ts';
import type { Principal } from '../../src/identity/principal.ts';
import type { Journal, NewRecord, Receipt } from '../../src/journal/records.ts';
import { systemClock } from '../../src/kernel/clock.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import type { Logger } from '../../src/kernel/log.ts';
import { MetricsRegistry } from '../../src/kernel/metrics.ts';
import { Estimator } from '../../src/limits/estimator.ts';
import { Ledger } from '../../src/limits/ledger.ts';
import { type OpenCallLimits, OpenCalls } from '../../src/limits/open-calls.ts';
import { Rates } from '../../src/limits/rates.ts';
import { RefusalQuota } from '../../src/limits/refusal-quota.ts';
import { govern } from '../../src/pipeline.ts';
import { countsModel } from '../../src/policy/patterns.ts';
import { LocalCarrier } from '../../src/steps/carry/local.ts';
import type { HeldEnvelope } from '../../src/steps/exchange.ts';
import type { Governance } from '../../src/steps/governance.ts';
import { metering } from '../../src/steps/metering.ts';
import type { Services } from '../../src/steps/services.ts';
import { anthropicUpstream } from '../../src/upstream/anthropic/upstream.ts';
import { type Double, startDouble } from './double.ts';
import { governanceOf, KEY, OPEN_POLICY, PERSON } from './governance.ts';
import { betweenWorkers } from './relay.ts';

export { KEY, PERSON };

/** Journal in memory: what was appended, in order, and a switch to make it fail. */
export class MemoryJournal implements Journal {
  readonly records: (NewRecord & { seq: number })[] = [];
  trouble: string | null = null;
  readonly head = { writer: 'test', seq: 0, hash: '', segment: '' };
  /** Called before a record counts as durable. */
  onAppend: (record: NewRecord) => void | Promise<void> = () => undefined;

  async append(record: NewRecord): Promise<Receipt> {
    if (this.trouble !== null) throw new Refusal('journal_unavailable', { detail: this.trouble });
    await this.onAppend(record);
    return this.#keep(record);
  }

  async appendEventually(record: NewRecord): Promise<Receipt> {
    return this.#keep(record);
  }

  of(kind: NewRecord['kind']): NewRecord['body'][] {
    return this.records.filter((record) => record.kind === kind).map((record) => record.body);
  }

  #keep(record: NewRecord): Receipt {
    // As the real journal: these names are its own.
    for (const name of ['seq', 'prev', 'id', 'at', 'kind']) {
      if (name in record.body) throw new TypeError(`a record's body must not set ${name}`);
    }
    const seq = this.records.length + 1;
    this.records.push({ ...record, seq });
    return { id: record.id ?? `rec_${seq}`, seq, hash: createHash('sha256').update(String(seq)).digest('hex') };
  }
}

export const silent: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silent,
  flush: async () => undefined,
} as Logger;

/** Whoever says `Bearer good` or `x-api-key: good` is the test's person; `revoked` is known and refused; others are strangers. */
function identifyTestCaller(headers: Readonly<Record<string, string | string[] | undefined>>): Principal {
  const said = headers.authorization?.toString().replace(/^Bearer /, '') ?? headers['x-api-key'];
  if (said === 'revoked') {
    throw new IdentityRefusal('credential_revoked', { known: { who: PERSON, key: KEY, team: null } });
  }
  if (said !== 'good') throw new Refusal('credential_unknown');
  return {
    kind: 'person',
    id: PERSON,
    team: null,
    role: 'member',
    credential: { id: KEY, kind: 'key', expires: null },
    keyTeam: null,
    snapshot: 'dir-1',
  };
}

export interface TestGateway {
  readonly url: string;
  readonly port: number;
  readonly journal: MemoryJournal;
  readonly double: Double;
  readonly openCalls: OpenCalls;
  readonly strangers: string[];
  readonly metrics: MetricsRegistry;
  readonly rates: Rates;
  readonly ledger: Ledger;
  readonly estimator: Estimator;
  /** Puts something else in force. */
  put(governance: Governance): void;
  close(): Promise<void>;
}

export interface TestOptions {
  readonly limits?: Partial<OpenCallLimits>;
  readonly bodyBytes?: number;
  readonly key?: string | null;
  /** Another provider than the double. */
  readonly upstream?: string;
  readonly pingMs?: number;
  readonly silenceMs?: number;
  readonly firstByteMs?: number;
  readonly services?: Partial<Services>;
  /** What is in force; everything is allowed unless told. */
  readonly governance?: Governance;
}

/** The real server, door, steps and upstream client, on loopback, around a journal in memory and a provider double. */
export async function startTestGateway(options: TestOptions = {}): Promise<TestGateway> {
  const double = await startDouble();
  const journal = new MemoryJournal();
  const metrics = new MetricsRegistry();
  const strangers: string[] = [];
  const mib = 1024 * 1024;
  const limits = { perCaller: 50, total: 100, bytesPerCaller: 64 * mib, bytesTotal: 256 * mib, ...options.limits };
  const openCalls = new OpenCalls(limits);
  const upstream = anthropicUpstream({
    target: { upstream: 'double', simulated: false },
    url: new URL(options.upstream ?? double.url),
    key: options.key === undefined ? 'provider-secret' : options.key,
    firstByteMs: options.firstByteMs ?? 10_000,
    silenceMs: options.silenceMs ?? 10_000,
    connectMs: 2_000,
  });
  const pingMs = options.pingMs ?? 15_000;
  const inForce = { governance: governanceOf(OPEN_POLICY) };
  const counted = {
    rates: new Rates(countsModel),
    ledger: new Ledger({ matches: countsModel, since: 0 }),
    estimator: new Estimator(),
  };
  const put = (governance: Governance): void => {
    inForce.governance = governance;
    counted.rates.adopt(governance.policy?.rates ?? []);
    const budgets = governance.policy?.budgets ?? [];
    const spent = new Map(counted.ledger.newLines(budgets).map(({ id }) => [id, []]));
    counted.ledger.adopt(budgets, { seq: 0, spent });
    openCalls.cut((call) => call.stillPermitted?.() === false, 'permission_ended');
  };
  put(options.governance ?? inForce.governance);
  const services: Services = {
    clock: systemClock,
    log: silent,
    metering: metering(metrics),
    journal,
    identify: identifyTestCaller,
    governance: () => inForce.governance,
    openCalls,
    ...counted,
    spendingUnknown: () => false,
    refusals: new RefusalQuota(),
    upstream,
    stranger: (code) => strangers.push(code),
    limits: { bodyBytes: options.bodyBytes ?? 32 * mib },
    draining: () => false,
    content: null,
    ...options.services,
  };
  const app = createServer({ hosts: [], requestMs: 30_000 });
  const here = (envelope: HeldEnvelope): Promise<void> =>
    govern({ envelope, carrier: new LocalCarrier(envelope, { upstream, pingMs }) }, services);
  // The same tests, with the byte work done on the other side of a worker's channel.
  const relayed = process.env.GATEHOUSE_TEST_RELAYED === '1';
  await messagesDoor(
    app,
    relayed ? betweenWorkers({ upstream, pingMs, govern: (arrival) => govern(arrival, services) }) : here,
  );
  await app.listen({ host: '127.0.0.1', port: 0 });
  const port = (app.server.address() as AddressInfo).port;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    journal,
    double,
    openCalls,
    strangers,
    metrics,
    ...counted,
    put,
    async close() {
      app.server.closeAllConnections();
      await app.close();
      await upstream.close();
      await double.close();
    },
  };
}

/** Waits until `check` holds; tests wait for events, never for a number of milliseconds. */
export async function until(check: () => boolean): Promise<void> {
  for (let turn = 0; turn < 2000; turn++) {
    if (check()) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error('it did not happen');
}
