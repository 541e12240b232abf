/** The verbs of what lies over the directory: stops, grants, policies. */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { newId, timeOfId } from '../../src/kernel/ids.ts';
import { inWorld, refusals, T0, type World } from './world.ts';

const actor = 'system';
const reason = 'runs wild';
const DAY = 86_400_000;

/** The records that `work` leaves. */
async function recordsOf(world: World, work: () => Promise<unknown>): Promise<object[]> {
  const before = (await world.records()).length;
  await work();
  return (await world.records()).slice(before);
}

async function peopled(world: World) {
  const { changes } = world;
  const { id: team } = await changes.addTeam({ actor, name: 'Research' });
  const { id: person } = await changes.addPerson({ actor, email: 'ada@x.org', role: 'admin' });
  const { id: service } = await changes.ensureService({ actor, name: 'ci' });
  const { id: key } = await changes.createKey({ actor, owner: person, label: '', kind: 'key' });
  const { id: token } = await changes.createKey({ actor, owner: person, label: '', kind: 'admin' });
  const { id: gone } = await changes.addPerson({ actor, email: 'gone@x.org' });
  await changes.erasePerson({ actor, person: gone });
  return { team, person, service, key, token, gone };
}

test('P3: a stop is in force when it is answered, until it is lifted; each leaves one record with ids only', async () => {
  await inWorld(async (world) => {
    const { changes, directory } = world;
    const { person, key } = await peopled(world);
    for (const [target, subject] of [
      ['party', person],
      ['key', key],
      ['session', '01234567-89ab'],
      ['model', 'claude-opus-4@2026*'],
      ['upstream', 'anthropic'],
      ['everything', null],
    ] as const) {
      let id = '';
      const made = await recordsOf(world, async () => {
        ({ id } = await changes.stop({ actor: person, target, subject, reason: ` ${reason} ` }));
      });
      assert.match(id, /^stp_[0-9a-hjkmnp-tv-z]{26}$/);
      assert.equal(timeOfId(id), T0);
      const record = { actor: person, subject: id };
      assert.deepEqual(made, [{ ...record, action: 'stop.made', before: null, after: { target, subject }, reason }]);
      assert.deepEqual(directory.current.stops.all, [
        { id, target, subject, reason, actor: person, createdAt: T0, liftedAt: null },
      ]);
      const again = () => changes.stop({ actor, target, subject, reason: 'another' });
      assert.deepEqual(await recordsOf(world, again), [], 'the same stop is made once');
      assert.equal((await again()).id, id);

      const lift = () => changes.liftStop({ actor: person, stop: id, reason: 'over' });
      const states = { before: { liftedAt: null }, after: { liftedAt: T0 } };
      assert.deepEqual(await recordsOf(world, lift), [{ ...record, action: 'stop.lifted', ...states, reason: 'over' }]);
      assert.deepEqual(await recordsOf(world, lift), []);
      assert.deepEqual(directory.current.stops.all, []);
      const fresh = await again();
      assert.notEqual(fresh.id, id, 'a lifted stop is not in force');
      await changes.liftStop({ actor, stop: fresh.id });
    }
  });
});

test('P3: two who stop the same at the same time make one stop', async () => {
  await inWorld(async (world) => {
    const stop = () => world.changes.stop({ actor, target: 'everything', subject: null, reason });
    const model = async (subject: string) => (await world.changes.stop({ actor, target: 'model', subject, reason })).id;
    const others = [await model('a'), await model('b')];
    assert.deepEqual([await model('a'), await model('b')], others);
    const ids = new Set((await Promise.all([stop(), stop(), stop()])).map(({ id }) => id));
    assert.equal(ids.size, 1);
    assert.deepEqual([await world.store.outboxHead(), (await world.store.stops(9)).length], [3, 3]);
  });
});

test('P7: a stop needs a subject that is there, a reason, and no address in either', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { person, token, gone } = await peopled(world);
    const session = { actor, target: 'session', subject: 's', reason } as const;
    const model = { ...session, target: 'model' } as const;
    await refusals(world, [
      ['not_found', () => changes.stop({ actor, target: 'party', subject: newId('per'), reason })],
      ['refused', () => changes.stop({ actor, target: 'party', subject: gone, reason })],
      ['not_found', () => changes.stop({ actor, target: 'key', subject: person, reason })],
      ['refused', () => changes.stop({ actor, target: 'key', subject: token, reason })],
      ['invalid', () => changes.stop({ actor, target: 'everything', subject: 'x', reason })],
      ['invalid', () => changes.stop({ ...session, subject: null })],
      ['invalid', () => changes.stop({ ...session, subject: ' ' })],
      ['invalid', () => changes.stop({ ...session, subject: 'x'.repeat(201) })],
      ['invalid', () => changes.stop({ ...session, subject: 'two\nlines' })],
      ['invalid', () => changes.stop({ ...session, subject: 'ada@x.org' })],
      ['invalid', () => changes.stop({ ...session, reason: ' ' })],
      ['invalid', () => changes.stop({ ...session, reason: 'as bob@x.org said' })],
      ['invalid', () => changes.stop({ ...session, actor: 'ada' })],
      ['invalid', () => changes.stop({ ...model, subject: 'ada@x.org' })],
      ['invalid', () => changes.stop({ ...model, subject: 'x'.repeat(257) })],
      ['invalid', () => changes.stop({ ...model, subject: 'claude opus' })],
      ['not_found', () => changes.liftStop({ actor, stop: 'stp_nothing' })],
      ['invalid', () => changes.liftStop({ actor, stop: 'stp_nothing', reason: 'a@x.org' })],
    ]);
    await changes.stop({ ...session, subject: 'x'.repeat(200) });
    await changes.stop({ ...model, subject: 'x'.repeat(256) });
  });
});

