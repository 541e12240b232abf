import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFile, cp, mkdir, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, type TestContext, test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { type Checkpoint, makeCheckpoint } from '../../src/journal/checkpoint.ts';
import { compressSealed } from '../../src/journal/compress.ts';
import { temporaryKey } from '../../src/journal/signing.ts';
import { type VerifyReport, verifyJournal } from '../../src/journal/verify.ts';
import { intent, key, note, open, outcome, tempFolder } from './support.ts';

const SOURCE = join(import.meta.dirname, '../../src/journal');

/** A journal of three segments, the first packed, with a checkpoint of its head. Made once, copied by every test. */
let original = '';
let checkpoint: Checkpoint;
let plain: { readonly name: string; readonly text: string }[] = [];
const cleanups: (() => Promise<void>)[] = [];

before(async () => {
  original = await tempFolder({ after: (undo) => void cleanups.push(undo as () => Promise<void>) });
  const journal = await open(original);
  for (let part = 0; part < 3; part++) {
    await journal.append(intent(`rec_${part}a`));
    await journal.append({ kind: 'change', body: { outbox: part + 1, what: 'a key' } });
    await journal.append(intent(`rec_${part}b`));
    await journal.append(outcome(`rec_${part}a`));
    if (part > 0) await journal.append(outcome(`rec_${part - 1}b`));
    if (part < 2) await journal.roll();
  }
  checkpoint = makeCheckpoint([journal.head], key, Date.parse('2026-11-24T12:00:00Z'));
  await journal.close();
  const names = (await readdir(join(original, 'one'))).filter((name) => name.endsWith('.jsonl')).sort();
  plain = await Promise.all(
    names.map(async (name) => ({ name, text: await readFile(join(original, 'one', name), 'utf8') })),
  );
});

test.after(async () => {
  for (const undo of cleanups) await undo();
});

/** Writes the segments as given; `packed` says which are gzip. */
async function build(
  dir: string,
  segments: readonly { name: string; bytes: Uint8Array | string }[],
  packed = false,
): Promise<void> {
  await rm(join(dir, 'one'), { recursive: true, force: true });
  await mkdir(join(dir, 'one'), { recursive: true });
  for (const { name, bytes } of segments) {
    if (packed) await writeFile(join(dir, 'one', `${name}.gz`), gzipSync(bytes));
    else await writeFile(join(dir, 'one', name), bytes);
  }
}

const whole = (): { name: string; bytes: Buffer }[] =>
  plain.map(({ name, text }) => ({ name, bytes: Buffer.from(text) }));
const verify = (dir: string, more: object = {}): Promise<VerifyReport> =>
  verifyJournal({ dir, publicKey: key.publicKey, ...more });
const sentences = (report: VerifyReport): string[] => [
  ...report.problems,
  ...report.writers.flatMap(({ problems }) => problems.map(({ problem }) => problem)),
];

test('an untouched journal verifies: plain, packed, half packed, with and without checkpoint', async (t) => {
  const dir = await tempFolder(t);
  for (const packed of [false, true]) {
    await build(dir, whole(), packed);
    for (const more of [{}, { checkpoint }]) {
      const report = await verify(dir, more);
      assert.deepEqual(sentences(report), []);
      assert.equal(report.ok, true);
      const [one] = report.writers;
      const lines = plain.flatMap(({ text }) => text.split('\n').slice(0, -1));
      assert.deepEqual([one?.segments, one?.records, one?.first, one?.head?.seq], [3, lines.length, 1, lines.length]);
      assert.equal(
        one?.head?.hash,
        createHash('sha256')
          .update(lines.at(-1) ?? '')
          .digest('hex'),
      );
      assert.equal(one?.openIntents, 1);
      assert.equal(one?.durability, 'synced');
    }
  }
});

