import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { readRecords } from '../../src/journal/read.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { createLogger } from '../../src/kernel/log.ts';
import { startGatehouse } from '../../src/main.ts';
import { type Admin, adminOf, claim } from '../../test/support/house.ts';

export interface Key {
  /** `key_…`, by which its records are found. */
  readonly id: string;
  /** `ghk_…`. */
  readonly secret: string;
  /** `per_…` or `svc_…`. */
  readonly owner: string;
}

export interface Records {
  readonly intents: readonly JournalRecord[];
  readonly outcomes: readonly JournalRecord[];
  readonly refusals: readonly JournalRecord[];
}

/** A Gatehouse of its own in front of the simulated provider, governed by one policy document. */
export interface GovernedHouse {
  readonly url: string;
  readonly admin: Admin;
  readonly dir: string;
  /** A person of the policy, with a key. The first call makes the person. */
  person(email: string): Promise<Key>;
  /** What the journal says of a key once every intent has its outcome. */
  records(key: Key): Promise<Records>;
  /** Resolves when an intent of this key is in the journal: its call is on its way or has ended. */
  began(key: Key): Promise<void>;
  close(): Promise<void>;
}

const LOOK_MS = 50;
const LOOKS = 400;

export async function openGovernedHouse(policy: string): Promise<GovernedHouse> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-e2e-'));
  const config = join(folder, 'gatehouse.yaml');
  const policyFile = join(folder, 'policy.yaml');
  writeFileSync(policyFile, policy);
  writeFileSync(config, `policy: { file: ${JSON.stringify(policyFile)} }\n`);
  const data = join(folder, 'data');
  const log = createLogger({ level: 'error' });
  const gatehouse = await startGatehouse({ demo: true, port: 0, data, config, log });
  if (!gatehouse.policy) throw new Error(gatehouse.warnings.join('\n'));
  const admin = adminOf(gatehouse.url, (await claim(gatehouse)).token);
  const of = async (key: Key): Promise<JournalRecord[]> => {
    const found: JournalRecord[] = [];
    for await (const { record } of readRecords(join(data, 'journal'), 'main'))
      if (record.key === key.id) found.push(record);
    return found;
  };
  return {
    url: gatehouse.url,
    admin,
    dir: data,
    async person(email) {
      const { id: owner } = await admin.call('POST', '/api/people', { email });
      const made = await admin.call('POST', '/api/keys', { person: email, label: 'laptop' });
      return { id: String((made.key as { id: string }).id), secret: String(made.secret), owner: String(owner) };
    },
    records: (key) =>
      until(async () => {
        const all = await of(key);
        const [intents, outcomes, refusals] = ['intent', 'outcome', 'refusal'].map((kind) =>
          all.filter((record) => record.kind === kind),
        ) as [JournalRecord[], JournalRecord[], JournalRecord[]];
        return intents.length === outcomes.length ? { intents, outcomes, refusals } : null;
      }, 'an intent got no outcome'),
    began: (key) => until(async () => ((await of(key)).length > 0 ? undefined : null), 'no call began'),
    async close() {
      await gatehouse.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function until<T>(look: () => Promise<T | null>, otherwise: string): Promise<T> {
  for (let i = 0; i < LOOKS; i++) {
    const seen = await look();
    if (seen !== null) return seen;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(otherwise);
}

export interface Answered {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** A message sent without the client, to see what is on the wire. */
export async function send(url: string, key: Key, body: object): Promise<Answered> {
  const reply = await request(`${url}/v1/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key.secret}`,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
    },
    body: JSON.stringify({ max_tokens: 100, messages: [{ role: 'user', content: 'hi' }], ...body }),
  });
  return { status: reply.statusCode, headers: reply.headers, text: await reply.body.text() };
}
