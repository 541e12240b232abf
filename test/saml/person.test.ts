import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SamlProvider } from '../../src/policy/model.ts';
import { AUDIENCE, answerXml, IDP, refusal, type Said, world } from './support.ts';

type Attributes = Said['attributes'];

const read = (attributes: Attributes, names: Partial<SamlProvider['attributes']> = {}, said: Partial<Said> = {}) => {
  const named = { subject: null, email: null, name: null, groups: null, ...names };
  return world({ attributes: named }).finish(answerXml({ attributes, ...said }));
};
const EMAIL_ID = ' Format="urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"';
const CLAIMS = 'http://schemas.xmlsoap.org/ws/2005/05/identity/claims';
const MICROSOFT = 'http://schemas.microsoft.com/ws/2008/06/identity/claims/groups';
const LINK = 'http://schemas.microsoft.com/claims/groups.link';

test('the address is found under its usual names, in lower case, and is said to be neither checked nor not', async () => {
  const names = ['urn:oid:0.9.2342.19200300.100.1.3', `${CLAIMS}/emailaddress`, 'mail', 'email', 'emailAddress'];
  for (const name of names) {
    const { email, emailVerified } = await read([[name, 'Ada@ACME.test']]);
    assert.deepEqual({ email, emailVerified }, { email: 'ada@acme.test', emailVerified: null });
  }
  assert.equal((await read([['other', 'ada@acme.test']])).email, null);
});

test('a NameID that is an address is one, unless an attribute is, or the policy names another', async () => {
  const said = { nameId: 'Ada@Acme.test', nameIdAttributes: EMAIL_ID };
  assert.deepEqual((({ email, subject }) => ({ email, subject }))(await read([], {}, said)), {
    email: 'ada@acme.test',
    subject: 'Ada@Acme.test',
  });
  assert.equal((await read([['mail', 'b@acme.test']], {}, said)).email, 'b@acme.test');
  assert.equal((await read([], { email: 'theirs' }, said)).email, null);
  assert.equal((await read([], {}, { ...said, nameIdAttributes: '' })).email, null);
});

test('the policy can name each attribute, and then no other is looked at', async () => {
  const attributes: Attributes = [
    ['id', 'u-77'],
    ['addr', 'a@acme.test'],
    ['mail', 'b@acme.test'],
    ['label', 'Ada'],
    ['displayName', 'B'],
    ['team', 'x'],
    ['groups', 'y'],
  ];
  const proven = await read(attributes, { subject: 'id', email: 'addr', name: 'label', groups: 'team' });
  assert.partialDeepStrictEqual(proven, { subject: 'u-77', email: 'a@acme.test', name: 'Ada', groups: ['x'] });
});

test('what is no plain address is none', async () => {
  const bad = [
    'ada',
    'ada@',
    '@acme.test',
    'a b@acme.test',
    'ada@acme.test@evil.test',
    'ada@acme..test',
    'ada@acme.test.',
    'ada@acme_x.test',
  ];
  // The Kelvin sign is a k in lower case: another domain would become a captured one.
  const odd = [
    'ada@acme.test\u200b',
    '"ada"@acme.test',
    'ada@\u212aappa.test',
    `${'a'.repeat(65)}@acme.test`,
    `a@${'a.'.repeat(130)}test`,
  ];
  for (const value of [...bad, ...odd]) assert.equal((await read([['mail', value]])).email, null, value);
});

test('several different addresses are refused: which of them decides would be chance', async () => {
  const { code, detail } = await refusal(read([['mail', 'a@acme.test', 'b@other.test']]));
  assert.equal(code, 'response_invalid');
  assert.match(detail, /more than one e-mail/);
  assert.equal((await read([['mail', 'a@acme.test', 'a@acme.test']])).email, 'a@acme.test');
  // Also in two pieces of one attribute.
  assert.equal(
    (
      await refusal(
        read([
          ['mail', 'a@acme.test'],
          ['mail', 'b@acme.test'],
        ]),
      )
    ).code,
    'response_invalid',
  );
});

test('groups are found under their usual names, as written, without doubles and empty ones', async () => {
  for (const name of ['memberOf', 'groups', 'http://schemas.xmlsoap.org/claims/Group', MICROSOFT]) {
    const { groups } = await read([[name, 'Eng & Ops', 'CN=x,DC=y', 'Eng & Ops', '']]);
    assert.deepEqual(groups, ['Eng & Ops', 'CN=x,DC=y']);
  }
  assert.deepEqual((await read([])).groups, []);
  assert.deepEqual((await read([['groups']])).groups, []);
});

test('one attribute in several pieces has the values of them all', async () => {
  assert.deepEqual(
    (
      await read([
        ['groups', 'a'],
        ['mail', 'a@acme.test'],
        ['groups', 'b', 'a'],
      ])
    ).groups,
    ['a', 'b'],
  );
});