test('P6: the verifier shares no code with the writer', async () => {
  const seen = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    if (seen.has(path)) return;
    seen.add(path);
    const source = await readFile(path, 'utf8');
    const imports = [...source.matchAll(/\bfrom\s*'([^']+)'/g), ...source.matchAll(/\bimport\s*\(?\s*'([^']+)'/g)].map(
      ([, name]) => name ?? '',
    );
    assert.ok(imports.length > 0, `no import was seen in ${path}`);
    for (const name of imports) {
      if (name.startsWith('node:')) continue;
      assert.match(name, /^\.\/verify-[a-z]+\.ts$/, `${path} imports ${name}`);
      await visit(join(dirname(path), name));
    }
  };
  await visit(join(SOURCE, 'verify.ts'));
  assert.ok(seen.size >= 3);
  for (const name of await readdir(SOURCE)) {
    if (name.startsWith('verify')) continue;
    assert.doesNotMatch(
      await readFile(join(SOURCE, name), 'utf8'),
      /from '\.\/verify/,
      `${name} must not lean on the verifier`,
    );
  }
});

type Edit = readonly ['byte' | 'delete' | 'swap' | 'double' | 'insert', number, number];
const edits: fc.Arbitrary<Edit> = fc.tuple(
  fc.constantFrom('byte', 'byte', 'delete', 'swap', 'double', 'insert'),
  fc.nat(1e6),
  fc.nat(254),
);

/** Changes the lines of the whole journal; null when the edit would change nothing. */
function tamper([how, where, what]: Edit): { name: string; bytes: Buffer }[] | null {
  const segments = whole();
  const segment = segments[where % segments.length];
  if (segment === undefined) return null;
  const spot = Math.floor(where / segments.length);
  if (how === 'byte') {
    const at = spot % segment.bytes.length;
    segment.bytes[at] = ((segment.bytes[at] ?? 0) + 1 + what) % 256;
    return segments;
  }
  const lines = segment.bytes.toString().split('\n').slice(0, -1);
  const [one, two] = [spot % lines.length, what % lines.length];
  const line = lines[one] ?? '';
  if (how === 'delete') lines.splice(one, 1);
  if (how === 'double') lines.splice(two, 0, line);
  if (how === 'insert') lines.splice(one, 0, line.replace('"kind":"', '"kind":"x'));
  if (how === 'swap') {
    if (one === two) return null;
    lines[one] = lines[two] ?? '';
    lines[two] = line;
  }
  segment.bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
  return segments;
}

test('P6: any edit of a byte or a line is found, plain and packed', { timeout: 120_000 }, async (t) => {
  const dir = await tempFolder(t);
  await fc.assert(
    fc.asyncProperty(edits, fc.boolean(), async (edit, packed) => {
      const segments = tamper(edit);
      fc.pre(segments !== null);
      await build(dir, segments ?? [], packed);
      const report = await verify(dir, { checkpoint });
      assert.equal(report.ok, false);
      assert.ok(sentences(report).every((text) => text.length > 10));
    }),
    { seed: 6, numRuns: 250 },
  );
});

test('P6: without a checkpoint and without the key, every edit but one of the last line is found', {
  timeout: 120_000,
}, async (t) => {
  const dir = await tempFolder(t);
  const last = plain.at(-1)?.text.split('\n').at(-2) ?? '';
  await fc.assert(
    fc.asyncProperty(edits, async (edit) => {
      const segments = tamper(edit);
      fc.pre(segments !== null);
      const now = segments?.at(-1)?.bytes.toString('latin1') ?? '';
      // What is left is the old journal up to its last line, or the old journal and more of the same: nothing to see here.
      const before = plain.at(-1)?.text ?? '';
      fc.pre(!(now !== before && now.startsWith(before.slice(0, before.length - last.length - 1))));
      await build(dir, segments ?? []);
      assert.equal((await verifyJournal({ dir })).ok, false);
    }),
    { seed: 60, numRuns: 200 },
  );
});

