import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadPolicy } from '../../src/policy/load.ts';
import { compiled, may, person, places, translate } from './support.ts';

/** A reference as the source writes it. */
const reference = (name: string) => `$\{${name}}`;
const UP = `upstreams: [{ provider: anthropic, auth: { api_key: "${reference('KEY')}" } }]\n`;

function policies(...rows: readonly [match: object, models: readonly string[] | null][]): string {
  const list = rows.map(([match, models]) => ({ match, cli: models === null ? {} : { availableModels: models } }));
  return JSON.stringify({ upstreams: [{ provider: 'anthropic' }], managed: { policies: list } });
}

test('P8: without policies everybody may use what the gateway serves, and only that', () => {
  const listed = compiled(
    'claude-gateway',
    `${UP}auto_include_builtin_models: false\nmodels: [{ id: claude-opus-5-5 }]`,
  );
  assert.ok(may(listed, 'claude-opus-5-5') && !may(listed, 'claude-haiku-5-5'));
  const every = compiled('claude-gateway', UP);
  assert.ok(may(every, 'claude-opus-5-5') && !may(every, 'gpt-4o'));
  const some = compiled(
    'claude-gateway',
    'upstreams: [{ provider: anthropic, models: [claude-haiku-5-5] }, { provider: vertex, region: x, project_id: y }]',
  );
  assert.ok(may(some, 'claude-haiku-5-5') && !may(some, 'claude-opus-5-5'));
});

test('P8: a group gets its own list, and others nothing of it', () => {
  const text = policies(
    [{ groups: ['Research Lab'] }, ['claude-opus-5-5', 'claude-haiku-5-5']],
    [{}, ['claude-haiku-5-5']],
  );
  const policy = compiled('claude-gateway', text);
  assert.ok(may(policy, 'claude-opus-5-5', ['research-lab']) && may(policy, 'claude-haiku-5-5', ['research-lab']));
  assert.ok(may(policy, 'claude-haiku-5-5') && !may(policy, 'claude-opus-5-5'));
});

test('P8: what a group may not use is denied to it, and waits as a comment until its members are known', () => {
  const text = policies(
    [{ groups: ['contractors'] }, ['claude-haiku-5-5']],
    [{}, ['claude-haiku-5-5', 'claude-opus-5-5']],
  );
  const closed = compiled('claude-gateway', text);
  assert.ok(!may(closed, 'claude-opus-5-5'), 'contractors are not known yet: nobody gets it');
  assert.ok(may(closed, 'claude-haiku-5-5'));
  const { policy, notes } = translate('claude-gateway', text);
  assert.ok(notes.some(({ severity, message }) => severity === 'check' && message.includes('comments in the policy')));
  const opened = loadPolicy({ text: policy.replace('  # - {', '  - {'), file: 'p' });
  assert.ok(opened.ok);
  assert.ok(may(opened.policy, 'claude-opus-5-5') && !may(opened.policy, 'claude-opus-5-5', ['contractors']));
});

test('P8: of a person in two groups the first policy decides, and the second adds nothing', () => {
  const text = policies(
    [{ groups: ['first'] }, ['claude-haiku-5-5']],
    [{ groups: ['second'] }, ['claude-haiku-5-5', 'claude-opus-5-5']],
    [{}, ['claude-haiku-5-5']],
  );
  const policy = compiled('claude-gateway', text);
  assert.ok(may(policy, 'claude-opus-5-5', ['second']));
  assert.ok(!may(policy, 'claude-opus-5-5', ['first', 'second']));
  assert.ok(!may(policy, 'claude-opus-5-5', ['second', 'first']));
});

test('a group whose names are part of a later pattern is told to stay in one team', () => {
  const text = policies([{ groups: ['first'] }, ['claude-opus-5-5']], [{ groups: ['second'] }, ['opus']], [{}, []]);
  assert.ok(places(translate('claude-gateway', text)).includes('check managed.policies[0]'));
  const policy = compiled('claude-gateway', text);
  assert.ok(may(policy, 'claude-opus-5-5', ['first']) && !may(policy, 'claude-opus-9', ['first']));
});

test('patterns that only meet deny a group nothing that is its own', () => {
  const text = policies([{ groups: ['first'] }, ['claude-opus-*']], [{ groups: ['second'] }, ['claude-*-5']], [{}, []]);
  const policy = compiled('claude-gateway', text);
  assert.ok(may(policy, 'claude-opus-5', ['first']) && may(policy, 'claude-haiku-5', ['second']));
});

test('P8: an open list for everybody beside a narrow one for a group cannot be said, so it is not', () => {
  const text = policies([{ groups: ['contractors'] }, ['claude-haiku-5-5']]);
  const policy = compiled('claude-gateway', text);
  assert.ok(!may(policy, 'claude-opus-5-5') && may(policy, 'claude-haiku-5-5', ['contractors']));
  assert.ok(places(translate('claude-gateway', text)).includes('untranslated managed.policies'));
});

