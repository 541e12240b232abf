import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { readRecords } from '../../src/journal/read.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { createLogger } from '../../src/kernel/log.ts';
import { startGatehouse } from '../../src/main.ts';
import { type Admin, adminOf, claim } from '../../test/support/house.ts';

/** The same tests with relay workers in front: `E2E_WORKERS=2 npm run e2e -- claude`. */
const WORKERS = Number(process.env.E2E_WORKERS ?? 0);

export interface Key {
  /** `key_…`, by which its records are found. */
  readonly id: string;
  /** `ghk_…`. */
  readonly secret: string;
}

/** What the journal says of the calls of one key, in order. */
export interface Records {
  readonly intents: readonly JournalRecord[];
  readonly outcomes: readonly JournalRecord[];
  readonly refusals: readonly JournalRecord[];
}

/** A Gatehouse of its own in front of the simulated provider, governed by one policy document. */
export interface GovernedHouse {
  readonly url: string;
  readonly admin: Admin;
  /** Makes a person with a key. */
  person(email: string): Promise<Key>;
  /** A key of a service. The first makes the service. */
  service(name: string): Promise<Key>;
  /** The records of a key as soon as they are like this; once every intent has its outcome, unless told. */
  records(key: Key, ready?: (records: Records) => boolean): Promise<Records>;
  close(): Promise<void>;
}

const LOOK_MS = 50;
const LOOKS = 400;
const settled = ({ intents, outcomes }: Records): boolean => intents.length === outcomes.length;

export async function openGovernedHouse(policy: string): Promise<GovernedHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'));
  const [config, policyFile, data] = ['gatehouse.yaml', 'policy.yaml', 'data'].map((name) => join(folder, name));
  writeFileSync(policyFile ?? '', policy);
  writeFileSync(config ?? '', `policy: { file: ${JSON.stringify(policyFile)} }\n`);
  const log = createLogger({ level: 'error' });
  const gatehouse = await startGatehouse({ demo: true, port: 0, data, config, log, workers: WORKERS });
  if (!gatehouse.policy) throw new Error(gatehouse.warnings.join('\n'));
  const admin = adminOf(gatehouse.url, (await claim(gatehouse)).token);
  const newKey = async (owner: object): Promise<Key> => {
    const made = await admin.call('POST', '/api/keys', { ...owner, label: 'e2e' });
    return { id: String((made.key as { id: string }).id), secret: String(made.secret) };
  };
  return {
    url: gatehouse.url,
    admin,
    async person(email) {
      await admin.call('POST', '/api/people', { email });
      return newKey({ person: email });
    },
    service: (name) => newKey({ service: name }),
    async records(key, ready = settled) {
      for (let i = 0; i < LOOKS; i++) {
        const records = await recordsOf(join(data ?? '', 'journal'), key);
        if (ready(records)) return records;
        await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      }
      throw new Error('the records of this key did not become what they should');
    },
    async close() {
      await gatehouse.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function recordsOf(journal: string, key: Key): Promise<Records> {
  const found: Record<string, JournalRecord[]> = { intent: [], outcome: [], refusal: [] };
  for await (const { record } of readRecords(journal, 'main'))
    if (record.key === key.id) found[record.kind]?.push(record);
  const { intent = [], outcome = [], refusal = [] } = found;
  return { intents: intent, outcomes: outcome, refusals: refusal };
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A call without the client, to see what is on the wire or to spend an exact amount. `signal` hangs up. */
export async function send(url: string, key: Key, options: { body: object; signal?: AbortSignal }): Promise<Answered> {
  const message = { max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] };
  const reply = await request(`${url}/v1/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key.secret}`,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
    },
    body: JSON.stringify({ ...message, ...options.body }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() };
}

/** When budgets of this month begin anew: the first of the next, in UTC. */
export function nextMonth(now = new Date()): Date {
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1));
}

/** `Dec 1`. */
export function dayOf(date: Date): string {
  return new Intl.DateTimeFormat('en-US', { month: 'short', day: 'numeric', timeZone: 'UTC' }).format(date);
}
