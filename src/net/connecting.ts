import type { LookupAddress } from 'node:dns';
import { isIP, type LookupFunction } from 'node:net';
import type { SecureContext } from 'node:tls';
import { buildConnector } from 'undici';
import { FetchFailure } from './failure.ts';

/** All addresses of a name. */
export type LookUp = (name: string) => Promise<readonly LookupAddress[]>;

export interface Connecting {
  /** Whether an address may be connected to. */
  readonly isOpen: (address: string) => boolean;
  readonly lookUp: LookUp;
  /** Whom certificates are trusted from; the well-known authorities unless told. */
  readonly context?: SecureContext;
  /** For one connection, milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Opens connections to open addresses alone. Node asks `lookup` once a connection and goes to what it is given, so that the address
 * that was checked is the one that is spoken to, whatever the name means a moment later (DNS rebinding).
 */
export function connecting(parts: Connecting): buildConnector.connector {
  const { isOpen, context, timeoutMs } = parts;
  const connect = buildConnector({
    ...(context === undefined ? {} : { secureContext: context }),
    lookup: openAddresses(parts),
    autoSelectFamily: true,
    allowH2: false,
    // A resumed session is not checked again.
    maxCachedSessions: 0,
    // Whatever NODE_TLS_REJECT_UNAUTHORIZED says.
    rejectUnauthorized: true,
    minVersion: 'TLSv1.2',
    timeout: timeoutMs,
  });
  return (to, callback) => {
    // What is an address already is not looked up.
    if (isIP(to.hostname) !== 0 && !isOpen(to.hostname)) return callback(closed(to.hostname), null);
    connect(to, (...[error, socket]) => {
      if (error !== null) return callback(new ConnectError(error), null);
      // Can only be true if Node went elsewhere than it was told: then nothing is sent.
      if (!isOpen(socket.remoteAddress ?? '')) {
        socket.destroy();
        return callback(closed(to.hostname), null);
      }
      callback(null, socket);
    });
  };
}

/** No connection: nothing was sent. */
export class ConnectError extends Error {
  override readonly cause: Error;

  constructor(cause: Error) {
    super(cause.message);
    this.cause = cause;
  }
}

function openAddresses({ isOpen, lookUp }: Connecting): LookupFunction {
  return (name, _options, callback) => {
    lookUp(name).then(
      (all) => {
        const open = all.filter(({ address }) => isOpen(address));
        if (open.length > 0) return callback(null, open);
        callback(all.length === 0 ? unresolved(name) : closed(name), []);
      },
      (error) => callback(unresolved(name, error), []),
    );
  };
}

function closed(host: string): FetchFailure {
  const message = `${host} lies in a network that is not open to addresses from outside; an operator can open it (net.allow)`;
  return new FetchFailure('refused_address', host, message);
}

function unresolved(host: string, cause?: unknown): FetchFailure {
  return new FetchFailure('unresolved', host, { message: `the name ${host} has no address`, cause });
}