test('P8: a policy that matches by something unknown is not taken for one that matches everybody', () => {
  const text = policies([{ device: 'laptop' }, ['claude-opus-5-5']], [{}, ['claude-haiku-5-5']]);
  const policy = compiled('claude-gateway', text);
  assert.ok(!may(policy, 'claude-opus-5-5') && may(policy, 'claude-haiku-5-5'));
});

test('P8: upstreams for some groups only serve nobody else', () => {
  const text = JSON.stringify({
    upstreams: [{ provider: 'anthropic', groups: ['eng'] }],
    auto_include_builtin_models: false,
    models: [{ id: 'claude-opus-5-5' }],
    managed: { policies: [{ match: { groups: ['sales'] }, cli: { availableModels: ['claude-opus-5-5'] } }] },
  });
  const policy = compiled('claude-gateway', text);
  assert.ok(may(policy, 'claude-opus-5-5', ['eng']));
  assert.ok(!may(policy, 'claude-opus-5-5') && !may(policy, 'claude-opus-5-5', ['sales']));
});

test('names of families mean those of the catalogue', () => {
  const text = JSON.stringify({
    upstreams: [{ provider: 'anthropic' }],
    auto_include_builtin_models: false,
    models: [{ id: 'claude-opus-5-5' }, { id: 'claude-opus-4-8' }, { id: 'claude-haiku-5-5' }],
    managed: { policies: [{ match: {}, code: { availableModels: ['opus'] } }] },
  });
  const policy = compiled('claude-gateway', text);
  assert.ok(may(policy, 'claude-opus-5-5') && may(policy, 'claude-opus-4-8') && !may(policy, 'claude-haiku-5-5'));
});

test('groups whose names look alike stay apart', () => {
  const text = policies(
    [{ groups: ['Data Team'] }, ['claude-opus-5-5']],
    [{ groups: ['data-team'] }, ['claude-haiku-5-5']],
    [{}, []],
  );
  const policy = compiled('claude-gateway', text);
  assert.ok(may(policy, 'claude-opus-5-5', ['data-team']) && !may(policy, 'claude-haiku-5-5', ['data-team']));
  assert.ok(may(policy, 'claude-haiku-5-5', ['data-team-2']) && !may(policy, 'claude-opus-5-5', ['data-team-2']));
});

test('limits of the organization are for each person, those of people exceptions, whatever the order', () => {
  const org = { type: 'spend_limit', id: 'spl_1', scope: { type: 'organization' }, amount: '50001', period: 'monthly' };
  const ada = { scope: { type: 'user', user_id: 'Ada@example.com' }, amount: '0', period: 'monthly' };
  const daily = { scope: { type: 'user', user_id: 'ada@example.com' }, amount: '700', period: 'daily' };
  for (const list of [
    [org, ada, daily],
    [daily, ada, org],
  ]) {
    for (const text of [JSON.stringify(list), JSON.stringify({ data: list, has_more: false })]) {
      const lines = compiled('claude-gateway', text).budgets.map(({ scope, only, limit, period, except }) => {
        return [scope, only, limit, period, [...except]];
      });
      assert.deepEqual(lines.sort(), [
        ['person', null, 500_010_000, 'month', [['ada@example.com', 0]]],
        ['person', ['ada@example.com'], 7_000_000, 'day', []],
      ]);
    }
  }
});

test('what a limit cannot say is noted: groups by the seat, ids of the sign-in provider, unlimited, other money', () => {
  const text = JSON.stringify([
    { scope: { type: 'rbac_group', rbac_group_id: 'eng' }, amount: '100', period: 'weekly' },
    { scope: { type: 'user', user_id: '00u7' }, amount: '100' },
    { scope: { type: 'organization' }, amount: null },
    { scope: { type: 'organization' }, amount: '100', currency: 'EUR' },
    { scope: { type: 'organization' }, amount: '1.5' },
    { scope: { type: 'planet' }, amount: '100' },
  ]);
  const result = translate('claude-gateway', text);
  assert.deepEqual(compiled('claude-gateway', text).budgets, []);
  for (const place of ['[0].amount', '[1]', '[2]', '[3]', '[4]', '[5]']) {
    assert.ok(
      places(result).some((note) => note.startsWith(`untranslated ${place}`)),
      place,
    );
  }
});

