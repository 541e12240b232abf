import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { AUDIT_BUDGET, type AuditBudget, searchAudit } from '../../src/projections/audit.ts';
import type { AuditQuery } from '../../src/projections/ports.ts';
import { segmentsOf } from '../../src/projections/segment-bytes.ts';
import { findRecord, showRecord } from '../../src/projections/show.ts';
import { CALLERS, FixtureJournal, type Written } from './fixture.ts';

const still = (): number => 0;

function source(journal: FixtureJournal, budget: Partial<AuditBudget> = {}) {
  const segments = segmentsOf(journal.dir, 'main');
  const show = { segments, milliseconds: 1000, monotonic: still };
  const intent = (id: string) => findRecord(show, id);
  return { segments, budget: { ...AUDIT_BUDGET, ...budget }, monotonic: still, intent };
}

/** A journal of several segments, the oldest compressed, a record a minute, with every kind of caller. */
function longJournal(): FixtureJournal {
  const journal = new FixtureJournal();
  for (let i = 0; i < 240; i++) {
    journal.now += 60_000;
    const caller = CALLERS[i % 4]!;
    const model = `claude-${'abc'[i % 3]}`;
    const client = { session: `s${i % 5}` };
    if (i % 7 === 0)
      journal.append('refusal', { ...caller, action: 'model.call', model, code: 'not_permitted', client });
    else if (i % 11 === 0) journal.append('change', { actor: CALLERS[0].who, action: 'key.revoked', subject: 'key_a' });
    else {
      const { id } = journal.append('intent', { ...caller, action: 'model.call', model, client });
      if (i % 13 === 0) journal.append('outcome', { intent: id, result: 'unknown', reason: 'crash' });
      else
        journal.append('outcome', {
          intent: id,
          ...caller,
          model,
          model_used: 'claude-d',
          result: i % 5 ? 'ok' : 'error',
          code: i % 5 ? null : 'api_error',
        });
    }
    if (i % 60 === 59) journal.roll();
  }
  journal.compress();
  journal.compress();
  return journal;
}

/** The oracle. */
function wanted(journal: FixtureJournal, query: Omit<AuditQuery, 'limit'>): number[] {
  const byId = new Map(journal.written.map((record) => [record.id, record]));
  const fits = (record: Written): boolean => {
    const own = record.body;
    const body = own.result === 'unknown' ? { ...byId.get(String(own.intent))!.body, ...own } : own;
    const client = body.client as { session?: string } | undefined;
    return (
      (query.kinds === undefined || query.kinds.length === 0 || query.kinds.includes(record.kind)) &&
      (query.who === undefined || body.who === query.who || body.actor === query.who) &&
      (query.key === undefined || body.key === query.key) &&
      (query.team === undefined || body.team === query.team) &&
      (query.model === undefined || body.model === query.model || body.model_used === query.model) &&
      (query.session === undefined || client?.session === query.session) &&
      (query.result === undefined ||
        own.result === query.result ||
        own.code === query.result ||
        (query.result === 'refused' && record.kind === 'refusal')) &&
      (query.from === undefined || record.at >= query.from) &&
      (query.to === undefined || record.at <= query.to) &&
      record.seq > (query.afterSeq ?? 0)
    );
  };
  const seqs = journal.written.filter(fits).map(({ seq }) => seq);
  return query.oldestFirst ? seqs : seqs.reverse();
}

function allPages(
  journal: FixtureJournal,
  query: AuditQuery,
  budget: Partial<AuditBudget>,
): { seqs: number[]; pages: number } {
  const seqs: number[] = [];
  let cursor: string | undefined;
  for (let pages = 1; ; pages++) {
    const page = searchAudit(source(journal, budget), { ...query, cursor });
    assert.ok(page.records.length <= query.limit);
    seqs.push(...page.records.map(({ seq }) => seq));
    if (page.cursor === null) return { seqs, pages };
    assert.notEqual(page.cursor, cursor);
    cursor = page.cursor;
  }
}

test('audit pages, whatever is asked and however small the budget, add up to the records that fit', () => {
  const journal = longJournal();
  const maybe = <T>(...values: T[]): fc.Arbitrary<T | undefined> =>
    fc.constantFrom(undefined, undefined, undefined, ...values);
  const at = (index: number): string => journal.written[index]!.at;
  const query = fc.record({
    oldestFirst: fc.boolean(),
    limit: fc.integer({ min: 1, max: 80 }),
    kinds: maybe(['refusal'], ['intent', 'outcome'], []),
    who: maybe(CALLERS[0].who, CALLERS[3].who),
    key: maybe('key_a', 'key_b'),
    team: maybe('tea_x'),
    model: maybe('claude-a', 'claude-d'),
    session: maybe('s1'),
    result: maybe('ok', 'refused', 'unknown', 'api_error'),
    from: maybe(at(5), at(200)),
    to: maybe(at(100), at(390)),
    afterSeq: maybe(3, 150),
  });
  const budget = fc.record({ records: fc.constantFrom(1, 7, 100_000), bytes: fc.constantFrom(1, 1e9) });
  fc.assert(
    fc.property(query, budget, (asked, limits) => {
      assert.deepEqual(allPages(journal, asked, limits).seqs, wanted(journal, asked));
    }),
    { seed: 20261124, numRuns: 60, endOnFailure: true },
  );
  journal.remove();
});

