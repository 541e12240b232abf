import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FetchFailure } from '../../src/net/failure.ts';
import type { SamlProvider } from '../../src/policy/model.ts';
import { certificateXml, ecCertificate, metadataXml, rsaCertificate, rsaKeys, service } from './metadata.ts';
import {
  type Answer,
  answerXml,
  assertionXml,
  CALLBACK,
  IDP,
  idp,
  MINUTE,
  NOW,
  refusal,
  responseXml,
  SETTINGS,
  signed,
  stranger,
  type World,
  world,
} from './support.ts';

const DAY = 24 * 60 * MINUTE;
const URL_OF = 'https://idp.acme.test/metadata.xml';
const FETCHED: Partial<SamlProvider> = { metadata: { url: URL_OF }, entityId: null, signInUrl: null, certificates: [] };

const served =
  (xml: string): Answer =>
  () => ({ status: 200, body: Buffer.from(xml) });
const begin = (one: World) => one.client.begin({ callback: CALLBACK, state: 's', loginHint: null });
const BY_STRANGER = responseXml(signed(assertionXml(), { keys: stranger }));

test('metadata is fetched when first needed, once for all who ask at the same time, and then known', async () => {
  const one = world(FETCHED, served(metadataXml()));
  assert.deepEqual(one.fetched, []);
  const [begun] = await Promise.all([begin(one), begin(one), one.finish(answerXml())]);
  await begin(one);
  assert.deepEqual(one.fetched, [URL_OF]);
  assert.match(begun.location, /^https:\/\/idp\.acme\.test\/sso\?tenant=1&x=2&SAMLRequest=/);
});

test('it is fetched again after a day, and nobody waits for that', async () => {
  let keys = certificateXml(idp.certificate);
  const one = world(FETCHED, () => ({ status: 200, body: Buffer.from(metadataXml({ keys })) }));
  await begin(one);
  one.clock.at += DAY - 1;
  await begin(one);
  assert.equal(one.fetched.length, 1);
  one.clock.at += 1;
  keys = certificateXml(stranger.certificate);
  await begin(one);
  assert.equal(one.fetched.length, 2);
  await new Promise(setImmediate);
  one.clock.at = NOW;
  // What is signed with the certificate that is gone is no longer taken.
  assert.equal((await refusal(one.finish(answerXml()))).code, 'response_invalid');
  assert.equal((await one.finish(BY_STRANGER)).subject, 'ada-1');
});

test('the last good metadata is kept for seven days while the provider does not answer, with a warning, and no longer', async () => {
  let up = true;
  const one = world(FETCHED, () => {
    if (up) return { body: Buffer.from(metadataXml()) };
    throw new FetchFailure('unreachable', 'idp.acme.test', 'idp.acme.test cannot be reached');
  });
  await begin(one);
  up = false;
  one.clock.at += 6 * DAY;
  await begin(one);
  await new Promise(setImmediate);
  assert.match(one.logged[0]?.message ?? '', /could not be fetched/);
  one.clock.at = NOW + 7 * DAY;
  const { code, detail } = await refusal(begin(one));
  assert.equal(code, 'provider_unreachable');
  assert.match(detail, /idp\.acme\.test cannot be reached/);
});

test('a provider that does not answer, or answers with something else, is asked at most every 15 seconds', async () => {
  let answer: Answer = () => ({ status: 503 });
  const one = world(FETCHED, () => answer());
  assert.equal((await refusal(begin(one))).code, 'provider_unreachable');
  assert.equal((await refusal(one.finish(answerXml()))).code, 'provider_unreachable');
  assert.equal(one.fetched.length, 1);
  answer = served('<html/>');
  one.clock.at += 15_000;
  assert.equal((await refusal(begin(one))).code, 'provider_misconfigured');
  answer = served(metadataXml());
  assert.equal((await refusal(begin(one))).code, 'provider_misconfigured');
  one.clock.at += 15_000;
  await begin(one);
  assert.equal(one.fetched.length, 3);
});

test('metadata that is over is not used, neither from an address nor from the policy', async () => {
  const xml = metadataXml({ attributes: ` validUntil="${new Date(NOW + DAY).toISOString()}"` });
  const one = world(FETCHED, served(xml));
  await begin(one);
  one.clock.at += DAY;
  assert.equal((await refusal(begin(one))).code, 'provider_misconfigured');
  const written = world({ ...FETCHED, metadata: { xml } });
  await begin(written);
  assert.deepEqual(written.fetched, []);
  written.clock.at += DAY;
  assert.equal((await refusal(begin(written))).code, 'provider_misconfigured');
});

