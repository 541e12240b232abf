/** Certificates in files: what cannot be served with is refused with what to do, and renewed ones take over without a restart. */
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { serverConfig, tlsFiles } from '../../src/doors/config.ts';
import { loadTls, type TlsFiles, type TlsMaterial, TlsProblem } from '../../src/doors/tls.ts';
import { TlsWatch } from '../../src/doors/tls-watch.ts';
import { type Identity, issue } from '../net/certificates.ts';

const DAY = 86_400_000;
const NOW = Date.now();
const clock = { now: () => NOW };
const POSIX = { skip: process.platform === 'win32' ? 'files have no mode there' : false };

const first = issue({ name: 'gate.example.com', until: NOW + 60 * DAY });
const second = issue({ name: 'gate.example.com', until: NOW + 90 * DAY });

interface Folder {
  readonly path: string;
  readonly files: TlsFiles;
  put(what: { certificate?: string; key?: string }): void;
}

function folder(t: TestContext, pair: Identity = first): Folder {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-tls-'));
  t.after(() => rmSync(path, { recursive: true, force: true }));
  const files = {
    certificate: join(path, 'tls.crt'),
    key: join(path, 'tls.key'),
    clientCa: null,
    clients: 'none',
  } as const;
  const made: Folder = {
    path,
    files,
    put({ certificate, key }) {
      if (certificate !== undefined) writeFileSync(files.certificate, certificate);
      if (key !== undefined) writeFileSync(files.key, key, { mode: 0o600 });
    },
  };
  made.put(pair);
  return made;
}

async function problem(files: TlsFiles, now = NOW): Promise<string> {
  try {
    await loadTls(files, now);
  } catch (error) {
    assert.ok(error instanceof TlsProblem);
    return error.message;
  }
  return 'it can be served with';
}

test('a pair is served with, and so is one with the certificates above it', async (t) => {
  const { files, put } = folder(t);
  const material = { certificate: first.certificate, key: first.key, clientCa: null, clients: 'none' };
  assert.deepEqual(await loadTls(files, NOW), material);
  put({ certificate: `subject=gate\n${first.certificate}${second.certificate}` });
  assert.equal(await problem(files), 'it can be served with');
});

test('what cannot be served with is named with its file and what to do', async (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 512 }).privateKey.export({ type: 'pkcs8', format: 'pem' });
  const sealed = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
    type: 'pkcs8',
    format: 'pem',
    cipher: 'aes-256-cbc',
    passphrase: 'x',
  });
  const broken = first.certificate.replace(/MI../, 'AAAA');
  for (const [what, said] of [
    [
      { key: second.key },
      /^listen\.tls\.key: \S+tls\.key does not belong to the first certificate in \S+tls\.crt: put/,
    ],
    [
      { certificate: second.certificate + first.certificate },
      /^listen\.tls\.key: \S+ does not belong to the first cert/,
    ],
    [{ key: weak.toString() }, /does not belong/],
    [{ key: sealed.toString() }, /^listen\.tls\.key: \S+tls\.key is encrypted, and there is nobody to ask/],
    [{ key: '' }, /holds no private key in PEM/],
    [{ key: first.certificate }, /holds no private key in PEM/],
    [{ certificate: '' }, /^listen\.tls\.certificate: \S+tls\.crt holds no certificate in PEM/],
    [{ certificate: first.key }, /^listen\.tls\.certificate: \S+tls\.crt holds no certificate in PEM/],
    [{ certificate: broken }, /holds a certificate that cannot be read \(number 1\): copy it again/],
    [{ certificate: first.certificate + broken }, /holds a certificate that cannot be read \(number 2\)/],
    [{ certificate: 'x'.repeat(1024 * 1024 + 1) }, /^listen\.tls\.certificate: \S+tls\.crt is larger than 1 MiB/],
  ] as const) {
    const { files, put } = folder(t);
    put(what);
    const message = await problem(files);
    assert.match(message, said);
    assert.doesNotMatch(message, /PRIVATE KEY-----\n|MI[A-Z]/);
  }
  const { files, path } = folder(t);
  assert.match(
    await problem({ ...files, key: join(path, 'none') }),
    /^listen\.tls\.key: \S+none is not there: check the path/,
  );
  assert.match(
    await problem({ ...files, certificate: path }),
    /^listen\.tls\.certificate: \S+ (?:is no file|cannot be read)/,
  );
  assert.match(
    await problem({ ...files, clientCa: join(path, 'none') }),
    /^listen\.tls\.client_ca: \S+none is not there/,
  );
  assert.match(await problem({ ...files, clientCa: files.key }), /^listen\.tls\.client_ca: \S+ holds no certificate/);
  assert.match(
    await problem(files, NOW + 61 * DAY),
    /^listen\.tls\.certificate: \S+ has been over since \S+Z: have a new one/,
  );
  assert.match(
    await problem(files, NOW - 2 * DAY),
    /^listen\.tls\.certificate: \S+ is not valid before \S+Z: check the clock/,
  );
});