test('a page stops at its budget of records, time or bytes, and goes on from there', () => {
  const journal = longJournal();
  const none = { limit: 10, who: 'per_nobody' };
  const page = searchAudit(source(journal, { records: 50 }), none);
  assert.deepEqual(page.records, []);
  assert.equal(page.cursor, `n${journal.seq - 49}`);
  assert.equal(searchAudit(source(journal), none).cursor, null);

  let time = 0;
  const slow = { ...source(journal, { milliseconds: 30 }), monotonic: () => time++ };
  const late = searchAudit(slow, none);
  assert.notEqual(late.cursor, null);
  assert.ok(Number(late.cursor!.slice(1)) > journal.seq - 40);
  journal.remove();
});

test('new records do not shift the pages of a search that is under way', () => {
  const journal = longJournal();
  const before = wanted(journal, {});
  const first = searchAudit(source(journal), { limit: 100 });
  journal.append('gateway', { state: 'started' });
  const second = searchAudit(source(journal), { limit: 100, cursor: first.cursor ?? undefined });
  assert.deepEqual(
    [...first.records, ...second.records].map(({ seq }) => seq),
    before.slice(0, 200),
  );
  journal.remove();
});

test('a search that means nothing is refused', () => {
  const journal = new FixtureJournal();
  const refused = (query: AuditQuery) => assert.throws(() => searchAudit(source(journal), query), RangeError);
  refused({ limit: 0 });
  refused({ limit: 1001 });
  refused({ limit: 1.5 });
  refused({ limit: 5, cursor: 'x7' });
  refused({ limit: 5, cursor: 'o7' });
  refused({ limit: 5, from: 'yesterday' });
  journal.remove();
});

test('what is asked for a caller holds the records of the call that name only its intent', () => {
  const journal = new FixtureJournal();
  const { id } = journal.append('intent', { ...CALLERS[0], model: 'claude-a' });
  const more = journal.append('extension', { intent: id, reserved: 5 });
  const end = journal.append('outcome', { intent: id, result: 'unknown' });
  const of = (query: Partial<AuditQuery>): number[] =>
    searchAudit(source(journal), { limit: 10, oldestFirst: true, ...query }).records.map(({ seq }) => seq);
  assert.deepEqual(of({ who: CALLERS[0].who }), [more.seq - 1, more.seq, end.seq]);
  assert.deepEqual(of({ kinds: ['extension'], team: 'tea_x', model: 'claude-a' }), [more.seq]);
  assert.deepEqual(of({ kinds: ['extension'], team: 'tea_y' }), []);
  journal.remove();
});

test('an unfinished last line is no record', async () => {
  const journal = longJournal();
  const { appendFileSync } = await import('node:fs');
  appendFileSync(journal.path(-1 + journal.segments.length), '{"seq":99999,"prev":"');
  assert.deepEqual(allPages(journal, { limit: 1000 }, {}).seqs, wanted(journal, {}));
  assert.deepEqual(
    allPages(journal, { limit: 1000, oldestFirst: true }, {}).seqs,
    wanted(journal, { oldestFirst: true }),
  );
  journal.remove();
});

test('lines longer than a chunk are read whole in both directions', () => {
  const journal = new FixtureJournal();
  for (let i = 0; i < 6; i++) journal.append('content', { data: 'x'.repeat(i % 2 ? 700_000 : 10), part: i });
  journal.roll();
  journal.compress();
  for (let i = 0; i < 4; i++) journal.append('content', { data: 'y'.repeat(300_000 * i), part: i });
  for (const oldestFirst of [true, false]) {
    const got = allPages(journal, { limit: 2, oldestFirst }, {}).seqs;
    assert.deepEqual(got, wanted(journal, { oldestFirst }));
  }
  journal.remove();
});

test('a record is shown with everything that belongs to it, found by the time in its id', () => {
  const journal = longJournal();
  const caller = CALLERS[0];
  // The id was made when the call arrived, the record written after a slow body.
  const { id } = journal.append('intent', { ...caller, model: 'claude-a' }, journal.newId(journal.now - 10 * 60_000));
  const attempt = journal.append('attempt', { intent: id });
  for (let i = 0; i < 20; i++) journal.append('gateway', { i });
  journal.roll();
  journal.now += 30 * 60_000;
  const outcome = journal.append('outcome', { intent: id, ...caller, result: 'ok' });
  const content = journal.append('content', { intent: id, part: 'response', data: '' });
  journal.append('change', { actor: caller.who, action: 'x', subject: id });
  const show = (wantedId: string): string[] =>
    showRecord({ segments: segmentsOf(journal.dir, 'main'), milliseconds: 1000, monotonic: still }, wantedId).map(
      (record) => record.id,
    );
  const whole = [id, attempt.id, outcome.id, content.id];
  assert.deepEqual(show(id), whole);
  assert.deepEqual(show(outcome.id), whole);
  assert.deepEqual(show(content.id), whole);
  const refusal = journal.written.find(({ kind }) => kind === 'refusal')!;
  assert.deepEqual(show(refusal.id), [refusal.id]);
  assert.deepEqual(show(journal.newId()), []);
  assert.deepEqual(show('nonsense'), []);
  for (const { id: each } of journal.written) assert.ok(show(each).includes(each), each);
  journal.remove();
});
