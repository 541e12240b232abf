import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createSecretKey } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import fc from 'fast-check';
import { createLogger, type LogFields, type LogOptions } from '../../src/kernel/log.ts';
import { maskSecrets } from '../../src/kernel/redact.ts';

/** Made-up credentials in the real shapes, put together so that no scanner takes this file for a leak. */
const OURS = `ghk${'_'}${'Ab3'.repeat(10)}`;
const PROVIDERS = `sk-${'ant'}-api03-${'x-Y_z9'.repeat(8)}`;

function capture(options: Partial<LogOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger({ level: 'debug', destination: { write: (line) => lines.push(line) }, ...options });
  const last = (): Record<string, unknown> => JSON.parse(lines.at(-1) ?? 'null');
  return { lines, logger, last };
}

function logged(fields: LogFields, message = 'message'): string {
  const { lines, logger } = capture();
  logger.info(fields, message);
  assert.equal(lines.length, 1);
  return lines[0] ?? '';
}

test('a line is one JSON object with level, time, fields and message', () => {
  const { logger, last } = capture();
  logger.child({ writer: 'w1' }).warn({ seq: 7, nothing: null }, 'segment sealed');
  const { time, pid, ...rest } = last();
  assert.deepEqual(rest, { level: 'warn', writer: 'w1', seq: 7, nothing: null, msg: 'segment sealed' });
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assert.equal(pid, process.pid);
});

test('lines under the level are not written', () => {
  const { lines, logger } = capture({ level: 'warn' });
  logger.debug({}, 'a');
  logger.info({}, 'b');
  logger.error({}, 'c');
  assert.equal(lines.length, 1);
  const silent = capture({ level: 'silent' });
  silent.logger.error({}, 'd');
  assert.equal(silent.lines.length, 0);
});

test('P5: values under sensitive names never reach the log', () => {
  const value = 'correct horse battery';
  const names = [
    'authorization',
    'Authorization',
    'proxy-authorization',
    'x-api-key',
    'apiKey',
    'API_KEY',
    'cookie',
    'Set-Cookie',
    'secret',
    'clientSecret',
    'token',
    'accessToken',
    'id_token',
    'password',
    'passwd',
    'privateKey',
    'key_material',
    'wrapped_key',
    'masterKey',
  ]; // prettier-ignore
  for (const name of names) {
    assert.ok(!logged({ [name]: value }).includes(value), name);
    assert.ok(!logged({ headers: { [name]: [value] } }).includes(value), `${name} in headers`);
    assert.ok(!logged({ [name]: { deeper: { still: value } } }).includes(value), `below ${name}`);
    assert.ok(!logged({ [name]: 123456 }).includes('123456'), `number under ${name}`);
  }
});

test('token counts and ids stay readable', () => {
  const { logger, last } = capture();
  logger.info(
    { usage: { input_tokens: 12, output_tokens: 3 }, tokens: 15, key: 'key_01', record: 'rec_02' },
    'settled',
  );
  const { usage, tokens, key, record } = last();
  assert.deepEqual(
    { usage, tokens, key, record },
    {
      usage: { input_tokens: 12, output_tokens: 3 },
      tokens: 15,
      key: 'key_01',
      record: 'rec_02',
    },
  );
  assert.ok(!logged({ secret: [171, 205] }).includes('171'));
  assert.ok(!logged({ tokens: 'abcdef' }).includes('abcdef'));
});

test('P5: what is shaped like a credential is masked in messages, values, names and error stacks', () => {
  const cause = new Error(`inner ${PROVIDERS}`);
  const error = Object.assign(new Error(`refused ${OURS}`, { cause }), { url: `https://x/?k=${OURS}` });
  const all = new AggregateError([new Error(OURS)], `all ${PROVIDERS}`);
  for (const secret of [OURS, PROVIDERS]) {
    assert.ok(!logged({}, `bad ${secret} here`).includes(secret));
    assert.ok(!logged({ note: `x${secret}y` }).includes(secret));
    assert.ok(!logged({ [secret]: 1 }).includes(secret));
    assert.ok(!logged({ list: [[secret]] }).includes(secret));
    assert.ok(!logged({ err: error }).includes(secret));
    assert.ok(!logged({ err: all }).includes(secret));
    assert.ok(!logged({ map: new Map([['a', secret]]), set: new Set([secret]) }).includes(secret));
    const { lines, logger } = capture();
    logger.child({ bound: secret }).info({}, 'm');
    assert.ok(!lines.join('').includes(secret));
    const pretty = capture({ pretty: true });
    pretty.logger.info({ note: secret }, secret);
    assert.ok(!pretty.lines.join('').includes(secret));
  }
  assert.ok(logged({ err: error }).includes('refused [redacted]'));
});

