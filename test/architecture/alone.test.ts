import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { productSources, ROOT, type Source } from './rules.ts';
import { tokenize } from './tokens.ts';

/** Names that reach nothing: this machine, and names reserved for examples (RFC 2606, RFC 6761). */
const HARMLESS = /^(?:localhost|127\.0\.0\.1|\[?::1\]?|(?:[\w-]+\.)*example(?:\.com|\.org|\.net)?)$/;
/** The one place that is called unless the configuration says otherwise: the model provider. */
const PROVIDER: Readonly<Record<string, string>> = { 'api.anthropic.com': 'src/upstream/config.ts' };

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
    .filter(({ host }) => host !== '' && !HARMLESS.test(host) && PROVIDER[host] !== file)
    .map(({ host, line }) => `${file}:${line}: ${host}`);
}

test('P12: the product knows no address but that of the model provider', () => {
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
