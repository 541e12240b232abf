import assert from 'node:assert/strict';
import type { ProvenIdentity } from '../../src/identity/ports.ts';
import { SignInFailure, type SignInFailureCode } from '../../src/identity/sign-in-failure.ts';
import type { World } from './world.ts';

let serial = 0;

/** Somebody whom okta has just proven; every field can be given. */
export function proven(fields: Partial<ProvenIdentity> = {}): ProvenIdentity {
  serial += 1;
  const issuer = 'https://acme.okta.example';
  const person = {
    provider: 'okta',
    issuer,
    subject: `00u${serial}`,
    email: `person${serial}@acme.com`,
    emailVerified: true,
  };
  return { ...person, name: null, groups: [], until: null, once: null, ...fields };
}

/** okta has acme.com, adfs has acme.de; nobody has any other domain. */
export function admit(world: World, identity: ProvenIdentity, trustsEmail = false) {
  const domain = identity.email?.split('@')[1];
  const capturedBy = domain === 'acme.com' ? 'okta' : domain === 'acme.de' ? 'adfs' : null;
  return world.changes.admitIdentity({ proven: identity, capturedBy, trustsEmail });
}

/** The attempt must be turned away with this code, concerning this person. */
export async function turnedAway(
  attempt: Promise<unknown>,
  code: SignInFailureCode,
  person: string | null = null,
): Promise<void> {
  await assert.rejects(attempt, (error) => {
    assert.ok(error instanceof SignInFailure, String(error));
    assert.deepEqual([error.code, error.person], [code, person]);
    return true;
  });
}

/** A new person, signed in once, with a session. */
export async function signedIn(world: World, fields: Partial<ProvenIdentity> = {}) {
  const identity = proven(fields);
  const { person, endsAt } = await admit(world, identity);
  const session = await world.changes.openSession({
    ...{ person, provider: identity.provider, client: 'c', label: 'Firefox on Linux' },
    ...{ until: endsAt, longestMs: 7 * 86_400_000 },
  });
  return { person, identity, session };
}

/** A primary owner with the first admin token. */
export async function claimed(world: World, email = 'root@acme.com'): Promise<string> {
  const secret = await world.changes.ensureOwnerSecret();
  assert.ok(secret !== null);
  return (await world.changes.claimOwner({ secret, email })).person;
}
