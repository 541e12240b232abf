import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { type CredentialHeaders, IdentityRefusal, identify } from '../../src/identity/identify.ts';
import { newBreakGlassSecret, newCredential, newOwnerSecret, newSessionSecret } from '../../src/identity/key-format.ts';
import type { KeyKind } from '../../src/identity/principal.ts';
import type { Caller } from '../../src/journal/bodies.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { newWorld, T0, type World } from './world.ts';

let world: World;
let team: string;
const secrets: Record<string, string> = {};
const ids: Record<string, string> = {};
const owners: Record<string, string> = {};

async function give(name: string, kind: KeyKind, expiresAt: number | null = null): Promise<void> {
  const { id: owner } = await world.changes.addPerson({ actor: 'system', email: `${name}@example.com`, team });
  const issued = await world.changes.createKey({ actor: 'system', owner, label: '', kind, expiresAt });
  [secrets[name], ids[name], owners[name]] = [issued.secret, issued.id, owner];
}

before(async () => {
  world = await newWorld();
  team = (await world.changes.addTeam({ actor: 'system', name: 'platform' })).id;
  await give('good', 'key');
  await give('other', 'key');
  await give('admin', 'admin');
  await give('revoked', 'key');
  await world.changes.revokeCredential({ actor: 'system', credential: ids.revoked! });
  await give('expiring', 'key', T0 + 1000);
  await give('rotated', 'key');
  await world.changes.rotateKey({ actor: 'system', key: ids.rotated!, overlapMs: 1000 });
  await give('disabled', 'key');
  await world.changes.disableParty({ actor: 'system', party: owners.disabled! });
  await give('erased', 'key');
  await world.changes.erasePerson({ actor: 'system', person: owners.erased! });
  secrets.stranger = newCredential('key').secret;
  secrets['strange admin'] = newCredential('admin').secret;
  secrets.claim = newOwnerSecret().secret;
  secrets.glass = newBreakGlassSecret().secret;
  secrets.nobody = newSessionSecret().secret;
  await give('signedin', 'key');
  const opening = { person: owners.signedin!, provider: 'okta', client: 'c', label: '', until: null };
  secrets.session = (await world.changes.openSession({ ...opening, longestMs: 100_000 })).secret;
  await give('guest', 'key');
  await world.store.change((tx) => tx.updateParty(owners.guest!, { sponsor: owners.good!, endsAt: T0 + 700 }));
  await world.directory.refresh();
});
after(() => world.close());

const bearer = (name: string): CredentialHeaders => ({ authorization: `Bearer ${secrets[name]}` });
const apiKey = (name: string): CredentialHeaders => ({ 'x-api-key': secrets[name]! });
const knownAs = (name: string): Caller => ({ who: owners[name]!, key: ids[name]!, team });
const call = (headers: CredentialHeaders, door: KeyKind = 'key', now = T0 + 500) =>
  identify(headers, { directory: world.directory, door, now });

describe('who is accepted', () => {
  const rows: Array<[string, () => CredentialHeaders]> = [
    ['Bearer', () => bearer('good')],
    ['x-api-key', () => apiKey('good')],
    ['both, the same', () => ({ ...bearer('good'), ...apiKey('good') })],
    ['bearer in lower case (RFC 9110 §11.1)', () => ({ authorization: `bearer ${secrets.good}` })],
    ['BEARER and several spaces', () => ({ authorization: `BEARER   ${secrets.good}` })],
    ['a list of one', () => ({ 'x-api-key': [secrets.good!] })],
    ['an empty list beside it', () => ({ ...bearer('good'), 'x-api-key': [] })],
  ];
  for (const [name, headers] of rows) {
    test(name, () => {
      assert.deepEqual(call(headers()), {
        kind: 'person',
        id: owners.good,
        team,
        keyTeam: null,
        role: 'member',
        credential: { id: ids.good, kind: 'key', expires: null },
        snapshot: world.directory.current.version,
      });
    });
  }

  test('an admin token at the admin door', () => {
    assert.equal(call(bearer('admin'), 'admin').credential.id, ids.admin);
  });
});

interface Row {
  readonly name: string;
  readonly headers: () => CredentialHeaders;
  readonly code: string;
  readonly known?: string;
  readonly door?: KeyKind;
  readonly now?: number;
}