test('a signature by an unknown certificate has the metadata looked at again, once in 15 seconds, and a new certificate counts at once', async () => {
  let keys = certificateXml(idp.certificate);
  const one = world(FETCHED, () => ({ body: Buffer.from(metadataXml({ keys })) }));
  await begin(one);
  assert.equal((await refusal(one.finish(BY_STRANGER))).code, 'response_invalid');
  assert.equal(one.fetched.length, 1);
  one.clock.at += 15_000;
  assert.equal((await refusal(one.finish(BY_STRANGER))).code, 'response_invalid');
  assert.equal(one.fetched.length, 2);
  keys += certificateXml(stranger.certificate);
  assert.equal((await refusal(one.finish(BY_STRANGER))).code, 'response_invalid');
  one.clock.at += 15_000;
  assert.equal((await one.finish(BY_STRANGER)).subject, 'ada-1');
  assert.equal((await one.finish(answerXml())).subject, 'ada-1');
  // Any other refusal has nothing to do with certificates.
  one.clock.at += 15_000;
  await refusal(one.finish(answerXml({ audience: 'https://other.test' })));
  assert.equal(one.fetched.length, 3);
});

test('the policy counts before the metadata, and certificates of both are taken', async () => {
  const one = world(
    { ...FETCHED, signInUrl: 'https://other.acme.test/in', certificates: [stranger.certificate] },
    served(metadataXml()),
  );
  assert.match((await begin(one)).location, /^https:\/\/other\.acme\.test\/in\?SAMLRequest=/);
  assert.equal((await one.finish(answerXml())).subject, 'ada-1');
  assert.equal((await one.finish(BY_STRANGER)).subject, 'ada-1');
  const elsewhere = world({ ...FETCHED, entityId: 'https://other.test' }, served(metadataXml()));
  assert.equal((await refusal(begin(elsewhere))).code, 'provider_misconfigured');
});

test('refused as set up wrongly: a provider without an address for requests, or with one that browsers must not be sent to', async () => {
  const cases: [services: string, detail: RegExp][] = [
    ['', /nothing says where people sign in/],
    [service('HTTP-POST', 'https://idp.acme.test/post'), /HTTP-POST only/],
    [service('HTTP-Redirect', 'javascript:alert(1)'), /not https/],
    [service('HTTP-Redirect', 'http://idp.acme.test/sso'), /not https/],
    [service('HTTP-Redirect', 'https://ada@idp.acme.test/sso'), /may not have/],
    [service('HTTP-Redirect', 'https://idp.acme.test/sso#x'), /may not have/],
    [
      service('HTTP-Redirect', 'https://idp.acme.test/sso&#13;&#10;set-cookie: x').replaceAll('&amp;', '&'),
      /no address/,
    ],
    [service('HTTP-Redirect', '/sso'), /no address/],
  ];
  for (const [services, detail] of cases) {
    const { code, detail: said } = await refusal(begin(world(FETCHED, served(metadataXml({ services })))));
    assert.equal(code, 'provider_misconfigured');
    assert.match(said, detail);
  }
  const local = service('HTTP-Redirect', 'http://127.0.0.1:9000/sso');
  assert.match(
    (await begin(world(FETCHED, served(metadataXml({ services: local }))))).location,
    /^http:\/\/127\.0\.0\.1:9000\/sso\?/,
  );
});

test('certificates that signatures cannot be taken of are left out, and where no other is left nothing works', async () => {
  const weak = rsaKeys({ bits: 1024 });
  for (const pem of [weak.certificate, ecCertificate(1)]) {
    assert.equal((await refusal(begin(world({ ...SETTINGS, certificates: [pem] })))).code, 'provider_misconfigured');
    assert.equal(
      (await world({ ...SETTINGS, certificates: [pem, idp.certificate] }).finish(answerXml())).subject,
      'ada-1',
    );
  }
  const signedWeakly = responseXml(signed(assertionXml(), { keys: weak }));
  const both = world({ certificates: [weak.certificate, idp.certificate] });
  assert.match((await refusal(both.finish(signedWeakly))).detail, /made by no certificate/);
  assert.equal((await refusal(begin(world({ certificates: [] })))).code, 'provider_misconfigured');
  assert.equal((await refusal(begin(world({ certificates: ['no certificate'] })))).code, 'provider_misconfigured');
  assert.equal((await refusal(begin(world({ entityId: null })))).code, 'provider_misconfigured');
});