test('P6: an edited byte of a packed file is found, or has changed no record', { timeout: 120_000 }, async (t) => {
  const dir = await tempFolder(t);
  await build(dir, whole(), true);
  let found = 0;
  await fc.assert(
    fc.asyncProperty(fc.nat(2), fc.nat(1e6), fc.integer({ min: 1, max: 255 }), async (which, where, what) => {
      const { name, text } = plain[which] ?? { name: '', text: '' };
      const path = join(dir, 'one', `${name}.gz`);
      const packed = await readFile(path);
      const changed = Buffer.from(packed);
      const at = where % packed.length;
      changed[at] = (changed[at] ?? 0) ^ what;
      await writeFile(path, changed);
      const report = await verify(dir, { checkpoint });
      await writeFile(path, packed);
      if (!report.ok) found++;
      else assert.equal(gunzipSync(changed).toString(), text);
    }),
    { seed: 66, numRuns: 200 },
  );
  assert.ok(found > 150);
});

test('P6: bytes behind a packed segment, and a second packed copy that differs, are found', async (t) => {
  const dir = await tempFolder(t);
  await build(dir, whole(), true);
  const path = join(dir, 'one', `${plain[0]?.name}.gz`);
  const packed = await readFile(path);
  for (const hidden of ['hidden', '\0\0\0', '\0'.repeat(100_000), gzipSync('hidden\n')]) {
    await writeFile(path, Buffer.concat([packed, Buffer.from(hidden)]));
    assert.equal((await verify(dir)).ok, false);
  }
  await writeFile(path, packed);
  await writeFile(join(dir, 'one', plain[0]?.name ?? ''), plain[0]?.text ?? '');
  assert.equal((await verify(dir)).ok, true, 'a crash while packing leaves both');
  await writeFile(path, gzipSync((plain[0]?.text ?? '').replace('claude', 'Claude')));
  assert.match(sentences(await verify(dir)).join(), /packed copy does not hold/);
});

test('P6: a cut end is found with a checkpoint, at every line', async (t) => {
  const dir = await tempFolder(t);
  const lines = plain.flatMap(({ name, text }) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => ({ name, line })),
  );
  for (let keep = 0; keep < lines.length; keep++) {
    const kept = lines.slice(0, keep);
    const names = [...new Set(kept.map(({ name }) => name))];
    const bytes = (name: string): string =>
      kept
        .filter((line) => line.name === name)
        .map(({ line }) => `${line}\n`)
        .join('');
    await build(
      dir,
      names.map((name) => ({ name, bytes: bytes(name) })),
    );
    const report = await verify(dir, { checkpoint });
    assert.equal(report.ok, false, `${keep} of ${lines.length} lines kept`);
  }
  assert.match(
    sentences(await verify(dir, { checkpoint })).join(),
    /the journal ends with record \d+: records are missing/,
  );
  await rm(join(dir, 'one'), { recursive: true });
  assert.match(sentences(await verify(dir, { checkpoint })).join(), /there is nothing here/);
});

/** Rewrites the journal from an edited line on, with every hash and carried-over hash recomputed, as an insider with the disk would. */
function forge(edit: (line: string) => string): { name: string; bytes: string }[] {
  let prev = '';
  let head = '';
  return plain.map(({ name, text }) => {
    const lines = text
      .split('\n')
      .slice(0, -1)
      .map((line) => {
        let next = edit(line);
        if (prev !== '') next = next.replace(/"prev":"[0-9a-f]{64}"/, `"prev":"${prev}"`);
        if (head !== '') next = next.replace(/"head":"[0-9a-f]{64}"/, `"head":"${head}"`);
        prev = createHash('sha256').update(next).digest('hex');
        return next;
      });
    head = prev;
    return { name, bytes: lines.map((line) => `${line}\n`).join('') };
  });
}

test('P6: a forger who recomputes every hash is found by the checkpoint, and by the seals', async (t) => {
  const dir = await tempFolder(t);
  await build(
    dir,
    forge((line) => line),
  );
  assert.equal((await verify(dir, { checkpoint })).ok, true, 'the forger of this test can rebuild the true journal');
  await build(
    dir,
    forge((line) => line.replace('"what":"a key"', '"what":"a kex"')),
  );
  assert.equal(
    (await verifyJournal({ dir })).ok,
    true,
    'the forged chain is whole: only what is kept elsewhere can tell',
  );
  assert.match(sentences(await verifyJournal({ dir, checkpoint })).join(), /the journal was rewritten/);
  assert.match(sentences(await verify(dir)).join(), /the seal does not hold: its signature is not good/);
});