test('P5: a key that others can read is refused; its own group may', POSIX, async (t) => {
  const { files } = folder(t);
  for (const mode of [0o644, 0o604, 0o601, 0o602, 0o660, 0o620, 0o666, 0o777]) {
    chmodSync(files.key, mode);
    const said = `listen.tls.key: ${files.key} is open to others (mode ${mode.toString(8)}): make it 0600, or 0640 for a group of its own`;
    assert.equal(await problem(files), said);
  }
  for (const mode of [0o600, 0o400, 0o640, 0o440]) {
    chmodSync(files.key, mode);
    assert.equal(await problem(files), 'it can be served with');
  }
});

test('what callers must show follows from the authorities that are named', () => {
  const files = { certificate: 'a', key: 'b' };
  const clients = (tls: object) => {
    const parsed = serverConfig.safeParse({ tls: { ...files, ...tls } });
    return parsed.success ? tlsFiles(parsed.data)?.clients : parsed.error.issues[0]?.message;
  };
  assert.equal(tlsFiles(serverConfig.parse({})), null);
  assert.equal(clients({}), 'none');
  assert.equal(clients({ client_ca: 'c' }), 'require');
  for (const wanted of ['none', 'request', 'require']) {
    assert.equal(clients({ client_ca: 'c', client_certificates: wanted }), wanted);
  }
  assert.match(String(clients({ client_certificates: 'require' })), /name listen\.tls\.client_ca/);
  assert.match(String(clients({ client_certificates: 'request' })), /name listen\.tls\.client_ca/);
});

interface Watched {
  readonly watch: TlsWatch;
  readonly renewed: TlsMaterial[];
  readonly warned: string[];
}

async function watched(t: TestContext, files: TlsFiles, now = clock): Promise<Watched> {
  const renewed: TlsMaterial[] = [];
  const warned: string[] = [];
  const watch = await TlsWatch.open({
    files,
    clock: now,
    renew: (material) => renewed.push(material),
    warn: (message) => warned.push(message),
  });
  t.after(() => watch.close());
  return { watch, renewed, warned };
}

test('a renewed pair is served as soon as it stands still, or at once when that is asked for', async (t) => {
  const { files, put } = folder(t);
  const { watch, renewed, warned } = await watched(t, files);
  await watch.look();
  await watch.reload();
  assert.deepEqual([renewed.length, watch.material.key], [0, first.key]);
  put(second);
  await watch.look();
  assert.equal(renewed.length, 0);
  await watch.look();
  assert.deepEqual([renewed.length, renewed[0]?.key, watch.material.certificate], [1, second.key, second.certificate]);
  await watch.look();
  put(first);
  await watch.reload();
  assert.deepEqual([renewed.length, watch.material.key, warned, watch.warnings()], [2, first.key, [], []]);
});