test('P5: bearer and basic credentials, web tokens, private keys, key bytes and userinfo are masked', () => {
  const bearer = 'Zm9vYmFyYmF6';
  const web = `eyJhbGciOiJub25lIn0.${'eyJzdWIiOiJtZSJ9'}.c2ln`;
  const pem = `-----BEGIN PRIVATE ${'KEY'}-----\nMIIabc\n-----END PRIVATE ${'KEY'}-----`;
  assert.ok(!logged({ rawHeaders: ['Authorization', `Bearer ${bearer}`] }).includes(bearer));
  assert.ok(!logged({}, `sent Basic ${bearer}`).includes(bearer));
  assert.ok(!logged({ note: `t=${web}` }).includes('c2ln'));
  assert.ok(!logged({ note: pem }).includes('MIIabc'));
  assert.ok(!logged({ proxy: new URL('http://me:hunter22@proxy:8080/') }).includes('hunter22'));
  const bytes = Buffer.from('0123456789abcdef');
  for (const key of [bytes, new Uint8Array(bytes), createSecretKey(bytes), bytes.buffer]) {
    const line = logged({ key });
    assert.ok(!line.includes(bytes.toString('base64')) && !line.includes('48,49,50') && !line.includes('0123456'));
  }
  assert.ok(logged({ signer: createSecretKey(bytes) }).includes('[key]'));
  assert.ok(logged({}, 'basic authentication is off').includes('basic authentication is off'));
});

test('no text can fake a line, a field or a terminal command', () => {
  const hostile = 'x\n{"level":"error","msg":"faked"}\r\u001b[2J\u202e\u0000';
  const { lines, logger, last } = capture();
  logger.info({ [hostile]: hostile, level: 'error', msg: 'other', time: 0 }, hostile);
  assert.equal(lines.join('').match(/\n/g)?.length, 1);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: looking for control characters is the purpose
  assert.doesNotMatch(JSON.stringify(last()), /\\[nr]|\\u00|[\u0000-\u001f\u202e]/);
  assert.equal(last().level, 'info');
  assert.equal(last().level_, 'error');
  assert.equal(lines[0]?.match(/"level":/g)?.length, 1);
  const pretty = capture({ pretty: true });
  pretty.logger.info({ a: hostile }, hostile);
  assert.equal(pretty.lines.join('').match(/[\n\r]/g)?.length, 1);
});

test('a child and a line that name the same field give it once', () => {
  const { lines, logger, last } = capture();
  logger.child({ a: 1, b: 1, c: 1 }).child({ b: 2 }).info({ a: 3 }, 'm');
  assert.equal(last().a, 3);
  assert.equal(last().b, 2);
  assert.equal(last().c, 1);
  assert.equal(lines[0]?.match(/"a":/g)?.length, 1);
});

test('circular, deep, huge and hostile objects are cut, and nothing throws', () => {
  const circle: Record<string, unknown> = {};
  circle.self = circle;
  let deep: unknown = 'end';
  for (let i = 0; i < 1_000; i++) deep = { deep };
  const trap = Object.defineProperty({}, 'x', {
    enumerable: true,
    get: () => {
      throw new Error('no');
    },
  });
  const proxy = new Proxy(
    {},
    {
      ownKeys: () => {
        throw new Error('no');
      },
    },
  );
  const big = Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`k${i}`, 'v'.repeat(5_000)]));
  const fields = {
    circle,
    deep,
    trap,
    proxy,
    n: 1n,
    u: undefined,
    f: () => 1,
    s: Symbol('s'),
    nan: NaN,
    d: new Date(NaN),
  };
  const line = logged(fields);
  assert.ok(line.includes('[circular]') && line.includes('[deep]') && line.includes('[unreadable]'));
  assert.ok(logged({ big, list: Array.from({ length: 5_000 }, () => 'x') }).length < 300_000);
});

test('an error handed over as the fields keeps its text', () => {
  assert.ok(logged(new Error('broken pipe') as unknown as LogFields).includes('broken pipe'));
});

test('P5: no cut and no surrounding text lets a credential through', () => {
  const around = fc.string({ unit: 'grapheme', maxLength: 40 });
  const long = fc.integer({ min: 0, max: 70_000 }).map((n) => 'a '.repeat(n / 2));
  fc.assert(
    fc.property(fc.oneof(around, long), around, fc.constantFrom(OURS, PROVIDERS), (before, after, secret) => {
      const masked = maskSecrets(before + secret + after);
      assert.ok(!masked.includes(secret.slice(0, 16)));
      assert.ok(!logged({ note: before + secret + after }).includes(secret.slice(0, 16)));
    }),
    { seed: 3, numRuns: 200 },
  );
  // A credential across the place where a long text is cut.
  for (let at = 65_480; at < 65_560; at++) assert.ok(!maskSecrets(`${'a'.repeat(at) + OURS}b`).includes('ghk_A'));
});

test('what was logged before a flush is on standard error, and a reader that went away does no harm', async () => {
  const script = `
    import { createLogger } from ${JSON.stringify(new URL('../../src/kernel/log.ts', import.meta.url).href)};
    const log = createLogger({ level: 'info' });
    for (let n = 0; n < 2000; n++) log.info({ n }, 'line');
    await log.flush();
    log.info({}, 'after');
    await log.flush();
    process.stdout.write('alive');
    process.exit(0);`;
  const start = () =>
    spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const reading = start();
  const [lines] = await Promise.all([text(reading.stderr), once(reading, 'close')]);
  const numbers = lines
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).n);
  assert.deepEqual(numbers, [...Array.from({ length: 2000 }, (_, n) => n), undefined]);
  const deaf = start();
  deaf.stderr.destroy();
  const [said, [code]] = await Promise.all([text(deaf.stdout), once(deaf, 'close')]);
  assert.deepEqual([said, code], ['alive', 0]);
});