test('a link instead of groups (Entra ID, over 150 of them) is groups_unavailable, unless groups come from elsewhere', async () => {
  const { code } = await refusal(read([[LINK, 'https://graph.windows.net/x']]));
  assert.equal(code, 'groups_unavailable');
  assert.equal((await refusal(read([[LINK, 'x']], { groups: MICROSOFT }))).code, 'groups_unavailable');
  assert.deepEqual(
    (
      await read(
        [
          [LINK, 'x'],
          ['roles', 'r'],
        ],
        { groups: 'roles' },
      )
    ).groups,
    ['r'],
  );
});

test('too many groups, or one with too long a name, is groups_unavailable: a list cut short could lack the one that is denied', async () => {
  const many = (n: number): string[] => Array.from({ length: n }, (_, i) => `g${i}`);
  assert.equal((await read([['groups', ...many(2000)]])).groups.length, 2000);
  assert.equal((await refusal(read([['groups', ...many(2001)]]))).code, 'groups_unavailable');
  assert.equal((await read([['groups', 'g'.repeat(256)]])).groups.length, 1);
  assert.equal((await refusal(read([['groups', 'g'.repeat(257)]]))).code, 'groups_unavailable');
});

test('the name is for showing: the first that is there, and none that could trick a reader', async () => {
  assert.equal(
    (
      await read([
        ['cn', 'C'],
        ['displayName', 'D', 'E'],
      ])
    ).name,
    'D',
  );
  assert.equal((await read([['name', '  ']])).name, null);
  assert.equal((await read([['name', 'a\u202eb']])).name, null);
  assert.equal((await read([['name', 'n'.repeat(201)]])).name, null);
});

test('refused: a subject that is empty, too long, or could be taken for another', async () => {
  for (const nameId of ['', ' ada-1', 'ada-1 ', 'ada\u200b-1', 'ada-1\n', 'a'.repeat(256)]) {
    assert.equal((await refusal(read([], {}, { nameId }))).code, 'response_invalid', JSON.stringify(nameId));
  }
  assert.equal((await read([], {}, { nameId: 'a'.repeat(255) })).subject.length, 255);
});

test('a subject attribute that was not sent, or a NameID that is another each time, is a mistake of the set-up', async () => {
  const missing = await refusal(read([], { subject: 'id' }));
  assert.equal(missing.code, 'provider_misconfigured');
  const nameIdAttributes = ' Format="urn:oasis:names:tc:SAML:2.0:nameid-format:transient"';
  assert.equal((await refusal(read([], {}, { nameIdAttributes }))).code, 'provider_misconfigured');
  assert.equal((await read([['id', 'u-1']], { subject: 'id' }, { nameIdAttributes })).subject, 'u-1');
  assert.equal((await refusal(read([['id', 'u-1', 'u-2']], { subject: 'id' }))).code, 'response_invalid');
});

test('a NameID in the name space of another provider or service is another person', async () => {
  const persistent = ' Format="urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"';
  const qualified = (a: string, b: string): Partial<Said> => ({
    nameIdAttributes: `${persistent} NameQualifier="${a}" SPNameQualifier="${b}"`,
  });
  assert.equal((await read([], {}, qualified(IDP, AUDIENCE))).subject, 'ada-1');
  assert.equal((await refusal(read([], {}, qualified('https://other.test', AUDIENCE)))).code, 'response_invalid');
  assert.equal((await refusal(read([], {}, qualified(IDP, 'https://other.test')))).code, 'response_invalid');
});

test('refused: elements where text is decided on, attributes without a name, and attributes without end', async () => {
  const statement = (inside: string): Promise<unknown> =>
    read(
      [],
      {},
      {
        statement: `<saml:AuthnStatement></saml:AuthnStatement><saml:AttributeStatement>${inside}</saml:AttributeStatement>`,
      },
    );
  const value = '<saml:AttributeValue>a@acme.test<x></x></saml:AttributeValue>';
  for (const name of ['mail', 'groups']) {
    const { detail } = await refusal(statement(`<saml:Attribute Name="${name}">${value}</saml:Attribute>`));
    assert.match(detail, /holds more than text/);
  }
  // What is not decided on may be anything, such as an eduPersonTargetedID.
  await statement(`<saml:Attribute Name="other">${value}</saml:Attribute>`);
  assert.match((await refusal(statement('<saml:Attribute></saml:Attribute>'))).detail, /no usable name/);
  const many: Attributes = Array.from({ length: 501 }, (_, i) => [`a${i}`, 'v']);
  assert.match((await refusal(read(many))).detail, /too many attributes/);
  assert.match(
    (
      await refusal(
        read(
          [],
          {},
          {
            nameId: 'ada-1',
            statement: '<saml:AuthnStatement></saml:AuthnStatement>',
            nameIdAttributes: '',
            attributes: [['x'.repeat(501), 'v']],
          },
        ),
      )
    ).detail,
    /no usable name/,
  );
});

test('a NameID that holds elements is none', async () => {
  const answer = answerXml({ confirmation: null });
  const { code } = await refusal(world().finish(answer.replace('ada-1<', 'ada-1<x/><')));
  assert.equal(code, 'response_invalid');
});
