import assert from 'node:assert/strict';
import { test } from 'node:test';
import { entraGroups } from '../../src/identity/oidc/entra.ts';
import { googleGroups } from '../../src/identity/oidc/google.ts';
import { failureOf, Idp, ISSUER, settingsOf } from './idp.ts';

const GRAPH = 'https://graph.example.com';
const PATH = '/v1.0/me/transitiveMemberOf/microsoft.graph.group';
const GOOGLE = 'https://cloudidentity.example.com';
const SEARCH = '/v1/groups/-/memberships:searchTransitiveGroups';
const OVERAGE = {
  groups: undefined,
  _claim_names: { groups: 'src1' },
  _claim_sources: { src1: { endpoint: 'https://evil.example.com/users/x/getMemberObjects' } },
};

const entra = (idp: Idp) => idp.client({ groupsFrom: 'entra' }, { groupsOrigin: GRAPH });
const google = (idp: Idp) => idp.client({ groupsFrom: 'google', groupsClaim: null }, { groupsOrigin: GOOGLE });
const hosts = (idp: Idp) => new Set(idp.requests.map(({ url }) => new URL(url).host));

/** Answers one page after the other. */
function pages(idp: Idp, path: string, answers: readonly object[]) {
  let page = 0;
  idp.routes.set(path, () => answers[page++] ?? { status: 500 });
}

test('entra: on overage Graph is asked with the access token, page by page, and never the address in the token', async () => {
  const idp = await Idp.start();
  idp.claims = OVERAGE;
  pages(idp, PATH, [
    { json: { value: [{ id: 'g1' }, { id: 'g2' }], '@odata.nextLink': `${GRAPH}${PATH}?$skiptoken=x` } },
    { json: { value: [{ id: 'g2' }, { id: 'g3' }] } },
  ]);
  assert.deepEqual((await idp.signIn(entra(idp))).groups, ['g1', 'g2', 'g3']);
  const asked = idp.requests.filter(({ url }) => url.startsWith(GRAPH));
  assert.equal(asked[0]?.url, `${GRAPH}${PATH}?$select=id&$count=true&$top=999`);
  assert.equal(asked[1]?.url, `${GRAPH}${PATH}?$skiptoken=x`);
  for (const { headers, method } of asked) {
    assert.equal(headers?.authorization, 'Bearer access-1');
    assert.equal(headers?.consistencylevel, 'eventual');
    assert.equal(method ?? 'GET', 'GET');
  }
  assert.deepEqual(hosts(idp), new Set(['idp.example.com', 'graph.example.com']));
});

test('entra: groups in the token are taken from it; a claim that is not there is asked for, and may be empty', async () => {
  const said = await Idp.start();
  assert.deepEqual((await said.signIn(entra(said))).groups, ['eng']);
  assert.deepEqual(hosts(said), new Set(['idp.example.com']));
  for (const claims of [
    { groups: undefined },
    { groups: undefined, hasgroups: true },
    { groups: undefined, hasgroups: 'true' },
    { ...OVERAGE, groups: ['only', 'some'] },
  ]) {
    const idp = await Idp.start();
    idp.claims = claims;
    pages(idp, PATH, [{ json: { value: [] } }]);
    assert.deepEqual((await idp.signIn(entra(idp))).groups, []);
  }
});

test('P8: entra: whatever keeps the list from coming whole is groups that nobody knows', async () => {
  const page = (json: unknown) => [{ json }];
  const many = (count: number, from = 0) => Array.from({ length: count }, (_, i) => ({ id: `g${from + i}` }));
  const cases: readonly (readonly object[])[] = [
    [{ status: 401, json: {} }],
    [{ status: 403, json: { error: { code: 'Authorization_RequestDenied' } } }],
    [{ status: 302, headers: { location: 'https://evil.example.com/' } }],
    [{ status: 500 }],
    [{ status: 429 }],
    [{ body: Buffer.from('no JSON') }],
    page({}),
    page({ value: {} }),
    page({ value: [{}] }),
    page({ value: [{ id: 7 }] }),
    page({ value: ['g1'] }),
    page({ value: many(2_001) }),
    page({ value: many(1), '@odata.nextLink': 'https://evil.example.com/next' }),
    page({ value: many(1), '@odata.nextLink': 'https://graph.example.com.evil.example.com/next' }),
    page({ value: many(1), '@odata.nextLink': 'https://graph.example.com@evil.example.com/next' }),
    page({ value: many(1), '@odata.nextLink': 'https://user:x@graph.example.com/next' }),
    page({ value: many(1), '@odata.nextLink': 'http://graph.example.com/next' }),
    page({ value: many(1), '@odata.nextLink': 'https://graph.example.com:444/next' }),
    page({ value: many(1), '@odata.nextLink': '//evil.example.com/next' }),
    page({ value: many(1), '@odata.nextLink': 7 }),
    page({ value: many(1), '@odata.nextLink': 'x' }),
    // The second page fails.
    page({ value: many(1), '@odata.nextLink': `${GRAPH}${PATH}?2` }),
    [{ json: { value: many(1_500), '@odata.nextLink': `${GRAPH}${PATH}?2` } }, { json: { value: many(1_500, 1_500) } }],
    // Pages without end.
    Array.from({ length: 40 }, () => ({ json: { value: [], '@odata.nextLink': `${GRAPH}${PATH}?again` } })),
  ];
  for (const [i, answers] of cases.entries()) {
    const idp = await Idp.start();
    idp.claims = OVERAGE;
    pages(idp, PATH, answers);
    assert.match(await failureOf(idp.signIn(entra(idp))), /^groups_unavailable: /, `case ${i}`);
    assert.deepEqual(hosts(idp), new Set(['idp.example.com', 'graph.example.com']));
    assert.ok(idp.requests.length <= 30);
  }
});

