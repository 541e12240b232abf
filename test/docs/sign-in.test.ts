import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { gatehouseConfig } from '../../src/config.ts';
import { formatProblem, loadConfig } from '../../src/kernel/config.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import { blocks, paper } from './papers.ts';

const FOLDER = 'docs/sign-in';
const pages = readdirSync(join(import.meta.dirname, '..', '..', FOLDER)).filter((name) => name.endsWith('.md'));

/** Providers that the issue of this part names, beside any other of the two protocols. */
for (const name of ['okta', 'entra-id', 'google-workspace', 'auth0', 'openid-connect', 'saml']) {
  test(`there is a page for ${name}: its policy loads, its configuration too, and it says what can go wrong`, () => {
    const file = `${FOLDER}/${name}.md`;
    const text = paper(file);
    let policies = 0;
    for (const { info, code, line } of blocks(text)) {
      if (info !== 'yaml policy') continue;
      policies += 1;
      const loaded = loadPolicy({ text: code, file: `${file}:${line}` });
      assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
      const [provider, ...more] = loaded.policy.identity.providers.values();
      assert.ok(provider !== undefined && more.length === 0);
      // What has to be pasted at the provider carries the name that the policy gives it.
      const path = provider.kind === 'oidc' ? `/signin/callback/${provider.name}` : `/signin/saml/${provider.name}`;
      assert.ok(text.includes(`https://gatehouse.acme.com${path}`), path);
    }
    assert.equal(policies, 1);
    assert.match(text, /^## What can go wrong$/m);
    assert.match(paper(`${FOLDER}/README.md`), new RegExp(`\\(${name}\\.md\\)`));
  });
}

test('every other YAML block of these pages is a configuration that loads', () => {
  let count = 0;
  for (const page of pages) {
    for (const { info, code, line } of blocks(paper(`${FOLDER}/${page}`))) {
      if (info !== 'yaml') continue;
      count += 1;
      const loaded = loadConfig({ text: code, file: `${page}:${line}`, schema: gatehouseConfig });
      assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(formatProblem).join('\n'));
      assert.ok(Object.keys(parse(code) as object).length > 0);
    }
  }
  assert.ok(count >= 6, `only ${count} configurations were found`);
});

test('a secret that a page has the policy name is allowed on the same page, for a host', () => {
  for (const page of pages) {
    const text = paper(`${FOLDER}/${page}`);
    for (const [, reference] of text.matchAll(/client_secret: "(env:\w+)"/g)) {
      assert.match(text, new RegExp(`\\{ reference: "${reference}", for: [a-z0-9.-]+ \\}`), `${page}: ${reference}`);
    }
  }
});
