import { readFileSync } from 'node:fs';
import { request } from 'undici';
import type { Logger } from '../kernel/log.ts';
import type { State } from './state.ts';

const DAY_MS = 86_400_000;

/** The sample organisation: who is in which team. All of it is made up. */
const TEAMS: Readonly<Record<string, readonly string[]>> = {
  payments: ['ada@example.com', 'grace@example.com'],
  research: ['alan@example.com', 'katherine@example.com'],
};
const SERVICE = { name: 'payments-ci', team: 'payments' };
/** Who whoever tries the demo works as. */
const VISITOR = 'visitor@example.com';

/** What the sample people ask, so that usage and trail have something of everything. `[[sim:…]]` chooses what the simulated provider does. */
const SAMPLES: readonly { readonly model: string; readonly prompt: string; readonly stream: boolean }[] = [
  { model: 'claude-opus-5-5', prompt: 'Why does the settlement job run twice on Mondays?', stream: true },
  { model: 'claude-sonnet-5-5', prompt: 'Write a test for the currency rounding', stream: true },
  { model: 'claude-haiku-5-5', prompt: 'Summarise this stack trace', stream: false },
  { model: 'claude-sonnet-5-5', prompt: '[[sim:tool Bash {"command":"npm test"}]]', stream: true },
  { model: 'claude-opus-5-5', prompt: '[[sim:status 529]]', stream: true },
  { model: 'claude-sonnet-5-5', prompt: '[[sim:midstream-error]]', stream: true },
  { model: 'claude-haiku-5-5', prompt: '[[sim:status 429 retry-after=1]]', stream: false },
  { model: 'claude-fable-5-2', prompt: 'Plan the migration of the ledger', stream: true },
];

/**
 * Prepares the demo: on a first start a sample organisation with traffic, sent through this gateway as anybody's; on every start a key
 * of one day for the person who tries it. Returns that key.
 */
export async function prepareDemo(parts: { state: State; url: string; log: Logger; now: number }): Promise<string> {
  const { state, url, log, now } = parts;
  const { changes, directory } = state;
  const isNew = ![...directory.current.parties.values()].some((party) => party.name === VISITOR);
  const expiresAt = now + DAY_MS;
  // A policy that somebody applied to the demo stays.
  if (directory.current.policy === null) await samplePolicy(state);
  if (isNew) {
    const keys = await sampleOrganisation(state, expiresAt);
    // Beside the start: whoever tries the demo does not wait for its traffic.
    void sampleTraffic(url, keys).catch((error) =>
      log.warn({ err: error }, 'the sample traffic of the demo broke off'),
    );
  }
  const visitor = [...directory.current.parties.values()].find((party) => party.name === VISITOR);
  const owner = visitor?.id ?? (await changes.addPerson({ actor: 'system', email: VISITOR })).id;
  const key = await changes.createKey({ actor: 'system', owner, kind: 'key', label: 'demo', expiresAt });
  return key.secret;
}

async function samplePolicy({ changes }: State): Promise<void> {
  const text = readFileSync(new URL('./demo-policy.yaml', import.meta.url), 'utf8');
  await changes.applyPolicy({
    actor: 'system',
    text,
    reason: 'the sample policy of the demo',
    teams: Object.keys(TEAMS),
  });
}

async function sampleOrganisation({ changes, directory }: State, expiresAt: number): Promise<string[]> {
  const actor = 'system';
  const keys: string[] = [];
  const keyFor = async (owner: string, label: string): Promise<void> => {
    keys.push((await changes.createKey({ actor, owner, kind: 'key', label, expiresAt })).secret);
  };
  const teams = new Map<string, string>();
  for (const [name, people] of Object.entries(TEAMS)) {
    const team = directory.current.teamsByName.get(name)?.id ?? (await changes.addTeam({ actor, name })).id;
    teams.set(name, team);
    for (const email of people) await keyFor((await changes.addPerson({ actor, email, team })).id, 'laptop');
  }
  const service = await changes.ensureService({ actor, name: SERVICE.name, team: teams.get(SERVICE.team) ?? null });
  await keyFor(service.id, 'pipeline');
  return keys;
}

async function sampleTraffic(url: string, keys: readonly string[]): Promise<void> {
  for (const [index, key] of keys.entries()) {
    const mine = SAMPLES.filter((_, sample) => (sample + index) % 2 === 0);
    await Promise.all(mine.map((sample) => sampleCall(url, key, sample)));
  }
}

async function sampleCall(url: string, key: string, sample: (typeof SAMPLES)[number]): Promise<void> {
  const { model, prompt, stream } = sample;
  const reply = await request(`${url}/v1/messages`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${key}`,
      'content-type': 'application/json',
      'anthropic-version': '2023-06-01',
      'user-agent': 'gatehouse-demo (sample traffic)',
    },
    body: JSON.stringify({ model, stream, max_tokens: 400, messages: [{ role: 'user', content: prompt }] }),
  });
  // Read to its end, whatever it is: an error is part of the sample.
  await reply.body.dump();
}
