import type { Algorithm } from './algorithms.ts';
import { checkClaims, type Expected } from './id-claims.ts';
import { openToken, proveToken } from './jws.ts';
import type { Keys } from './keys.ts';
import type { JsonValues } from './strict-json.ts';

interface Verification extends Expected {
  readonly algorithms: readonly Algorithm[];
  readonly keys: Pick<Keys, 'find'>;
  readonly jwksUri: string;
}

export interface VerifiedToken {
  readonly subject: string;
  readonly claims: JsonValues;
}

/** Verifies an ID token: its form, its signature, its claims. Rejects with a SignInFailure. */
export async function verifyIdToken(token: unknown, expected: Verification): Promise<VerifiedToken> {
  const opened = openToken(token, expected.algorithms);
  await proveToken(opened, await expected.keys.find(opened, expected.jwksUri));
  return { subject: checkClaims(opened, expected), claims: opened.claims };
}
