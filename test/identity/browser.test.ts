import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { clientOf } from '../../src/identity/browser.ts';

const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36';
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)';
const LABELS: ReadonlyArray<readonly [string | undefined, string]> = [
  ['Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0', 'Firefox on Linux'],
  [CHROME, 'Chrome on Windows'],
  [`${CHROME} Edg/126.0.2592.68`, 'Edge on Windows'],
  [`${CHROME} OPR/112.0.0.0`, 'Opera on Windows'],
  [`${MAC} Version/17.5 Safari/605.1.15`, 'Safari on macOS'],
  [`${PHONE} Version/17.5 Mobile/15E148 Safari/604.1`, 'Safari on iOS'],
  [`${PHONE} CriOS/126.0.6478.54 Mobile/15E148 Safari/604.1`, 'Chrome on iOS'],
  [
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36',
    'Chrome on Android',
  ],
  [
    'Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36',
    'Chrome on ChromeOS',
  ],
  ['curl/8.6.0', 'A browser'],
  ['', 'A browser'],
  [undefined, 'A browser'],
  ['<script>alert(1)</script> Linux', 'A browser on Linux'],
];

test('a browser is called by its name and system, and by nothing that it sent', () => {
  for (const [sent, label] of LABELS) assert.equal(clientOf(sent).label, label, sent);
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 3000 }), (text) => {
      const { client, label } = clientOf(text);
      assert.match(client, /^[0-9a-f]{64}$/);
      assert.match(label, /^(?:A browser|Edge|Opera|Firefox|Chrome|Safari)(?: on [A-Za-z]{3,8})?$/);
    }),
    { seed: 20261207, numRuns: 300 },
  );
});

test('an update leaves a browser the same, every other browser or system is another', () => {
  const updated: ReadonlyArray<readonly [string, string]> = [
    [CHROME, CHROME.replace('126.0.0.0', '127.0.6533.99')],
    [`${CHROME} Edg/126.0.2592.68`, `${CHROME} Edg/127.0.2651.74`],
    [
      'Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0',
      'Mozilla/5.0 (X11; Linux x86_64; rv:129.0) Gecko/20100101 Firefox/129.0',
    ],
    [
      `${PHONE} Version/17.5 Mobile/15E148 Safari/604.1`,
      `${PHONE.replace('17_5', '18_0_1')} Version/18.0.1 Mobile/16A5 Safari/604.1`,
    ],
  ];
  for (const [before, after] of updated) assert.equal(clientOf(before).client, clientOf(after).client, after);
  const all = LABELS.map(([sent]) => clientOf(sent).client);
  assert.equal(new Set(all).size, LABELS.length - 1, 'only an empty one is the same as none');
});

test('a very long user agent costs no time', () => {
  for (const text of [
    '9'.repeat(1_000_000),
    '/'.repeat(1_000_000),
    `${'1.'.repeat(500_000)}/`,
    '\u0000'.repeat(1_000_000),
  ]) {
    assert.match(clientOf(text).client, /^[0-9a-f]{64}$/);
  }
});
