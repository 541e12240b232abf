import { ALGORITHMS, type Algorithm } from '../../src/identity/oidc/algorithms.ts';
import { verifyIdToken } from '../../src/identity/oidc/id-token.ts';
import { Keys } from '../../src/identity/oidc/keys.ts';
import { handClock, ISSUER, T0 } from './idp.ts';

export const NONCE = 'nonce-1';

export interface Circumstances {
  readonly keys?: readonly unknown[];
  readonly algorithms?: readonly Algorithm[];
  readonly accessToken?: string;
  readonly now?: number;
  readonly skewMs?: number;
}

/** Verifies a token as the client does, against a key set that is given. */
export function verify(token: unknown, { keys = [], ...more }: Circumstances) {
  const fetcher = {
    fetch: async () => ({ status: 200, headers: {}, body: Buffer.from(JSON.stringify({ keys })) }),
  };
  return verifyIdToken(token, {
    issuer: ISSUER,
    clientId: 'client-1',
    nonce: NONCE,
    accessToken: 'access-1',
    now: T0,
    skewMs: 120_000,
    algorithms: ALGORITHMS,
    keys: new Keys({ fetcher, clock: handClock() }),
    jwksUri: `${ISSUER}/keys`,
    ...more,
  });
}

/** Claims that are valid at T0; undefined leaves one out. */
export function claimsOf(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  const usual = { iss: ISSUER, sub: 'user-1', aud: 'client-1', nonce: NONCE, exp: T0 / 1000 + 300, iat: T0 / 1000 };
  return Object.fromEntries(Object.entries({ ...usual, ...changes }).filter(([, value]) => value !== undefined));
}
