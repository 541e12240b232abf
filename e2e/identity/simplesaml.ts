import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { simpleSaml } from './tools.ts';

/** What somebody's attributes are, by the name they sign in with. The password is `password`. */
export type SamlAccounts = Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;

/** How the provider answers from now on. */
export interface SamlHabits {
  /** Assertions are encrypted to the certificate of the gateway's metadata. */
  readonly encrypt?: boolean;
  /** Requests must be signed, by the certificate of the gateway's metadata. */
  readonly onlySignedRequests?: boolean;
  /** Signs with a key whose certificate is not the published one. */
  readonly strangersKey?: boolean;
  readonly signAssertion?: boolean;
  readonly signResponse?: boolean;
  /** URI of the signature's algorithm. */
  readonly algorithm?: string;
}

/** A SAML provider that is not ours: SimpleSAMLphp under PHP's own web server. */
export interface SimpleSaml {
  readonly entityId: string;
  readonly metadataUrl: string;
  readonly signInUrl: string;
  /** PEM file of what it publishes. */
  readonly certificateFile: string;
  readonly certificate: string;
  /** The address at which it sends an answer that nobody asked for. */
  unsolicited(serviceProvider: string): string;
  /** Takes the metadata of the gateway as it is. */
  know(metadata: string): void;
  behave(habits: SamlHabits): void;
  /** New key and certificate, published at once. */
  rotate(): void;
  stop(): Promise<void>;
  /** Starts it again, its clock wrong by so many seconds. */
  start(skew?: number): Promise<void>;
  close(): Promise<void>;
}

const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
const PERSISTENT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent';
const LOOK_MS = 50;
const LOOKS = 400;

