import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../kernel/clock.ts';
import type { CheckedPoint } from '../ports.ts';
import { SignInFailure } from '../sign-in-failure.ts';
import type { SigningCertificate } from './certificates.ts';
import type { ProviderFacts } from './facts.ts';
import { entityIdOf } from './own-addresses.ts';
import type { Fetched, ProviderSource } from './source.ts';

const DAY_MS = 86_400_000;
const SOON_MS = 30 * DAY_MS;

interface TestInput {
  readonly source: ProviderSource;
  /** PEM. */
  readonly certificate: string;
  readonly clock: Clock;
  readonly skewMs: number;
  readonly callback: string;
}

/** Everything that can be looked at without a person. Metadata is fetched anew, and what it says is used from then on. Never rejects. */
export async function testPoints(input: TestInput): Promise<readonly CheckedPoint[]> {
  const { source, callback } = input;
  const now = input.clock.now();
  const own = [ownCertificate(input.certificate, now), ownAddresses(callback)];
  let fetched: Fetched;
  try {
    fetched = source.address === null ? { facts: await source.facts(), date: null } : await source.refresh();
  } catch (error) {
    return [failedMetadata(error), ...own];
  }
  const { facts, date } = fetched;
  return [
    metadata(source, facts),
    signIn(facts),
    ...facts.certificates.map((certificate) => certificatePoint(certificate, now)),
    algorithms(facts),
    ...(date === null ? [] : [clockPoint(date - now, input.skewMs)]),
    ...own,
  ];
}

function failedMetadata(error: unknown): CheckedPoint {
  const message = error instanceof SignInFailure ? error.detail : 'something unexpected went wrong; see the log';
  return { point: 'metadata', state: 'failed', message: `Nothing is known of the provider: ${message}.` };
}

function metadata({ address }: ProviderSource, { entityId, validUntil }: ProviderFacts): CheckedPoint {
  const from = address === null ? 'The policy describes' : `The metadata from ${new URL(address).host} describes`;
  const end = validUntil === null ? '' : ` It is valid until ${day(validUntil)}.`;
  return { point: 'metadata', state: 'ok', message: `${from} the provider with the entity id ${entityId}.${end}` };
}

function signIn({ signInUrl, takesPost, wantsSignedRequests }: ProviderFacts): CheckedPoint {
  if (signInUrl !== null) {
    const wanted = wantsSignedRequests ? ', as it wants them' : '';
    const message = `People are sent to ${new URL(signInUrl).host}. Our requests are signed${wanted}.`;
    return { point: 'sign_in', state: 'ok', message };
  }
  const message = takesPost
    ? 'The provider takes requests by HTTP-POST only. Let it take HTTP-Redirect, or write sign_in_url into the policy.'
    : 'Nothing says where people sign in. Write sign_in_url into the policy.';
  return { point: 'sign_in', state: 'failed', message };
}

function certificatePoint({ fingerprint, from, until, unusable }: SigningCertificate, now: number): CheckedPoint {
  const named = `The signing certificate ${fingerprint.slice(0, 23)}…`;
  const point = (state: CheckedPoint['state'], message: string): CheckedPoint => ({
    point: 'certificate',
    state,
    message: `${named} ${message}`,
  });
  if (unusable !== null) return point('warning', `is not used: ${unusable}.`);
  if (now >= until) {
    return point('warning', `ended on ${day(until)}. Its signatures are still taken; have the provider renew it.`);
  }
  if (now < from) return point('warning', `begins on ${day(from)}. Its signatures are taken already.`);
  if (until - now < SOON_MS)
    return point('warning', `ends on ${day(until)}. See that the provider publishes the next one.`);
  return point('ok', `is valid until ${day(until)}.`);
}

function algorithms({ certificates }: ProviderFacts): CheckedPoint {
  const usable = certificates.filter(({ unusable }) => unusable === null).length;
  const message =
    `Signatures by RSA with SHA-256 or SHA-512 are taken, from ${usable} certificate${usable === 1 ? '' : 's'}. ` +
    'Let the provider sign the assertion, not the response alone, and encrypt with AES-GCM or not at all.';
  return { point: 'algorithms', state: 'ok', message };
}

/** The header counts whole seconds, and the answer took a while. */
function clockPoint(ahead: number, skewMs: number): CheckedPoint {
  const seconds = Math.round(Math.abs(ahead) / 1000);
  if (Math.abs(ahead) <= skewMs) {
    return { point: 'clock', state: 'ok', message: `The clocks differ by about ${seconds} s.` };
  }
  const which = ahead > 0 ? 'ahead of' : 'behind';
  const message = `The clock of the provider is about ${seconds} s ${which} ours. Answers will be refused: set both by NTP.`;
  return { point: 'clock', state: 'failed', message };
}

function ownCertificate(certificate: string, now: number): CheckedPoint {
  const until = new X509Certificate(certificate).validToDate.getTime();
  const soon = until - now < SOON_MS;
  const message = `Our own certificate ${now >= until ? 'ended' : 'ends'} on ${day(until)}.`;
  return { point: 'own_certificate', state: soon ? 'warning' : 'ok', message };
}

function ownAddresses(callback: string): CheckedPoint {
  const entityId = entityIdOf(callback);
  const message =
    `Give the provider our metadata: ${entityId} (also our entity id). ` +
    `Where it takes none: assertion consumer service ${callback}, binding HTTP-POST.`;
  return { point: 'own_metadata', state: 'ok', message };
}

function day(at: number): string {
  return Number.isNaN(at) ? 'an unknown day' : new Date(at).toISOString().slice(0, 10);
}