test('a pool of a group is the budget of its team, unless it is paused', () => {
  const limit = (paused: boolean) =>
    JSON.stringify([
      {
        scope: { type: 'rbac_group', rbac_group_id: 'eng' },
        amount: '100',
        pooled_budget: { amount: '123456', paused },
      },
    ]);
  const [line] = compiled('claude-gateway', limit(false)).budgets;
  assert.deepEqual([line?.scope, line?.only, line?.limit, line?.period], ['team', ['eng'], 1_234_560_000, 'month']);
  assert.deepEqual(compiled('claude-gateway', limit(true)).budgets, []);
});

test('a multiplier is a discount that never makes a call cheaper than it was', () => {
  const discount = (multiplier: number) => {
    return compiled('claude-gateway', `${UP}pricing: { multiplier: ${multiplier} }`).prices.map(
      (price) => price.discount,
    );
  };
  assert.deepEqual(discount(0.88), ['0.12']);
  assert.deepEqual(discount(0.9999999), []);
  assert.deepEqual(discount(0.6666666), ['0.333333']);
  for (const none of [1, 1.5, 0, -1]) assert.deepEqual(discount(none), [], String(none));
});

test('the way to the provider: reference, address, patience', () => {
  const text = `${UP}timeouts: { upstream_ttfb_ms: 9000 }`;
  assert.match(translate('claude-gateway', text).config ?? '', /key: "env:KEY"\n {2}first_byte: 9000 ms/);
  assert.equal(translate('claude-gateway', 'upstreams: [{ provider: bedrock }]').config, null);
  const file = `upstreams: [{ provider: anthropic, auth: { api_key: "${reference('file:/run/secrets/key')}" }, base_url: "https://proxy.example/claude/v1/" }]`;
  assert.match(
    translate('claude-gateway', file).config ?? '',
    /url: "https:\/\/proxy\.example\/claude"\n {2}key: "file:\/run\/secrets\/key"/,
  );
});

test('capabilities of the provider stay closed, and a note says so', () => {
  const policy = compiled('claude-gateway', UP);
  const question = { subject: person(), resource: { kind: 'capability', name: 'web_search' }, now: 0 } as const;
  assert.equal(policy.decide(question).effect, 'deny');
  assert.ok(places(translate('claude-gateway', UP)).includes('check '));
});

test('the identity provider becomes one of the policy, its secret a reference', () => {
  const oidc = {
    issuer: 'https://login.example.com/realms/a',
    client_id: 'gw',
    client_secret: reference('OIDC'),
    allowed_email_domains: ['Example.com', 'example.com', 'not a domain'],
    groups_claim: '/realm_access/roles',
    token_endpoint_auth_method: 'client_secret_post',
    clock_skew_seconds: 30,
    allowed_groups: ['staff'],
  };
  const text = JSON.stringify({ oidc, managed: { policies: [{ match: { groups: ['eng'] }, cli: {} }] } });
  const provider = compiled('claude-gateway', text).identity.providers.get('sso');
  assert.ok(provider?.kind === 'oidc');
  assert.deepEqual(
    [provider.issuer, provider.clientId, provider.domains, provider.groupsClaim, provider.skewMs],
    ['https://login.example.com/realms/a', 'gw', ['example.com'], ['realm_access', 'roles'], 30_000],
  );
  assert.deepEqual(provider.authentication, { method: 'client_secret_post', secret: 'env:OIDC' });
  const result = translate('claude-gateway', text);
  assert.match(result.policy, /eng: \{ members: \[\] \} {3}# group "eng": list its members, or write "group sso\/eng"/);
  const noted = places(result);
  assert.ok(noted.includes('untranslated oidc.allowed_groups'));
  assert.ok(noted.includes('untranslated oidc.allowed_email_domains'));
});

test('a client without a secret stays one', () => {
  const oidc = { issuer: 'https://login.example.com', client_id: 'gw' };
  const provider = compiled('claude-gateway', JSON.stringify({ oidc })).identity.providers.get('sso');
  assert.ok(provider?.kind === 'oidc');
  assert.deepEqual(provider.authentication, { method: 'none' });
});

test('P5: an identity provider that a policy may not name is not written, and nothing of it is repeated', () => {
  for (const oidc of [
    { issuer: 'http://login.example.com', client_id: 'hunter2', client_secret: 'hunter2' },
    { issuer: 'https://hunter2:hunter2@login.example.com', client_id: 'gw' },
    { issuer: 'https://login.microsoftonline.com/common/v2.0', client_id: 'hunter2' },
    { issuer: 'https://login.example.com', client_id: `hunter2${'a1'.repeat(12)}` },
    { issuer: 'https://login.example.com' },
    { issuer: ['hunter2'], client_id: 'gw' },
    'hunter2',
  ]) {
    const result = translate('claude-gateway', JSON.stringify({ oidc }));
    assert.ok(!/hunter2|identity:/.test(JSON.stringify(result)), JSON.stringify(oidc));
    assert.ok(places(result).includes('untranslated oidc'), JSON.stringify(oidc));
  }
});