test('half a pair is neither served nor complained of while the other half is on its way', async (t) => {
  const { files, put } = folder(t);
  const { watch, renewed, warned } = await watched(t, files);
  put({ certificate: second.certificate });
  await watch.look();
  put({ key: second.key.slice(0, 40) });
  await watch.look();
  unlinkSync(files.key);
  await watch.look();
  put({ key: second.key });
  await watch.look();
  await watch.look();
  assert.deepEqual([renewed.length, warned], [1, []]);
});

test('a pair that cannot be used keeps the one before, is told of once, and a good one takes over', async (t) => {
  const { files, put } = folder(t);
  const { watch, renewed, warned } = await watched(t, files);
  put({ key: second.key });
  for (let look = 0; look < 4; look++) await watch.look();
  assert.deepEqual([renewed.length, watch.material.key, warned.length], [0, first.key, 1]);
  assert.match(warned[0] ?? '', /does not belong/);
  assert.match(watch.warnings().join(), /^New certificates are not served: listen\.tls\.key: .* does not belong/);
  rmSync(files.certificate);
  await watch.reload();
  await watch.reload();
  assert.deepEqual([warned.length, watch.material.key], [2, first.key]);
  assert.match(warned[1] ?? '', /tls\.crt is not there/);
  const over = issue({ name: 'gate.example.com', from: NOW - 2 * DAY, until: NOW - DAY });
  put(over);
  await watch.reload();
  assert.match(warned[2] ?? '', /has been over since/);
  put(second);
  await watch.reload();
  assert.deepEqual([renewed.length, watch.material.key, warned.length, watch.warnings()], [1, second.key, 3, []]);
});

test('a pair of before that comes back is as good as it was', async (t) => {
  const { files, put } = folder(t);
  const { watch, renewed } = await watched(t, files);
  put({ key: second.key });
  await watch.reload();
  assert.equal(watch.warnings().length, 1);
  put(first);
  await watch.reload();
  assert.deepEqual([renewed.length, watch.warnings()], [0, []]);
});

test('what cannot be put in force is not taken for in force', async (t) => {
  const { files, put } = folder(t);
  const warned: string[] = [];
  let refuse = true;
  const renew = () => {
    if (refuse) throw new Error('no');
  };
  const watch = await TlsWatch.open({ files, clock, renew, warn: (message) => warned.push(message) });
  t.after(() => watch.close());
  put(second);
  await watch.reload();
  assert.deepEqual([watch.material.key, warned], [first.key, ['they could not be put in force']]);
  refuse = false;
  await watch.reload();
  assert.deepEqual([watch.material.key, watch.warnings()], [second.key, []]);
});

test('a link that is turned to another folder, as mounted secrets are, renews both files', POSIX, async (t) => {
  const { path, files } = folder(t);
  const make = (name: string, pair: Identity): void => {
    mkdirSync(join(path, name));
    writeFileSync(join(path, name, 'tls.crt'), pair.certificate);
    writeFileSync(join(path, name, 'tls.key'), pair.key, { mode: 0o440 });
  };
  make('..1', first);
  make('..2', second);
  symlinkSync('..1', join(path, '..data'));
  for (const name of ['tls.crt', 'tls.key']) {
    unlinkSync(join(path, name));
    symlinkSync(join('..data', name), join(path, name));
  }
  const { watch, renewed } = await watched(t, files);
  symlinkSync('..2', join(path, '..tmp'));
  renameSync(join(path, '..tmp'), join(path, '..data'));
  await watch.look();
  await watch.look();
  assert.deepEqual([renewed.length, watch.material.key], [1, second.key]);
});

test('a certificate that ends soon is said, in days', async (t) => {
  const { files } = folder(t);
  let now = NOW;
  const { watch } = await watched(t, files, { now: () => now });
  const said = (days: number): string => {
    now = NOW + (60 - days) * DAY;
    return watch.warnings().join();
  };
  assert.equal(said(15), '');
  assert.equal(said(13.5), 'The certificate that is served ends in 13 days (listen.tls.certificate).');
  assert.equal(said(-1), 'The certificate that is served is over (listen.tls.certificate).');
});
