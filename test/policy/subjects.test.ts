import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Subject } from '../../src/policy/model.ts';
import { applies, parseSubject } from '../../src/policy/subjects.ts';
import { ADA_ID, ada, CI_ID, ci, KEY_ID } from './support.ts';

test('subjects are read in every form, names in lower case', () => {
  for (const [text, pattern] of [
    ['everyone', { kind: 'everyone' }],
    ['team Research', { kind: 'team', id: 'research' }],
    ['team  big data ', { kind: 'team', id: 'big data' }],
    ['team everyone', { kind: 'team', id: 'everyone' }],
    ['person Ada@Example.com', { kind: 'person', id: 'ada@example.com' }],
    ['ada@example.com', { kind: 'person', id: 'ada@example.com' }],
    [`person ${ADA_ID}`, { kind: 'person', id: ADA_ID }],
    [ADA_ID, { kind: 'person', id: ADA_ID }],
    ['service Payments-CI', { kind: 'service', id: 'payments-ci' }],
    [CI_ID, { kind: 'service', id: CI_ID }],
    [`service ${CI_ID}`, { kind: 'service', id: CI_ID }],
    [`key ${KEY_ID}`, { kind: 'key', id: KEY_ID }],
    ['team constructor', { kind: 'team', id: 'constructor' }],
    ['service __proto__', { kind: 'service', id: '__proto__' }],
  ] as const) {
    assert.deepEqual(parseSubject(text), pattern, text);
  }
});

test('what is no subject is refused: patterns, half addresses, ids of another kind, invisible characters', () => {
  for (const text of [
    '',
    'research',
    'team',
    'team ',
    'person ada',
    'person @example.com',
    'a@b@c',
    '*@example.com',
    'team *',
    'service a@example.com',
    'key payments',
    `key ${ADA_ID}`,
    `person ${CI_ID}`,
    KEY_ID,
    'all',
    'group research',
    'team a\u200bb',
    'team a\nb',
    `team ${'x'.repeat(65)}`,
    `${'x'.repeat(250)}@example.com`,
    'a@example.com, b@example.com',
  ]) {
    assert.equal(parseSubject(text), null, JSON.stringify(text));
  }
});

test('a subject is matched by kind, and an id only by the id', () => {
  const impostor: Subject = { ...ci, id: 'svc_01dddddddddddddddddddddddd', name: CI_ID };
  const namesake: Subject = { ...ci, name: 'ada@example.com' };
  const erased: Subject = { ...ada, name: null };
  const upper: Subject = { ...ada, name: 'ADA@example.com', teams: ['Payments', 'Research'], team: 'Payments' };
  for (const [text, subject, expected] of [
    ['everyone', ci, true],
    ['team payments', ada, true],
    ['team payments', upper, true],
    ['team research', upper, true],
    ['team research', ada, false],
    ['ada@example.com', ada, true],
    ['ada@example.com', upper, true],
    ['ada@example.com', namesake, false],
    ['ada@example.com', erased, false],
    [ADA_ID, erased, true],
    ['service payments-ci', ci, true],
    ['service payments-ci', { ...ada, name: 'payments-ci' }, false],
    [CI_ID, ci, true],
    [CI_ID, impostor, false],
    [`key ${KEY_ID}`, ci, true],
    [`key ${KEY_ID}`, { ...ci, key: 'key_01eeeeeeeeeeeeeeeeeeeeeeee' }, false],
  ] as const) {
    const pattern = parseSubject(text);
    assert.ok(pattern !== null);
    assert.equal(applies([pattern], subject), expected, `${text} ${subject.kind} ${subject.name}`);
  }
  assert.equal(applies([], ada), false);
});