test('P8: entra: a Graph that is down, or takes all the time, is groups that nobody knows', async () => {
  const idp = await Idp.start();
  idp.claims = OVERAGE;
  idp.routes.set(PATH, () => {
    idp.clock.move(9_000);
    return { json: { value: [], '@odata.nextLink': `${GRAPH}${PATH}?again` } };
  });
  assert.match(await failureOf(idp.signIn(entra(idp))), /^groups_unavailable: Microsoft Graph did not come to an end/);
  const waits = idp.requests.filter(({ url }) => url.startsWith(GRAPH)).map(({ timeoutMs }) => timeoutMs);
  assert.deepEqual(waits, [10_000, 10_000, 2_000]);
});

test('the access token goes to Microsoft only for issuers of Microsoft, to Google only for Google', async () => {
  const idp = await Idp.start();
  idp.claims = OVERAGE;
  assert.match(
    await failureOf(idp.signIn(idp.client({ groupsFrom: 'entra' }))),
    /^provider_misconfigured: .*none of Microsoft/,
  );
  idp.claims = {};
  const failure = await failureOf(idp.signIn(idp.client({ groupsFrom: 'google' })));
  assert.match(failure, /^provider_misconfigured: .*issuer is not Google/);
  assert.deepEqual(hosts(idp), new Set(['idp.example.com']));
  const asked: string[] = [];
  const fetcher = {
    fetch: async ({ url }: { url: string }) => {
      asked.push(new URL(url).host);
      return { status: 200, headers: {}, body: Buffer.from('{"value":[]}') };
    },
  };
  for (const issuer of [
    'https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0',
    'https://login.microsoftonline.us/11111111-2222-3333-4444-555555555555/v2.0',
    'https://login.partner.microsoftonline.cn/11111111-2222-3333-4444-555555555555/v2.0',
    'https://accounts.google.com',
  ]) {
    const house = {
      fetcher,
      clock: idp.clock,
      secret: () => null,
      log: { warn() {} },
      settings: settingsOf({ issuer }),
    };
    const address = { email: 'bob@example.com', emailVerified: true };
    await (issuer.includes('google') ? googleGroups(house, 'access-1', address) : entraGroups(house, 'access-1'));
  }
  assert.deepEqual(asked, [
    'graph.microsoft.com',
    'graph.microsoft.us',
    'microsoftgraph.chinacloudapi.cn',
    'cloudidentity.googleapis.com',
  ]);
});

test('google: the groups of the verified address are searched for, page by page', async () => {
  const idp = await Idp.start();
  idp.claims = { email: "o'brien@example.com", groups: ['ignored'] };
  const membership = (id: string) => ({ group: `groups/${id}`, groupKey: { id }, relationType: 'INDIRECT' });
  pages(idp, SEARCH, [
    { json: { memberships: [membership('eng@example.com')], nextPageToken: 'p&2' } },
    { json: { memberships: [membership('ops@example.com')], nextPageToken: '' } },
  ]);
  assert.deepEqual((await idp.signIn(google(idp))).groups, ['eng@example.com', 'ops@example.com']);
  const [first, second] = idp.requests.filter(({ url }) => url.startsWith(GOOGLE));
  assert.deepEqual(Object.fromEntries(new URL(first?.url ?? '').searchParams), {
    query:
      "member_key_id == 'o\\'brien@example.com' && 'cloudidentity.googleapis.com/groups.discussion_forum' in labels",
    pageSize: '1000',
  });
  assert.equal(new URL(second?.url ?? '').searchParams.get('pageToken'), 'p&2');
  assert.equal(second?.headers?.authorization, 'Bearer access-1');
});

test('google: a person without groups has none', async () => {
  const idp = await Idp.start();
  pages(idp, SEARCH, [{ json: {} }]);
  assert.deepEqual((await idp.signIn(google(idp))).groups, []);
});

test('P8: google: whatever keeps the list from coming whole is groups that nobody knows', async () => {
  for (const answer of [
    { status: 403, json: { error: { status: 'PERMISSION_DENIED' } } },
    { status: 401, json: {} },
    { json: { memberships: {} } },
    { json: { memberships: [{}] } },
    { json: { memberships: [{ groupKey: { id: '' } }] } },
    { json: { memberships: [null] } },
    { json: { memberships: [], nextPageToken: 7 } },
    { json: { memberships: [], nextPageToken: 'x'.repeat(5_000) } },
  ]) {
    const idp = await Idp.start();
    pages(idp, SEARCH, [answer]);
    assert.match(
      await failureOf(idp.signIn(google(idp))),
      /^groups_unavailable: /,
      JSON.stringify(answer).slice(0, 100),
    );
  }
});

test('google: nobody is looked up by an address that is missing or not verified', async () => {
  for (const [claims, expected] of [
    [{ email: undefined }, /^groups_unavailable: /],
    [{ email_verified: false }, /^email_unverified: /],
    [{ email_verified: undefined }, /^email_unverified: /],
  ] as const) {
    const idp = await Idp.start();
    idp.claims = claims;
    assert.match(await failureOf(idp.signIn(google(idp))), expected);
    assert.deepEqual(hosts(idp), new Set([new URL(ISSUER).host]));
  }
});