test('each sign-in has a request id of its own, which the browser remembers, and its state as RelayState', async () => {
  const one = world();
  const begun = await Promise.all([begin(one), begin(one)]);
  const [first, second] = begun.map(({ remember }) => remember.request);
  assert.match(String(first), /^_[0-9a-f]{40}$/);
  assert.notEqual(first, second);
  assert.equal(new URL(begun[0]?.location ?? '').searchParams.get('RelayState'), 's');
  assert.ok(JSON.stringify(begun[0]?.remember).length < 2048);
  const answer = answerXml({ inResponseTo: String(first) }, { inResponseTo: String(first) });
  assert.equal((await one.finish(answer, { remembered: begun[0]?.remember ?? null })).subject, 'ada-1');
  assert.equal(
    (await refusal(one.finish(answer, { remembered: begun[1]?.remember ?? null }))).code,
    'response_invalid',
  );
});

const points = async (one: World) =>
  (await one.client.test({ callback: CALLBACK })).map(({ point, state, message }) => [point, state, message] as const);
const pointsOf = async (one: World, name: string) => (await points(one)).filter(([point]) => point === name);

test('the test of a connection looks at the metadata, addresses, certificates and clocks, and says what to paste', async () => {
  const date = new Date(NOW + 30_000).toUTCString();
  const one = world(FETCHED, () => ({ body: Buffer.from(metadataXml()), headers: { date } }));
  const found = await points(one);
  assert.deepEqual(
    found.map(([point, state]) => `${point} ${state}`),
    [
      'metadata ok',
      'sign_in ok',
      'certificate ok',
      'algorithms ok',
      'clock ok',
      'own_certificate ok',
      'own_metadata ok',
    ],
  );
  const text = found.map(([, , message]) => message).join('\n');
  for (const said of [
    IDP,
    `${CALLBACK}/metadata`,
    `consumer service ${CALLBACK},`,
    'idp.acme.test',
    'differ by about 30 s',
    '2036-11-23',
  ]) {
    assert.ok(text.includes(said), said);
  }
  // It asks anew each time, and what it learns holds.
  await points(one);
  await begin(one);
  assert.equal(one.fetched.length, 2);
});

test('it warns of certificates that end within 30 days, have ended, or cannot be used, and of clocks that differ', async () => {
  const state = async (pem: string) => {
    const one = world({ certificates: [pem, idp.certificate] });
    return (await pointsOf(one, 'certificate')).map(
      ([, said, message]) => `${said} ${message.replace(/^.*… /, '')}`,
    )[0];
  };
  assert.match((await state(rsaCertificate(NOW + 31 * DAY))) ?? '', /^ok is valid until 2026-12-25/);
  assert.match((await state(rsaCertificate(NOW + 29 * DAY))) ?? '', /^warning ends on 2026-12-23/);
  assert.match((await state(rsaCertificate(NOW - DAY, NOW - 9 * DAY))) ?? '', /^warning ended on 2026-11-23/);
  assert.match((await state(rsaCertificate(NOW + 9 * DAY, NOW + DAY))) ?? '', /^warning begins on 2026-11-25/);
  assert.match((await state(ecCertificate(1))) ?? '', /^warning is not used: its key is not RSA/);
  const at = (ms: number) =>
    world(FETCHED, () => ({ body: Buffer.from(metadataXml()), headers: { date: new Date(NOW + ms).toUTCString() } }));
  assert.match((await pointsOf(at(5 * MINUTE), 'clock'))[0]?.join() ?? '', /failed.*300 s ahead of ours/);
  assert.match((await pointsOf(at(-5 * MINUTE), 'clock'))[0]?.join() ?? '', /failed.*300 s behind ours/);
  const own = world();
  own.clock.at = Date.UTC(2036, 10, 1);
  assert.equal((await pointsOf(own, 'own_certificate'))[0]?.[1], 'warning');
});

test('it never rejects: what cannot be reached or read is a point that failed, and what to paste is said all the same', async () => {
  const down = world(FETCHED, () =>
    Promise.reject(new FetchFailure('tls', 'idp.acme.test', 'idp.acme.test has no valid certificate')),
  );
  assert.deepEqual(
    (await points(down)).map(([point, state]) => `${point} ${state}`),
    ['metadata failed', 'own_certificate ok', 'own_metadata ok'],
  );
  assert.match((await points(down))[0]?.[2] ?? '', /: idp\.acme\.test has no valid certificate\.$/);
  assert.equal((await points(world(FETCHED, served('x'))))[0]?.[1], 'failed');
  assert.equal((await points(world(FETCHED, () => Promise.reject(new Error('secret')))))[0]?.[1], 'failed');
  assert.doesNotMatch(
    JSON.stringify(await points(world(FETCHED, () => Promise.reject(new Error('secret'))))),
    /secret/,
  );
  const post = world(FETCHED, served(metadataXml({ services: service('HTTP-POST', 'https://idp.acme.test/post') })));
  assert.match((await pointsOf(post, 'sign_in'))[0]?.join() ?? '', /failed.*HTTP-POST only/);
});