test('a grant is at hand until it is revoked; each leaves one record with ids only', async () => {
  await inWorld(async (world) => {
    const { changes, directory } = world;
    const { team, person, service, key } = await peopled(world);
    for (const [scope, subject] of [
      ['organization', null],
      ['team', team],
      ['person', person],
      ['service', service],
      ['key', key],
    ] as const) {
      const budget = { kind: 'budget', scope, subject, micros: 1 } as const;
      const approval = { kind: 'approval', scope, subject, models: 'claude-*', startsAt: T0 + DAY } as const;
      for (const input of [budget, approval]) {
        const endsAt = (input === approval ? T0 + DAY : T0) + 366 * DAY;
        let id = '';
        const make = async () => {
          ({ id } = await changes.grant({ ...input, actor: person, endsAt, reason }));
        };
        const made = await recordsOf(world, make);
        assert.match(id, /^gra_[0-9a-hjkmnp-tv-z]{26}$/);
        const after = { models: null, micros: null, startsAt: T0, ...input, endsAt };
        const record = { actor: person, subject: id };
        assert.deepEqual(made, [{ ...record, action: 'grant.made', before: null, after, reason }]);
        const row = { ...after, id, reason, actor: person, createdAt: T0, revokedAt: null };
        assert.deepEqual(directory.current.grants, [row]);

        const revoke = () => changes.revokeGrant({ actor: person, grant: id });
        const states = { before: { revokedAt: null }, after: { revokedAt: T0 } };
        assert.deepEqual(await recordsOf(world, revoke), [
          { ...record, action: 'grant.revoked', ...states, reason: null },
        ]);
        assert.deepEqual(await recordsOf(world, revoke), []);
        assert.deepEqual(directory.current.grants, []);
      }
    }
  });
});

test('P8: a grant is bounded in time and amount, for somebody who is there, with a reason', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const { team, person, service, token, gone } = await peopled(world);
    const budget = { actor, kind: 'budget', scope: 'organization', subject: null, micros: 1, reason } as const;
    const given = { ...budget, endsAt: T0 + 1 };
    const approval = { ...given, kind: 'approval', micros: null, models: 'claude-*' } as const;
    await refusals(world, [
      ['invalid', () => changes.grant({ ...budget, endsAt: T0 + 366 * DAY + 1 })],
      ['invalid', () => changes.grant({ ...budget, endsAt: T0 })],
      ['invalid', () => changes.grant({ ...budget, endsAt: Number.NaN })],
      ['invalid', () => changes.grant({ ...budget, startsAt: T0 + 9, endsAt: T0 + 9 })],
      ['invalid', () => changes.grant({ ...given, startsAt: T0 - 1 })],
      ['invalid', () => changes.grant({ ...given, startsAt: T0 + 0.5 })],
      ['invalid', () => changes.grant({ ...given, micros: 0 })],
      ['invalid', () => changes.grant({ ...given, micros: -1 })],
      ['invalid', () => changes.grant({ ...given, micros: 1.5 })],
      ['invalid', () => changes.grant({ ...given, micros: 2 ** 53 })],
      ['invalid', () => changes.grant({ ...given, micros: null })],
      ['invalid', () => changes.grant({ ...given, models: 'claude-*' })],
      ['invalid', () => changes.grant({ ...given, reason: '' })],
      ['invalid', () => changes.grant({ ...approval, micros: 1 })],
      ['invalid', () => changes.grant({ ...approval, models: null })],
      ['invalid', () => changes.grant({ ...approval, models: 'ada@x.org' })],
      ['invalid', () => changes.grant({ ...given, subject: team })],
      ['invalid', () => changes.grant({ ...given, scope: 'team' })],
      ['not_found', () => changes.grant({ ...given, scope: 'team', subject: person })],
      ['not_found', () => changes.grant({ ...given, scope: 'person', subject: service })],
      ['not_found', () => changes.grant({ ...given, scope: 'service', subject: person })],
      ['not_found', () => changes.grant({ ...given, scope: 'key', subject: person })],
      ['refused', () => changes.grant({ ...given, scope: 'key', subject: token })],
      ['refused', () => changes.grant({ ...given, scope: 'person', subject: gone })],
      ['not_found', () => changes.revokeGrant({ actor, grant: 'gra_nothing' })],
    ]);
  });
});

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