const refusals: Row[] = [
  { name: 'nothing', headers: () => ({}), code: 'credential_missing' },
  { name: 'empty lists', headers: () => ({ authorization: [], 'x-api-key': [] }), code: 'credential_missing' },
  {
    name: 'Authorization twice, even the same',
    headers: () => ({ authorization: [`Bearer ${secrets.good}`, `Bearer ${secrets.good}`] }),
    code: 'credential_conflict',
  },
  {
    name: 'x-api-key twice',
    headers: () => ({ 'x-api-key': [secrets.good!, secrets.other!] }),
    code: 'credential_conflict',
  },
  {
    name: 'two valid keys that differ',
    headers: () => ({ ...bearer('good'), ...apiKey('other') }),
    code: 'credential_conflict',
  },
  {
    name: 'a valid key beside rubbish',
    headers: () => ({ ...bearer('good'), 'x-api-key': 'rubbish' }),
    code: 'credential_conflict',
  },
  {
    name: 'Basic',
    headers: () => ({ authorization: `Basic ${secrets.good}` }),
    code: 'credential_malformed',
  },
  {
    name: 'Basic beside a valid x-api-key',
    headers: () => ({ authorization: 'Basic Zm9vOmJhcg==', ...apiKey('good') }),
    code: 'credential_malformed',
  },
  { name: 'a key without scheme', headers: () => ({ authorization: secrets.good! }), code: 'credential_malformed' },
  { name: 'Bearer alone', headers: () => ({ authorization: 'Bearer' }), code: 'credential_malformed' },
  { name: 'Bearer and a space', headers: () => ({ authorization: 'Bearer ' }), code: 'credential_malformed' },
  { name: 'an empty x-api-key', headers: () => ({ 'x-api-key': '' }), code: 'credential_malformed' },
  {
    name: 'a tab after Bearer',
    headers: () => ({ authorization: `Bearer\t${secrets.good}` }),
    code: 'credential_malformed',
  },
  {
    name: 'text after the key',
    headers: () => ({ authorization: `Bearer ${secrets.good}, Bearer ${secrets.other}` }),
    code: 'credential_malformed',
  },
  {
    name: 'a cut key',
    headers: () => ({ authorization: `Bearer ${secrets.good!.slice(0, -1)}` }),
    code: 'credential_malformed',
  },
  {
    name: 'a provider key',
    headers: () => ({ 'x-api-key': `sk-ant-api03-${'a'.repeat(95)}` }),
    code: 'credential_malformed',
  },
  { name: 'an owner secret', headers: () => bearer('claim'), code: 'credential_malformed' },
  { name: 'a break-glass secret', headers: () => bearer('glass'), code: 'credential_malformed' },
  { name: 'P3: a valid session as a bearer', headers: () => bearer('session'), code: 'credential_unknown' },
  {
    name: 'a valid session at the admin door',
    headers: () => apiKey('session'),
    code: 'credential_unknown',
    door: 'admin',
  },
  { name: 'a session that nobody has', headers: () => apiKey('nobody'), code: 'credential_unknown' },
  {
    name: 'P3: a key of a guest whose time is over',
    headers: () => bearer('guest'),
    code: 'owner_disabled',
    known: 'guest',
    now: T0 + 700,
  },
  { name: 'a key nobody has', headers: () => bearer('stranger'), code: 'credential_unknown' },
  {
    name: 'an unknown key of the other kind',
    headers: () => bearer('strange admin'),
    code: 'credential_unknown',
  },
  { name: 'P3: a revoked key', headers: () => bearer('revoked'), code: 'credential_revoked', known: 'revoked' },
  {
    name: 'a revoked key at the wrong door',
    headers: () => bearer('revoked'),
    code: 'credential_revoked',
    known: 'revoked',
    door: 'admin',
  },
  {
    name: 'an expired key',
    headers: () => bearer('expiring'),
    code: 'credential_expired',
    known: 'expiring',
    now: T0 + 1000,
  },
  {
    name: 'a rotated key after its overlap',
    headers: () => bearer('rotated'),
    code: 'credential_revoked',
    known: 'rotated',
    now: T0 + 1000,
  },
  {
    name: 'P3: a key of a disabled person',
    headers: () => bearer('disabled'),
    code: 'owner_disabled',
    known: 'disabled',
  },
  {
    name: 'P3: a key of an erased person',
    headers: () => bearer('erased'),
    code: 'credential_revoked',
    known: 'erased',
  },
  { name: 'an admin token at the model door', headers: () => bearer('admin'), code: 'wrong_door', known: 'admin' },
  { name: 'a key at the admin door', headers: () => apiKey('good'), code: 'wrong_door', known: 'good', door: 'admin' },
];

test('a key of a guest works until the guest ends', () => {
  assert.equal(call(bearer('guest'), 'key', T0 + 699).id, owners.guest);
});

describe('who is refused', () => {
  for (const row of refusals) {
    test(`${row.name}: ${row.code}`, () => {
      assert.throws(
        () => call(row.headers(), row.door, row.now),
        (error) => {
          assert.ok(error instanceof IdentityRefusal && error instanceof Refusal);
          assert.equal(error.code, row.code);
          assert.deepEqual(error.known, row.known === undefined ? null : knownAs(row.known));
          return true;
        },
      );
    });
  }

  test('the refusal of an expired key says when, in ISO 8601, and names no key', () => {
    const iso = new Date(T0 + 1000).toISOString();
    assert.throws(
      () => call(bearer('expiring'), 'key', T0 + 2000),
      (error) =>
        error instanceof IdentityRefusal &&
        error.fields.expired === iso &&
        error.message === `This key expired on ${iso}.`,
    );
    assert.equal(call(bearer('expiring'), 'key', T0 + 999).credential.expires, T0 + 1000);
  });

  test('P5: no refusal repeats the credential', () => {
    for (const row of refusals) {
      try {
        call(row.headers(), row.door, row.now);
      } catch (error) {
        const { message, fields, detail, known } = error as IdentityRefusal;
        const shown = JSON.stringify([message, fields, detail, known]);
        for (const secret of Object.values(secrets)) assert.ok(!shown.includes(secret));
      }
    }
  });
});
