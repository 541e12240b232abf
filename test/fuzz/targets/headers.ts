import assert from 'node:assert/strict';
import { type CredentialHeaders, identify } from '../../../src/identity/identify.ts';
import { parseCredential, parseOwnerSecret } from '../../../src/identity/key-format.ts';
import { compileDirectory } from '../../../src/identity/snapshot.ts';
import { Refusal } from '../../../src/kernel/errors.ts';
import { formatTraceparent, parseTraceparent, parseTracestate, startSpan } from '../../../src/kernel/trace.ts';
import { headersForCaller, headersForUpstream } from '../../../src/upstream/headers.ts';
import { partyRow } from '../../support/governance.ts';
import type { FuzzTarget } from '../engine/target.ts';
import { checksummed, digestOf } from './key-reference.ts';

const KEY = checksummed(`ghk_${'Az09'.repeat(8)}zZ`);
const ADMIN = checksummed(`gha_${'Az09'.repeat(8)}zZ`);
const OWNER = checksummed(`gho_${'Az09'.repeat(8)}zZ`);
const credential = {
  owner: partyRow({}).id,
  label: '',
  hint: '',
  team: null,
  createdAt: 0,
  expiresAt: null,
  revokedAt: null,
  rotatedTo: null,
  lastUsedAt: null,
};
const directory = {
  current: compileDirectory({
    sequence: 1,
    parties: [partyRow({})],
    teams: [],
    credentials: [
      { ...credential, id: 'key_1', kind: 'key', digest: digestOf(KEY) },
      { ...credential, id: 'adm_1', kind: 'admin', digest: digestOf(ADMIN) },
    ],
    stops: [],
    grants: [],
    policy: null,
    identities: [],
    sessions: [],
  }),
};

/** Lines `name: value`, as latin1, as Node hands headers over: name, value, name, value. */
function rawHeaders(input: Uint8Array): string[] {
  const lines = Buffer.from(input).toString('latin1').split('\n');
  return lines.flatMap((line) => {
    const at = line.indexOf(':');
    const name = line.slice(0, at);
    // What Node's own parser lets through: names are tokens, values hold no control characters.
    if (at < 1 || !/^[!#$%&'*+.^_`|~\w-]+$/.test(name)) return [];
    return [
      name,
      line
        .slice(at + 1)
        .replace(/(?![\t\u0080-\u009f])\p{Cc}/gu, '')
        .trim(),
    ];
  });
}

function valuesOf(raw: readonly string[], name: string): string[] {
  return raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === name);
}

/** Only the whole known key, alone or the same twice, opens the door. */
function runIdentify(input: Uint8Array): void {
  const raw = rawHeaders(input);
  const of = (name: string) => {
    const values = valuesOf(raw, name);
    return values.length < 2 ? values[0] : values;
  };
  const headers: CredentialHeaders = { authorization: of('authorization'), 'x-api-key': of('x-api-key') };
  for (const door of ['key', 'admin'] as const) {
    try {
      identify(headers, { directory, door, now: 1 });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      assert.equal(error.entry.status, 401, `a credential was refused as ${error.code}`);
      continue;
    }
    const said = [
      ...valuesOf(raw, 'authorization').map((value) => value.replace(/^bearer +/i, '')),
      ...valuesOf(raw, 'x-api-key'),
    ];
    assert.ok(said.length > 0 && said.every((one) => one === (door === 'key' ? KEY : ADMIN)), 'somebody else came in');
  }
}

const HOPS =
  'connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  );
const OURS =
  'authorization x-api-key cookie host content-length accept-encoding expect forwarded via x-real-ip x-gatehouse-team'.split(
    ' ',
  );

function runForwarded(input: Uint8Array): void {
  const raw = rawHeaders(input);
  const nominated = valuesOf(raw, 'connection').flatMap((value) =>
    value.split(',').map((name) => name.trim().toLowerCase()),
  );
  const own = [
    ['x-api-key', 'provider'],
    ['accept-encoding', 'identity'],
    ['traceparent', 't'],
  ] as const;
  const expected = (isDropped: (name: string) => boolean): string[] =>
    raw.filter((_, i) => {
      const name = (raw[i - (i % 2)] ?? '').toLowerCase();
      return !isDropped(name) && !nominated.includes(name);
    });
  const up = headersForUpstream(raw, own);
  const forOthers = [...HOPS, ...OURS, ...own.map(([name]) => name as string)];
  // Servers that hand headers on as variables take an underscore for a dash.
  const isOurs = (name: string): boolean => forOthers.includes(name) || /^x-(?:forwarded|gatehouse)-/.test(name);
  assert.deepEqual(
    up,
    [...expected((name) => isOurs(name.replaceAll('_', '-'))), ...own.flat()],
    'what goes to the provider is not what was received without what is ours',
  );
  const isForHop = (name: string): boolean => HOPS.includes(name) || name === 'set-cookie';
  assert.deepEqual(headersForCaller(raw), expected(isForHop), 'what goes to the caller is not what came');
}

/** Key formats: accepted exactly when prefix, alphabet, length and checksum are right. */
function runKeys(input: Uint8Array): void {
  const text = Buffer.from(input).toString();
  const isOf = (prefix: string): boolean =>
    new RegExp(`^${prefix}[0-9A-Za-z]{40}$`).test(text) &&
    text.length === 44 &&
    checksummed(text.slice(0, 38)) === text;
  const parsed = parseCredential(text);
  const kind = isOf('ghk_') ? 'key' : isOf('gha_') ? 'admin' : null;
  assert.deepEqual(parsed, kind === null ? null : { kind, digest: digestOf(text) });
  assert.deepEqual(parseOwnerSecret(text), isOf('gho_') ? { digest: digestOf(text) } : null);
}

const STATE = /^[a-z0-9][a-z0-9_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}$/;

function runTrace(input: Uint8Array): void {
  const [parent = '', ...rest] = Buffer.from(input).toString('latin1').split('\n');
  const state = rest.join('\n');
  const read = parseTraceparent(parent);
  const fields = parent.split('-');
  const shaped =
    /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(?:-|$)/.test(parent) &&
    fields[0] !== 'ff' &&
    /[^0]/.test(fields[1] ?? '') &&
    /[^0]/.test(fields[2] ?? '');
  if (read !== null) assert.ok(shaped, 'a traceparent was read that is none');
  if (shaped && fields.length === 4 && parent.length <= 256) assert.equal(read?.traceId, fields[1]);
  const passed = parseTracestate(state);
  if (passed !== null) {
    const members = passed.split(',');
    assert.ok(
      passed.length <= 512 && members.length <= 32 && members.every((one) => STATE.test(one)),
      'a tracestate is passed on that is none',
    );
    assert.equal(new Set(members.map((one) => one.split('=')[0])).size, members.length);
    assert.equal(parseTracestate(passed), passed);
  }
  const span = startSpan({ traceparent: parent, tracestate: state });
  assert.match(formatTraceparent(span), /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]$/);
  assert.equal(span.parentId, read?.parentId ?? null);
  if (read === null) assert.equal(span.state, null);
}

