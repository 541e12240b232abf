import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { productSources, ROOT, type Source } from './rules.ts';
import { tokenize } from './tokens.ts';

/** Names that reach nothing: this machine, names reserved for examples (RFC 2606, RFC 6761), and the bracket before an address that is put in. */
const HARMLESS = /^(?:localhost|127\.0\.0\.1|\[?::1\]?|\[|(?:[\w-]+\.)*example(?:\.com|\.org|\.net)?)$/;
/**
 * Where calls go that the operator asked for: the model provider unless the configuration names another, and who knows the groups of
 * Entra ID and Google, once the policy names such a provider.
 */
const CALLED: Readonly<Record<string, string>> = {
  'api.anthropic.com': 'src/upstream/config.ts',
  'graph.microsoft.com': 'src/identity/oidc/entra.ts',
  'graph.microsoft.us': 'src/identity/oidc/entra.ts',
  'microsoftgraph.chinacloudapi.cn': 'src/identity/oidc/entra.ts',
  'cloudidentity.googleapis.com': 'src/identity/oidc/google.ts',
};
/** Names of XML namespaces and attributes look like addresses; nobody fetches them. */
const NAMESPACES = /^(?:www\.w3\.org|schemas\.xmlsoap\.org|schemas\.microsoft\.com)$/;

/** Hosts that stand in the strings of a source, other than harmless ones and the provider in its place. */
function hostsIn({ file, text }: Source): string[] {
  return tokenize(text)
    .filter(({ kind }) => kind === 'string' || kind === 'template' || kind === 'regex')
    .flatMap((token) =>
      [...token.text.matchAll(/\b(?:https?|wss?|ftp):\/\/([\w.[\]:-]+)/g)].map((match) => ({
        line: token.line,
        host: (match[1] ?? '').replace(/(?<!:):\d*$/, '').replace(/[.:]+$/, ''),
      })),
    )
    .filter(({ host }) => host !== '' && !HARMLESS.test(host) && CALLED[host] !== file)
    .filter(({ host }) => !(NAMESPACES.test(host) && file.startsWith('src/identity/saml/')))
    .map(({ host, line }) => `${file}:${line}: ${host}`);
}

test('P12: the product knows no address but those of the model provider and of two directories, which are called where asked for', () => {
  const launcher = { file: 'bin/gatehouse.cjs', text: readFileSync(join(ROOT, 'bin', 'gatehouse.cjs'), 'utf8') };
  // The launcher tells where to get Node; it opens no connection.
  assert.deepEqual(
    hostsIn(launcher).map((found) => found.replace(/:\d+:/, ':')),
    ['bin/gatehouse.cjs: nodejs.org'],
  );
  assert.doesNotMatch(launcher.text, /require\('(?:http|https|net|tls|dgram)'\)/);
  assert.deepEqual(productSources().flatMap(hostsIn), []);
});

test('addresses are found in strings and templates, and not in comments', () => {
  const text = `// https://comment.test/
const a = 'https://telemetry.test/v1'; const b = \`wss://\${host}:1/\`; const c = \`http://updates.test:8080/\${d}\`;
const e = 'http://127.0.0.1:8787'; const f = "https://idp.example.com/x"; const g = 'https://api.anthropic.com';`;
  assert.deepEqual(hostsIn({ file: 'src/a.ts', text }), [
    'src/a.ts:2: telemetry.test',
    'src/a.ts:2: updates.test',
    'src/a.ts:3: api.anthropic.com',
  ]);
  assert.deepEqual(hostsIn({ file: 'src/upstream/config.ts', text: `'https://api.anthropic.com'` }), []);
});
