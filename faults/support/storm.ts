import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from '../../test/support/house.ts';
import { raw } from '../../test/support/raw.ts';
import type { Ban, Call, History } from './history.ts';
import type { Random } from './random.ts';

export const HAIKU = 'claude-haiku-4-5';
export const OPUS = 'claude-opus-4-5';
const PEOPLE = ['ada@example.com', 'grace@example.com', 'alan@example.com'];

/** Everybody may do everything, or everything but Opus. The budgets are the same, so that they keep what was spent. */
export function policyOf(opus: 'allowed' | 'denied'): string {
  return [
    'access:',
    '  - { allow: "*", to: everyone }',
    ...(opus === 'denied' ? ['  - { deny: claude-opus-*, to: everyone }'] : []),
    'budgets:',
    '  - { for: organization, limit: 1000 USD/month, hold: strict }',
    '  - { each: person, limit: 900 USD/month, hold: strict }',
  ].join('\n');
}

async function call(url: string, history: History, call: Call): Promise<void> {
  const stream = call.begun % 3 === 0;
  const body = { model: call.model, stream, max_tokens: 500, messages: [{ role: 'user', content: call.marker }] };
  const authorization = `Bearer ${history.keys.get(call.key)}`;
  try {
    const reply = await raw(url, { body: JSON.stringify(body), headers: { authorization } });
    call.status = reply.status;
    call.record = String(reply.headers['x-gatehouse-record'] ?? '') || null;
    call.whole = reply.body.includes(stream ? 'message_stop' : 'end_turn');
  } catch {
    // The gateway was killed under it.
  }
  call.ended = history.tick();
}

interface Parts {
  readonly url: string;
  readonly admin: Admin;
  readonly history: History;
  readonly random: Random;
  readonly running: () => boolean;
}

/** Callers with all keys, those that were revoked too, and an operator who changes keys, stops and the policy; until told to end. */
export async function storm(parts: Parts): Promise<void> {
  await Promise.all([operator(parts), ...Array.from({ length: 6 }, () => caller(parts))]);
}

async function caller({ url, history, random, running }: Parts): Promise<void> {
  while (running()) {
    const key = random.pick([...history.keys.keys()].slice(-12));
    await call(url, history, history.begin(key, random.below(4) === 0 ? OPUS : HAIKU));
    await sleep(random.below(5));
  }
}

async function operator(parts: Parts): Promise<void> {
  const verbs = [createKey, createKey, revokeKey, applyPolicy, stopAndLift];
  while (parts.running()) {
    try {
      await parts.random.pick(verbs)(parts);
    } catch {
      // Not answered, or not with success: whether it holds is found out after the restart.
    }
    await sleep(parts.random.below(15));
  }
}

export async function createKey({
  admin,
  history,
  random,
}: Pick<Parts, 'admin' | 'history' | 'random'>): Promise<void> {
  const made = await admin.call('POST', '/api/keys', { person: random.pick(PEOPLE), label: 'laptop' });
  const { id } = made.key as { id: string };
  history.keys.set(id, String(made.secret));
  history.acknowledged.push({ action: 'key.created', subject: id });
}

async function revokeKey({ admin, history, random }: Parts): Promise<void> {
  const live = [...history.keys.keys()].filter((id) => !history.revoked.has(id));
  if (live.length < 4) return;
  const id = random.pick(live);
  await admin.call('POST', `/api/keys/${id}/revoke`, { reason: 'leaked' });
  history.acknowledged.push({ action: 'key.revoked', subject: id });
  history.revokedKey(id);
}

/** The ban on Opus that stands, as far as the operator was told. */
const opusBan = new WeakMap<History, Ban>();

export async function applyPolicy({
  admin,
  history,
  random,
}: Pick<Parts, 'admin' | 'history' | 'random'>): Promise<void> {
  const opus = random.pick(['allowed', 'denied'] as const);
  const standing = opusBan.get(history);
  if (opus === 'allowed' && standing !== undefined) liftOpus(history);
  const applied = await admin.call('POST', '/api/policy/apply', {
    text: `${policyOf(opus)}\n# ${history.tick()}\n`,
    reason: 'SEC-1',
  });
  history.revision = Number(applied.revision);
  if (opus === 'denied') banOpus(history);
}

export function banOpus(history: History): void {
  if (opusBan.has(history)) return;
  opusBan.set(
    history,
    history.ban('the policy denies Opus', ({ model }) => model === OPUS),
  );
}

function liftOpus(history: History): void {
  const standing = opusBan.get(history);
  if (standing !== undefined) standing.to = history.tick();
  opusBan.delete(history);
}

async function stopAndLift({ admin, history, random }: Parts): Promise<void> {
  const id = random.pick([...history.keys.keys()]);
  const made = await admin.call('POST', '/api/stops', { target: 'key', subject: id, reason: 'looks odd' });
  const ban = history.ban(`key ${id} is stopped`, (call) => call.key === id);
  await sleep(random.below(40));
  ban.to = history.tick();
  await admin.call('POST', `/api/stops/${String(made.id)}/lift`, { reason: 'was nothing' });
}
