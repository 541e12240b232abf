import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { describe, test } from 'node:test';
import { sealer } from '../../src/main/sealer.ts';
import { allowedSecrets } from '../../src/secrets/allowed.ts';
import { secretsConfig } from '../../src/secrets/config.ts';

const env = { OKTA_SECRET: 'okta-value', ANTHROPIC_API_KEY: 'provider-value' };

describe('references to secrets that a policy names', () => {
  const secret = allowedSecrets(
    secretsConfig.parse({ allow: [{ reference: 'env:OKTA_SECRET', for: 'acme.okta.com' }] }),
    env,
  );

  test('resolve for the host that the operator allowed', () => {
    assert.equal(secret('env:OKTA_SECRET', 'acme.okta.com'), 'okta-value');
    assert.equal(secret('env:OKTA_SECRET', 'ACME.okta.com'), 'okta-value');
  });

  test('P5: do not resolve for another host: a changed issuer does not get the secret of the old one', () => {
    for (const host of ['evil.example', 'acme.okta.com.evil.example', 'xacme.okta.com', 'okta.com', '']) {
      assert.equal(secret('env:OKTA_SECRET', host), null, host);
    }
  });

  test('P5: do not resolve where the operator named no such reference', () => {
    assert.equal(secret('env:ANTHROPIC_API_KEY', 'acme.okta.com'), null);
    assert.equal(secret('file:/etc/passwd', 'acme.okta.com'), null);
    assert.equal(secret('env:okta_secret', 'acme.okta.com'), null);
  });

  test('nothing is allowed unless named, and what is no reference cannot be', () => {
    assert.equal(allowedSecrets(secretsConfig.parse({}), env)('env:OKTA_SECRET', 'acme.okta.com'), null);
    assert.throws(() => secretsConfig.parse({ allow: [{ reference: 'hunter2', for: 'acme.okta.com' }] }));
    assert.throws(() => secretsConfig.parse({ allow: [{ reference: 'env:A', for: 'https://acme.okta.com' }] }));
  });
});

describe('what is sealed', () => {
  const master = randomBytes(32);
  const flows = sealer(master, 'sign-in');
  const sealed = flows.seal(Buffer.from('state'));

  test('opens again for its purpose', () => {
    assert.equal(flows.open(sealed)?.toString(), 'state');
    assert.equal(sealed.includes('state'), false);
  });

  test('does not open for another purpose, under another key, or changed', () => {
    assert.equal(sealer(master, 'answers').open(sealed), null);
    assert.equal(sealer(randomBytes(32), 'sign-in').open(sealed), null);
    for (let i = 0; i < sealed.length; i++) {
      const changed = Buffer.from(sealed);
      changed[i] = (changed[i] ?? 0) ^ 1;
      assert.equal(flows.open(changed), null, `byte ${i}`);
    }
    for (const cut of [0, 5, 12, 20, sealed.length - 1]) assert.equal(flows.open(sealed.subarray(0, cut)), null);
  });
});
