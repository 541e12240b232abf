/** Changes of the policy that wait for a second person. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { inWorld, refusals, T0, type World } from './world.ts';

const actor = 'system';
const WEEK = 7 * 86_400_000;
const text = 'teams: { x: { lead: hopper@x.org } }';

async function peopled(world: World) {
  const add = async (name: string) =>
    (await world.changes.addPerson({ actor, email: `${name}@x.org`, role: 'admin' })).id;
  const [ada, ben] = [await add('ada'), await add('ben')];
  await world.changes.applyPolicy({ actor, text: 'access: []', teams: [] });
  const propose = (author = ada) =>
    world.changes.propose({ actor: author, text, base: 1, kinds: ['controls', 'content', 'controls'], reason: 'why' });
  return { ada, ben, propose };
}

test('P7: a proposal is kept with its text and recorded without it; approving marks it and applies nothing', async () => {
  await inWorld(async (world) => {
    const { changes, store, directory } = world;
    const { ada, ben, propose } = await peopled(world);
    const { id } = await propose();
    assert.match(id, /^chg_/);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const kinds = ['controls', 'content'];
    const row = { id, base: 1, text, sha256, author: ada, reason: 'why', restores: null, kinds, createdAt: T0 };
    const open = { expiresAt: T0 + WEEK, decision: null, decidedBy: null, decidedAt: null };
    assert.deepEqual(await store.proposal(id), { ...row, ...open });
    const after = { base: 1, sha256, bytes: Buffer.byteLength(text), kinds, restores: null, expiresAt: T0 + WEEK };
    const made = { actor: ada, action: 'proposal.made', subject: id, before: null, after, reason: 'why' };
    assert.deepEqual((await world.records()).at(-1), made);
    world.clock.set(T0 + 5);
    await changes.decideProposal({ actor: ben, proposal: id, decision: 'approved', reason: 'fine' });
    const decided = { decision: 'approved', decidedBy: ben, decidedAt: T0 + 5 };
    assert.deepEqual(await store.proposal(id), { ...row, ...open, ...decided });
    assert.deepEqual((await world.records()).at(-1), {
      ...{ actor: ben, action: 'proposal.approved', subject: id, reason: 'fine' },
      ...{ before: { decision: null }, after: { decision: 'approved', decidedAt: T0 + 5, author: ada } },
    });
    assert.equal(directory.current.policy?.number, 1);
    assert.ok(!JSON.stringify(await world.records()).includes('hopper'));
  });
});

test('P8: of two approvals of one proposal one counts, and what is decided stays so', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { ada, ben, propose } = await peopled(world);
    const { id: cyd } = await changes.addPerson({ actor, email: 'cyd@x.org', role: 'admin' });
    const { id } = await propose();
    const before = await world.store.outboxHead();
    const decide = (who: string, decision: 'approved' | 'rejected' | 'withdrawn') =>
      changes.decideProposal({ actor: who, proposal: id, decision });
    const results = await Promise.allSettled([
      decide(ben, 'approved'),
      decide(cyd, 'approved'),
      decide(cyd, 'rejected'),
    ]);
    assert.deepEqual(
      results.map(({ status }) => status),
      ['fulfilled', 'rejected', 'rejected'],
    );
    assert.equal(await world.store.outboxHead(), before + 1);
    await refusals(world, [
      ['conflict', () => decide(cyd, 'rejected')],
      ['conflict', () => decide(ben, 'approved')],
      ['conflict', () => decide(ada, 'withdrawn')],
    ]);
  });
});

test('P8: nobody is the second person of their own proposal, nor is anything that is no person', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { ada, ben, propose } = await peopled(world);
    const { id: service } = await changes.ensureService({ actor, name: 'ci' });
    const { id } = await propose();
    const { id: file } = await propose('file');
    const decide = (who: string, decision: 'approved' | 'rejected' | 'withdrawn', proposal = id) =>
      changes.decideProposal({ actor: who, proposal, decision });
    await refusals(world, [
      ['refused', () => decide(ada, 'approved')],
      ['refused', () => decide(ada, 'rejected')],
      ['refused', () => decide(ben, 'withdrawn')],
      ['refused', () => decide('system', 'approved')],
      ['refused', () => decide('file', 'approved')],
      ['refused', () => decide(service, 'approved')],
      ['refused', () => decide('file', 'approved', file)],
      ['not_found', () => decide(ben, 'approved', 'chg_nothing')],
      ['invalid', () => decide('ben', 'approved')],
    ]);
    await decide(ada, 'withdrawn');
    await decide('file', 'withdrawn', file);
    const { id: other } = await propose('file');
    await decide(ada, 'approved', other);
  });
});

test('P8: a proposal is approved only in time and while the policy it was written against is in force', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { ada, ben, propose } = await peopled(world);
    const [first, second] = [await propose(), await propose()];
    world.clock.set(T0 + WEEK);
    await refusals(world, [
      ['refused', () => changes.decideProposal({ actor: ben, proposal: first.id, decision: 'approved' })],
    ]);
    world.clock.set(T0 + WEEK - 1);
    await changes.decideProposal({ actor: ben, proposal: first.id, decision: 'approved' });
    await changes.applyPolicy({ actor: ben, text, teams: [], expect: 1 });
    await refusals(world, [
      ['conflict', () => changes.decideProposal({ actor: ben, proposal: second.id, decision: 'approved' })],
      ['conflict', () => propose()],
    ]);
    await changes.decideProposal({ actor: ben, proposal: second.id, decision: 'rejected' });
    const good = { actor: ada, text, base: 2, kinds: ['controls'] };
    await refusals(world, [
      ['conflict', () => changes.propose({ ...good, base: 0 })],
      ['invalid', () => changes.propose({ ...good, kinds: [] })],
      ['invalid', () => changes.propose({ ...good, text: 'é'.repeat(512 * 1024 + 1) })],
      ['invalid', () => changes.propose({ ...good, text: '\ud800' })],
      ['invalid', () => changes.propose({ ...good, reason: 'as hopper@x.org asked' })],
      ['invalid', () => changes.propose({ ...good, actor: 'ada' })],
      ['not_found', () => changes.propose({ ...good, restores: 9 })],
    ]);
    await changes.propose({ ...good, restores: 1 });
  });
});