test('P7: a policy is a revision with its teams and one record, which holds neither its text nor a name', async () => {
  await inWorld(async (world) => {
    const { changes, directory, store } = world;
    const { person, team } = await peopled(world);
    const text = 'teams: { Payments: { members: [ada@x.org] } } # ä';
    const teams = ['Payments', 'research', ' payments '];
    const made = await recordsOf(world, async () => {
      const applied = await changes.applyPolicy({ actor: person, text, reason, teams });
      assert.deepEqual(applied, { revision: 1, unchanged: false });
    });
    const payments = directory.current.teamsByName.get('payments');
    assert.equal(payments?.name, 'Payments');
    assert.equal(directory.current.teams.size, 2, 'Research is there in other letters');
    const after = { revision: 1, sha256: sha256(text), bytes: 50, restores: null, teamsAdded: [payments?.id] };
    const record = { actor: person, action: 'policy.applied', subject: 'policy' };
    assert.deepEqual(made, [{ ...record, before: null, after, reason }]);
    const row = { number: 1, text, sha256: sha256(text), author: person, reason, restores: null, createdAt: T0 };
    assert.deepEqual(directory.current.policy, row);

    const again = () => changes.applyPolicy({ actor: 'system', text, teams, expect: 0 });
    assert.deepEqual(await recordsOf(world, again), []);
    assert.deepEqual(await again(), { revision: 1, unchanged: true });

    await changes.applyPolicy({ actor: 'file', text: 'access: []', teams: [], expect: 1 });
    const back = await recordsOf(world, () => changes.applyPolicy({ actor, text, teams, expect: 2, restores: 1 }));
    const before = { revision: 2, sha256: sha256('access: []') };
    assert.deepEqual(back, [
      { ...record, actor, before, after: { ...after, revision: 3, restores: 1, teamsAdded: [] }, reason: null },
    ]);
    const history = (await store.policyHistory(9)).map(({ number, author, restores }) => [number, author, restores]);
    assert.deepEqual(history, [
      [3, 'system', 1],
      [2, 'file', null],
      [1, person, null],
    ]);
    assert.equal(directory.current.teams.get(team)?.name, 'Research');
  });
});

test('P8: a policy that was not the one expected, too large, or restores nothing changes nothing', async () => {
  await inWorld(async (world) => {
    const { changes } = world;
    const apply = { actor, text: 'access: []', teams: [] };
    await refusals(world, [
      ['conflict', () => changes.applyPolicy({ ...apply, teams: ['New'], expect: 1 })],
      ['invalid', () => changes.applyPolicy({ ...apply, text: 'é'.repeat(512 * 1024 + 1) })],
      ['invalid', () => changes.applyPolicy({ ...apply, text: '\ud800' })],
      ['invalid', () => changes.applyPolicy({ ...apply, teams: [''] })],
      ['invalid', () => changes.applyPolicy({ ...apply, actor: 'ada' })],
      ['invalid', () => changes.applyPolicy({ ...apply, reason: 'as ada@x.org asked' })],
      ['not_found', () => changes.applyPolicy({ ...apply, restores: 1 })],
    ]);
    assert.equal(world.directory.current.policy, null);
    assert.equal(world.directory.current.teams.size, 0);
    await changes.applyPolicy({ ...apply, expect: 0 });
    await changes.applyPolicy({ ...apply, text: 'x'.repeat(1024 * 1024), expect: null });
    await refusals(world, [['conflict', () => changes.applyPolicy({ ...apply, expect: 1 })]]);
    const both = [1, 2].map((n) => changes.applyPolicy({ ...apply, text: `# ${n}`, expect: 2 }));
    const results = (await Promise.allSettled(both)).map(({ status }) => status).sort();
    assert.deepEqual(results, ['fulfilled', 'rejected'], 'of two at the same time one wins');
  });
});

test('P7: erasing a person takes the address out of every revision, and leaves those of others', async () => {
  await inWorld(async (world) => {
    const { changes, directory, folder } = world;
    const { id } = await changes.addPerson({ actor, email: 'Grace.Hopper@example.com' });
    const first = 'access: [{ allow: "*", to: grace.hopper@example.com }]';
    await changes.applyPolicy({ actor, text: first, teams: [] });
    await changes.applyPolicy({
      actor,
      text: 'to: [not-grace.hopper@example.com, GRACE.hopper@example.com]',
      teams: [],
    });
    await changes.erasePerson({ actor, person: id });
    assert.equal(directory.current.policy?.text, `to: [not-grace.hopper@example.com, ${id}]`);
    assert.equal((await world.store.policyRevision(1))?.text, `access: [{ allow: "*", to: ${id} }]`);
    const bytes = Buffer.concat(readdirSync(folder).map((name) => readFileSync(join(folder, name))))
      .toString('latin1')
      .toLowerCase();
    assert.deepEqual(
      [...new Set(bytes.match(/.{5}grace.hopper/g))].map((found) => found.slice(-16)),
      ['not-grace.hopper'],
    );
  });
});
