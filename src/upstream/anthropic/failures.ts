import { buildConnector, errors } from 'undici';
import { systemClock } from '../../kernel/clock.ts';
import { Refusal } from '../../kernel/errors.ts';

/** Interim answers (RFC 9110 §15.2) before the one that counts; a server in good order sends one or two. */
const MOST_INTERIM = 100;

/** Failures of calls that never had a connection: nothing of them left. */
const unconnected = new WeakSet<Error>();

/** Opens connections and remembers which failures were those of opening one. `timeout` in milliseconds. */
export function connector(timeout: number): buildConnector.connector {
  const connect = buildConnector({ allowH2: false, timeout });
  return (to, callback) =>
    connect(to, (...[error, socket]) => {
      if (error === null) return callback(null, socket);
      unconnected.add(error);
      callback(error, null);
    });
}

/**
 * Called for each interim answer. Each starts undici's wait for the real one anew, so that a server that says nothing else would
 * hold a call, and its place among the open ones, for ever.
 *
 * @throws Refusal `upstream_timeout` when there is no answer within `patienceMs`, `upstream_broken` for a flood of them
 */
export function interimAnswers(patienceMs: number): () => void {
  const since = systemClock.monotonic();
  let count = 0;
  return () => {
    const detail = `${++count} interim answers and no other`;
    if (systemClock.monotonic() - since > patienceMs) throw new Refusal('upstream_timeout', { detail });
    if (count > MOST_INTERIM) throw broken('it does not get to its point', detail);
  };
}

/**
 * Why there is no answer: `upstream_unreachable` only where nothing was sent, since such a call is free. Whatever happens on a
 * connection may have happened after the model began (P2).
 */
export function failedCall(error: unknown): Refusal {
  if (error instanceof Error && (unconnected.has(error) || neverSent(error))) {
    return new Refusal('upstream_unreachable', { detail: detailOf(error) });
  }
  const isHttp = !(error instanceof errors.HTTPParserError) && !(error instanceof errors.HeadersOverflowError);
  return failedOn(error, isHttp ? 'the connection to it was lost before it began' : 'it is not valid HTTP');
}

/** Why an answer that had begun did not come to its end. */
export function failedAnswer(error: unknown): Refusal {
  return failedOn(error, 'the connection to it was lost');
}

/** Names the failure without the address or anything else of the provider's side; the detail goes to log and journal. */
function failedOn(error: unknown, otherwise: string): Refusal {
  if (error instanceof Refusal) return error;
  const detail = detailOf(error);
  const late = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return late ? new Refusal('upstream_timeout', { detail }) : broken(otherwise, detail);
}

/** What undici refuses to send, or can send no more because the gateway ends. */
function neverSent(error: Error): boolean {
  const { InvalidArgumentError, NotSupportedError, ClientClosedError, ClientDestroyedError } = errors;
  return [InvalidArgumentError, NotSupportedError, ClientClosedError, ClientDestroyedError].some(
    (kind) => error instanceof kind,
  );
}

function detailOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** @param reason why it is of no use, in words for the caller */
export function broken(reason: string, detail = reason): Refusal {
  return new Refusal('upstream_broken', { fields: { reason }, detail });
}