test('P6: a trail that was rewritten and went on agrees with a newer checkpoint, and not with an earlier one', async (t) => {
  const dir = await tempFolder(t);
  await build(dir, whole());
  const [head] = checkpoint.heads;
  assert.ok(head);
  const at = (seq: number, hash: string, by = key) => makeCheckpoint([{ ...head, seq, hash }], by, 0);
  const second = createHash('sha256').update(plain[0]?.text.split('\n')[1] ?? '');
  const honest = at(2, second.digest('hex'));
  const other = 'a'.repeat(64);
  assert.equal((await verify(dir, { checkpoint, earlier: [honest] })).ok, true);
  const wrong = sentences(await verify(dir, { checkpoint, earlier: [honest, at(3, other)] })).join();
  assert.match(wrong, /record 3 is not the one that the checkpoint of "1970-01-01T00:00:00.000Z" names/);
  assert.equal((await verify(dir, { checkpoint, earlier: [at(head.seq + 9, other)] })).ok, false, 'it was longer once');
  const passed = [at(3, other, temporaryKey()), 'x', { format: 1 }];
  assert.equal((await verify(dir, { checkpoint, earlier: passed })).ok, true, 'those of another key prove nothing');
});

test('P6: a checkpoint counts only with a good signature by the given key', async (t) => {
  const dir = await tempFolder(t);
  await build(dir, whole());
  const moved = { ...checkpoint, at: '2026-11-25T12:00:00.000Z' };
  assert.match(sentences(await verify(dir, { checkpoint: moved })).join(), /signature is not good/);
  const foreign = makeCheckpoint(checkpoint.heads, temporaryKey(), 0);
  assert.match(sentences(await verify(dir, { checkpoint: foreign })).join(), /signed by another key/);
  for (const junk of [
    1,
    'x',
    [],
    {},
    { ...checkpoint, format: 2 },
    { ...checkpoint, heads: [null] },
    { ...checkpoint, heads: [] },
  ]) {
    assert.equal((await verify(dir, { checkpoint: junk })).ok, false);
  }
  assert.equal((await verify(dir, { publicKey: 'no key' })).ok, false);
  assert.equal((await verifyJournal({ dir: join(dir, 'none') })).ok, false);
});

test('what no writer of ours writes is reported: two outcomes, wrong carry-over, no seal, a stray file', async (t) => {
  const dir = await tempFolder(t);
  const cases: [RegExp, (line: string) => string][] = [
    [/is not open: it has an outcome already/, (line) => line.replace('"intent":"rec_1a"', '"intent":"rec_0a"')],
    [
      /open intents that segment.open carries over/,
      (line) => line.replace('"open_intents":["rec_0b"]', '"open_intents":[]'),
    ],
    [/carries outbox number 0, not 1/, (line) => line.replace('"outbox":1}', '"outbox":0}')],
    [/belongs to writer "two"/, (line) => line.replace('"writer":"one"', '"writer":"two"')],
    [/as the segment before it/, (line) => line.replace('"segment":"000000000001"', '"segment":"000000000003"')],
    [/is recorded twice/, (line) => line.replace('"id":"rec_0b"', '"id":"rec_0a"')],
    [/not printed the way/, (line) => line.replace('"model":"claude"', '"model": "claude"')],
    [/not printed the way/, (line) => line.replace('"model":"claude"', '"model":"x","model":"claude"')],
  ];
  for (const [expected, edit] of cases) {
    await build(dir, forge(edit));
    assert.match(sentences(await verifyJournal({ dir })).join('\n'), expected);
  }
  await build(dir, whole());
  await writeFile(join(dir, 'one', 'old.jsonl'), '');
  assert.match(sentences(await verify(dir)).join(), /not named like a segment/);
  await build(dir, whole().slice(1));
  assert.match(sentences(await verify(dir)).join(), /no signed record says that they were retired/);
  await build(
    dir,
    [whole()[0], whole()[2]].filter((segment) => segment !== undefined),
  );
  assert.match(sentences(await verify(dir)).join(), /records are missing/);
});