const HEADER_SEEDS = [
  `Authorization: Bearer ${KEY}\nx-api-key: ${KEY}`,
  `authorization: bearer  ${ADMIN}`,
  `x-api-key: ${KEY}\nX-Api-Key: ${ADMIN}`,
  'Connection: close, x-secret\nX-Secret: 1\nX-Forwarded-For: 1.2.3.4\nForwarded: for=a\nanthropic-beta: a,b\nCookie: a=b',
  'TE: trailers\nTransfer-Encoding: chunked\nUpgrade: h2c\nProxy-Authorization: Basic x\nSet-Cookie: a=b\nrequest-id: req_1\nVia: 1.1 x',
];
const HEADER_TOKENS = [
  'Authorization: ',
  'x-api-key: ',
  'Bearer ',
  'bearer ',
  'Basic ',
  KEY,
  ADMIN,
  OWNER,
  'Connection: ',
  'connection: authorization, ',
  ', ',
  '\n',
  '\t',
  'X-Forwarded-Host: ',
  'x_forwarded_for: ',
  'Cookie: ',
  'Expect: 100-continue',
  'keep-alive',
  'x-gatehouse-team: ',
  'traceparent: ',
  'Accept-Encoding: br',
];

const one = (name: string, parses: string, run: (input: Uint8Array) => void): FuzzTarget => ({
  name,
  parses,
  run,
  hostile: ['caller'],
  seeds: HEADER_SEEDS,
  tokens: HEADER_TOKENS,
});

export const credentials = one('credentials', 'src/identity/identify.ts', runIdentify);
export const forwarded: FuzzTarget = {
  ...one('forwarded-headers', 'src/upstream/headers.ts', runForwarded),
  hostile: ['caller', 'provider'],
};
export const keyFormat: FuzzTarget = {
  ...one('key-format', 'src/identity/key-format.ts', runKeys),
  seeds: [KEY, ADMIN, OWNER],
  tokens: ['ghk_', 'gha_', 'gho_', KEY.slice(-6), ADMIN.slice(-6), '\n', '\0', 'é'],
};
export const trace: FuzzTarget = {
  ...one('trace', 'src/kernel/trace.ts', runTrace),
  seeds: [
    '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\nrojo=00f067aa0ba902b7,congo=t61rcWkgMzE',
    'ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    'cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff-more\n1a@b=c , x=y z',
  ],
  tokens: [
    '00-',
    '-01',
    '0'.repeat(32),
    '0'.repeat(16),
    'ff-',
    ',',
    '=',
    '@',
    ' \t',
    `${'k'.repeat(130)}=${'v'.repeat(130)},`,
    'a=b,',
  ],
};
