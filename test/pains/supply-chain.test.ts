import assert from 'node:assert/strict';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'node:test';
import { startGatehouse } from '../../src/main.ts';
import { paper } from '../docs/papers.ts';
import { startDouble } from '../support/double.ts';
import { silent } from '../support/gateway.ts';
import { claim, makeHouse } from '../support/house.ts';
import { CALL, raw } from '../support/raw.ts';

interface Locked {
  readonly version?: string;
  readonly integrity?: string;
  readonly hasInstallScript?: boolean;
}

test('P12: what is installed is what was pinned: exact versions with their hashes, and nothing runs at installation', () => {
  const { packages } = JSON.parse(paper('package-lock.json')) as { packages: Record<string, Locked> };
  const { '': own, ...others } = packages;
  assert.equal(own?.hasInstallScript, undefined);
  const names = Object.keys(others);
  assert.ok(names.length > 50);
  for (const name of names) {
    const { version = '', integrity = '', hasInstallScript = false } = others[name] ?? {};
    assert.match(version, /^\d+\.\d+\.\d+/, name);
    assert.match(integrity, /^sha512-/, name);
    assert.equal(hasInstallScript, false, `${name} runs something when it is installed`);
  }
  const manifest = JSON.parse(paper('package.json')) as Record<string, Record<string, string> | undefined>;
  for (const field of ['dependencies', 'devDependencies', 'optionalDependencies']) {
    for (const [name, version] of Object.entries(manifest[field] ?? {})) assert.match(version, /^\d+\.\d+\.\d+$/, name);
  }
  for (const script of ['preinstall', 'install', 'postinstall', 'prepare']) {
    assert.equal(manifest.scripts?.[script], undefined, script);
  }
});

/** Where this process connects to while `work` runs, by whatever client. */
async function connections(work: () => Promise<void>): Promise<string[]> {
  const seen: string[] = [];
  const toSocket = (): void => void seen.push('a socket');
  const toHost = (message: unknown): void => {
    const { connectParams } = message as { connectParams: { host: string } };
    seen.push(connectParams.host);
  };
  subscribe('net.client.socket', toSocket);
  subscribe('undici:client:beforeConnect', toHost);
  try {
    await work();
  } finally {
    unsubscribe('net.client.socket', toSocket);
    unsubscribe('undici:client:beforeConnect', toHost);
  }
  return seen;
}

test('P12: a start fetches nothing, prices least of all, and the first call goes to the provider and nowhere else', async (t) => {
  const double = await startDouble();
  t.after(() => double.close());
  const house = makeHouse({ upstream: double.url });
  t.after(() => house.remove());
  const env = { ...process.env, TEST_PROVIDER_KEY: 'provider-secret' };
  let gatehouse: Awaited<ReturnType<typeof startGatehouse>> | undefined;
  const atStart = await connections(async () => {
    gatehouse = await startGatehouse({ config: house.configFile, log: silent, env });
  });
  assert.deepEqual(atStart, []);
  const { url = '', ownerSecret = null, stop } = gatehouse ?? {};
  t.after(() => stop?.());
  const admin = await claim({ url, ownerSecret });
  await admin.call('POST', '/api/people', { email: 'dev@example.com' });
  const { secret } = await admin.call('POST', '/api/keys', { person: 'dev@example.com', label: 'laptop' });
  const inCall = await connections(async () => {
    await raw(url, { body: CALL, headers: { authorization: `Bearer ${secret}` } });
  });
  // The test's own connection to the gateway, and the gateway's to the provider.
  const hosts = inCall.filter((host) => host !== 'a socket');
  assert.ok(hosts.length >= 1 && inCall.includes('a socket'), 'the probe sees what connects');
  assert.ok(
    hosts.every((host) => host === new URL(double.url).host),
    hosts.join(),
  );
});