test('hostile files are reported, not crashed on', { timeout: 60_000 }, async (t) => {
  const dir = await tempFolder(t);
  const name = '000000000001.jsonl';
  const deep = `{"seq":1,"prev":"${'0'.repeat(64)}","id":"rec_a","at":"2026-11-24T12:00:00.000Z","kind":"gateway","x":`;
  const hostile: (Buffer | string)[] = [
    Buffer.alloc(40 * 1024 * 1024, 'a'),
    Buffer.concat([Buffer.alloc(17 * 1024 * 1024, 'a'), Buffer.from('\n{}\n')]),
    `${deep}${'['.repeat(200_000)}${']'.repeat(200_000)}}\n`,
    Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)),
    '\n\n\nnull\n[]\n"x"\n1e999\n',
    Buffer.from([0xff, 0xfe, 0x0a]),
    `${deep}"${'\u202e'}"}\n{"seq":2}\n`,
    '',
  ];
  for (const [index, bytes] of hostile.entries()) {
    await build(dir, [{ name, bytes }]);
    const report = await verify(dir, { checkpoint });
    assert.equal(report.ok, false, `case ${index}`);
  }
  await build(dir, []);
  assert.equal((await verify(dir)).ok, false, 'a folder without segments');
  await writeFile(join(dir, 'one', `${name}.gz`), gzipSync(Buffer.alloc(3 * 1024 * 1024)));
  assert.match(sentences(await verify(dir, { longestSegment: 1024 * 1024 })).join(), /unpacks to more than/);
  await writeFile(join(dir, 'one', `${name}.gz`), 'no gzip');
  assert.match(sentences(await verify(dir)).join(), /cannot be read to its end/);
  await rm(join(dir, 'one', `${name}.gz`));
  await symlink('/etc/hostname', join(dir, 'one', name));
  assert.match(sentences(await verify(dir)).join(), /not a regular file/);
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.boolean(), async (bytes, packed) => {
      await build(dir, [{ name, bytes }], packed);
      assert.equal((await verify(dir, { checkpoint })).ok, false);
    }),
    { seed: 1, numRuns: 50 },
  );
});

test('an unfinished last line of the newest segment is told apart from tampering', async (t) => {
  const dir = await tempFolder(t);
  const segments = whole();
  const last = segments.at(-1);
  assert.ok(last);
  last.bytes = Buffer.concat([last.bytes, Buffer.from('{"seq":9')]);
  await build(dir, segments);
  const report = await verify(dir, { checkpoint });
  assert.equal(report.ok, true);
  assert.equal(report.writers[0]?.tornTail?.bytes, 8);
  const [first] = segments;
  assert.ok(first);
  first.bytes = Buffer.concat([first.bytes, Buffer.from('{"seq":9')]);
  await build(dir, segments);
  assert.match(sentences(await verify(dir)).join(), /the last line is not finished/);
});

test('a running journal verifies, several writers too, while it is packed', async (t: TestContext) => {
  const dir = await tempFolder(t);
  const journals = await Promise.all(['one', 'two'].map((writer) => open(dir, { writer })));
  for (const journal of journals) {
    for (let i = 0; i < 3; i++) {
      await journal.append(note(i));
      await journal.roll();
    }
  }
  const running = journals.map((journal) => journal.append(note(9)));
  const heads = journals.map(({ head }) => head);
  const [report] = await Promise.all([
    verify(dir, { checkpoint: makeCheckpoint(heads, key, 0) }),
    compressSealed(dir, heads[0] ?? journals[0]!.head),
  ]);
  assert.deepEqual(sentences(report), []);
  await Promise.all(running);
  for (const journal of journals) await journal.close();
  await cp(dir, `${dir}.copy`, { recursive: true });
  await copyFile(join(dir, 'two', '000000000001.jsonl'), join(`${dir}.copy`, 'one', '000000000001.jsonl'));
  assert.equal((await verify(`${dir}.copy`)).ok, false, 'a segment of another writer');
  await rm(`${dir}.copy`, { recursive: true });
});