export async function startSimpleSaml({
  port,
  accounts,
}: {
  port: number;
  accounts: SamlAccounts;
}): Promise<SimpleSaml> {
  const program = simpleSaml();
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-simplesaml-'));
  for (const name of ['config', 'metadata', 'cert', 'log', 'data', 'tmp', 'www', 'sessions'])
    mkdirSync(join(folder, name));
  symlinkSync(join(program, 'www'), join(folder, 'www', 'simplesaml'));
  const base = `http://127.0.0.1:${port}/simplesaml`;
  const entityId = `http://127.0.0.1:${port}/idp`;
  const write = (file: string, name: string, value: object): void => php(join(folder, file), name, value);
  makeKey(folder, 'published');
  makeKey(folder, 'stranger');
  write('config/config.php', 'config', configOf(folder, base));
  write('config/authsources.php', 'config', sourcesOf(accounts));
  const behave = (habits: SamlHabits): void =>
    write('metadata/saml20-idp-hosted.php', 'metadata', { [entityId]: hostedOf(habits) });
  behave({});
  let child: ChildProcess | null = null;
  const stop = async (): Promise<void> => {
    const running = child;
    child = null;
    if (running === null || running.exitCode !== null) return;
    const ended = new Promise((resolve) => running.once('exit', resolve));
    // faketime and what it wraps end together.
    if (running.pid !== undefined) process.kill(-running.pid, 'SIGKILL');
    await ended;
  };
  const start = async (skew = 0): Promise<void> => {
    const wrap = skew === 0 ? [] : ['faketime', '-f', `${skew > 0 ? '+' : ''}${skew}s`];
    const argv = [...wrap, 'php', '-S', `127.0.0.1:${port}`, '-t', join(folder, 'www')];
    const env = { ...process.env, SIMPLESAMLPHP_CONFIG_DIR: join(folder, 'config') };
    child = spawn(argv[0] ?? '', argv.slice(1), { env, stdio: 'ignore', detached: true });
    await answers(`${base}/saml2/idp/metadata.php`);
  };
  await start();
  const certificateFile = join(folder, 'cert', 'published.crt');
  return {
    entityId,
    metadataUrl: `${base}/saml2/idp/metadata.php`,
    signInUrl: `${base}/saml2/idp/SSOService.php`,
    certificateFile,
    get certificate() {
      return readFileSync(certificateFile, 'utf8');
    },
    unsolicited: (id) => `${base}/saml2/idp/SSOService.php?spentityid=${encodeURIComponent(id)}`,
    know: (metadata) => writeFileSync(join(folder, 'metadata', 'gateway.xml'), metadata),
    behave,
    rotate: () => makeKey(folder, 'published'),
    stop,
    start,
    async close() {
      await stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** PHP reads its files anew for every request; what they say comes from JSON beside them. */
function php(file: string, name: string, value: object): void {
  writeFileSync(`${file}.json`, JSON.stringify(value));
  writeFileSync(file, `<?php $${name} = json_decode(file_get_contents(__FILE__ . '.json'), true);\n`);
}

function makeKey(folder: string, name: string): void {
  const [key, certificate] = [`${name}.key`, `${name}.crt`].map((file) => join(folder, 'cert', file));
  const subject = ['-subj', `/CN=${name}`, '-days', '30', '-nodes', '-newkey', 'rsa:2048'];
  execFileSync('openssl', ['req', '-x509', ...subject, '-keyout', key ?? '', '-out', certificate ?? ''], {
    stdio: 'pipe',
  });
}

function configOf(folder: string, base: string): object {
  const at = (name: string): string => `${join(folder, name)}/`;
  return {
    baseurlpath: `${base}/`,
    certdir: at('cert'),
    loggingdir: at('log'),
    datadir: at('data'),
    tempdir: join(folder, 'tmp'),
    metadatadir: at('metadata'),
    technicalcontact_name: 'Administrator',
    technicalcontact_email: 'na@example.org',
    timezone: 'UTC',
    secretsalt: 'of no use to anybody',
    'auth.adminpassword': 'of no use either, but not the default',
    'admin.checkforupdates': false,
    'logging.handler': 'file',
    'enable.saml20-idp': true,
    'module.enable': { exampleauth: true, core: true, saml: true },
    'session.cookie.secure': false,
    'session.cookie.samesite': 'Lax',
    'session.phpsession.savepath': join(folder, 'sessions'),
    'language.available': ['en'],
    'language.cookie.secure': false,
    'store.type': 'phpsession',
    'authproc.idp': [],
    'metadata.sources': [{ type: 'flatfile' }, { type: 'xml', file: join(folder, 'metadata', 'gateway.xml') }],
  };
}

/** A list with named elements behind the first, as PHP has them. */
function sourcesOf(accounts: SamlAccounts): object {
  const people = Object.entries(accounts).map(([name, attributes]) => [
    `${name}:password`,
    { uid: [name], ...attributes },
  ]);
  return { people: { 0: 'exampleauth:UserPass', ...Object.fromEntries(people) } };
}

function hostedOf(habits: SamlHabits): object {
  const { encrypt = false, onlySignedRequests = false, strangersKey = false } = habits;
  return {
    host: '__DEFAULT__',
    privatekey: strangersKey ? 'stranger.key' : 'published.key',
    certificate: 'published.crt',
    auth: 'people',
    'assertion.encryption': encrypt,
    'validate.authnrequest': onlySignedRequests,
    'saml20.sign.assertion': habits.signAssertion ?? true,
    'saml20.sign.response': habits.signResponse ?? true,
    'signature.algorithm': habits.algorithm ?? RSA_SHA256,
    NameIDFormat: PERSISTENT,
    authproc: { 3: { class: 'saml:AttributeNameID', attribute: 'uid', Format: PERSISTENT } },
  };
}

async function answers(url: string): Promise<void> {
  for (let look = 0; look < LOOKS; look++) {
    const status = await request(url).then(
      ({ statusCode, body }) => body.dump().then(() => statusCode),
      () => 0,
    );
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  throw new Error(`SimpleSAMLphp does not answer at ${url}`);
}
