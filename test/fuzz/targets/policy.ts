import assert from 'node:assert/strict';
import { formatProblem } from '../../../src/kernel/config.ts';
import { loadPolicy } from '../../../src/policy/load.ts';
import type { Question, Subject } from '../../../src/policy/model.ts';
import { priceTable } from '../../../src/pricing/table.ts';
import { ADA_ID, CI_ID, KEY_ID, NOW } from '../../policy/support.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { allows, documentOf } from './policy-reference.ts';

const MODELS = ['claude-opus-5-5', 'claude-opus-5-5-20260101', 'claude-haiku-4', 'everyday', 'other', '__proto__'];
const CAPABILITIES = ['web_search', 'code_execution'];
const PERSON: Subject = {
  kind: 'person',
  id: ADA_ID,
  name: 'ada@example.com',
  key: KEY_ID,
  teams: ['research'],
  team: 'research',
  groups: [],
};
const SUBJECTS: readonly Subject[] = [
  PERSON,
  { ...PERSON, teams: [], team: null },
  { kind: 'service', id: CI_ID, name: 'payments-ci', key: 'key_0', teams: ['Payments'], team: 'Payments', groups: [] },
];

function* questions(): Generator<Question> {
  for (const subject of SUBJECTS) {
    for (const name of MODELS) yield { subject, resource: { kind: 'model', name }, now: NOW };
    for (const name of CAPABILITIES) yield { subject, resource: { kind: 'capability', name }, now: NOW };
  }
}

/** Never throws; says where; and what it loads permits nothing that a plain reading of the document does not. */
function run(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  const loaded = loadPolicy({ text, file: 'p.yaml', now: NOW });
  assert.equal(Object.hasOwn(Object.prototype, 'mode'), false, 'a document reached a prototype');
  if (!loaded.ok) {
    assert.ok(loaded.problems.length >= 1 && loaded.problems.length <= 50);
    const lines = text.split(/\r\n|\r|\n/).length;
    for (const problem of loaded.problems) {
      assert.ok(problem.line >= 1 && problem.line <= lines && problem.column >= 1, 'a problem stands nowhere');
      assert.ok(!/[\p{Cc}]/u.test(formatProblem(problem)), 'a problem holds a control character');
    }
    return;
  }
  assert.ok(loaded.findings.length <= 1001);
  priceTable({ overrides: loaded.policy.prices, matches: (pattern, name) => pattern === name });
  const document = documentOf(text);
  for (const question of questions()) {
    const { effect } = loaded.policy.decide(question);
    if (effect !== 'allow') continue;
    assert.ok(allows(document, question), `${question.resource.name} is allowed, and the document does not say so`);
  }
}

export const policy: FuzzTarget = {
  name: 'policy',
  parses: 'src/policy/load.ts and everything below it, src/kernel/config/document.ts',
  hostile: ['file'],
  seeds: [
    'mode: enforce\nteams: {research: {members: [ada@example.com]}, Payments: {}}\nmodels: {allowed: [claude-*], aliases: {everyday: [claude-haiku-*]}}\naccess:\n  - {allow: everyday, to: everyone, until: 2027-06-30}\n  - {deny: claude-opus-*, to: [team payments, service payments-ci], because: "no"}\n  - {ask: claude-opus-5-5, to: team research, mode: observe}\nserver_side: [{allow: web_search, to: everyone, max_uses: 5}]\n',
    '{"access":[{"allow":"*","to":"everyone"},{"deny":["claude-opus-5-5"],"to":"key key_01cccccccccccccccccccccccc"}],"time_zone":"Europe/Berlin"}',
    'allowedModels: [claude-opus-5-5]\nrates: [{each: person, requests: 60/min, output_tokens: 200k/min, concurrent: 3}]\nbudgets: [{for: organization, limit: 40000 USD/month, hold: strict, warn: [50%, 95%]}]\nprices: [{models: claude-opus-*, discount: 12%, from: 2026-10-01}]\nretention: {content: {default: none}}\n',
    'a: &a [1, 2]\nb: *a\n',
    '%YAML 1.1\n---\nmode: no\n',
    'access: !!set {a}\n',
    '? [a]\n: b\n',
    'access: |\n  text\n',
    'mode: observe\naccess: [{deny: "*", to: everyone}]\nserver_side: [{deny: "*", to: team research}]\nteams: {research: }\n',
  ],
  tokens: [
    'allow',
    'deny',
    'ask',
    'to: ',
    'everyone',
    'team research',
    'mode: observe',
    'until: 2020-01-01',
    'models: ',
    'allowed: ',
    'aliases: ',
    'access:',
    'server_side:',
    'teams:',
    '- ',
    ': ',
    '{',
    '}',
    '[',
    ']',
    ', ',
    '\n',
    '\n  ',
    '&a ',
    '*a',
    '<<: ',
    '!!map ',
    '!x ',
    '__proto__',
    'constructor',
    '"*"',
    'claude-*',
    '---\n',
    '...\n',
    '? ',
    '| ',
    '>-\n',
    "'",
    '"',
    '"\\u0000"',
    '#',
    '1e999',
    '.inf',
    '.nan',
    '0x7fffffffffffffff',
    '0o17',
    '~',
    'null',
    '%YAML 1.1\n---\n',
    '%TAG ! x\n',
    '\t',
    '\ufeff',
    '\u2028',
    '[[[[[[[[[[[[[[[[',
    '{a: {a: {a: {a: ',
  ],
  run,
};
