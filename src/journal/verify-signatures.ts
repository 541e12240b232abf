import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** Part of the offline verifier, which shares no code with the writer. */

export type Fields = Readonly<Record<string, unknown>>;

/** Checks Ed25519 signatures by one known key. */
export interface Checker {
  /** Null when `value.signature` over the text is good, else what is wrong. */
  check(purpose: string, signed: (key: string) => unknown[], value: Fields): string | null;
}

/** @throws Error for what is not an Ed25519 public key in PEM */
export function checkerOf(pem: string): Checker {
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    throw new Error('the public key is not a key in PEM');
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error('the public key is not an Ed25519 key');
  const der = key.export({ type: 'spki', format: 'der' });
  const id = createHash('sha256').update(der).digest('hex').slice(0, 16);
  return {
    check: (purpose, signed, value) => {
      if (value.key !== id) return `it is signed by another key (${text(value.key)}) than the one given (${id})`;
      if (typeof value.signature !== 'string' || !/^[A-Za-z0-9+/]{86}==$/.test(value.signature))
        return 'its signature is malformed';
      const bytes = Buffer.from(`gatehouse ${purpose}\n${JSON.stringify(signed(id))}`);
      return verify(null, bytes, key, Buffer.from(value.signature, 'base64')) ? null : 'its signature is not good';
    },
  };
}

/** A value from a hostile file, short and without control characters. */
export function text(value: unknown): string {
  return String(JSON.stringify(value) ?? 'nothing')
    .replace(/[^ -~]/g, '?')
    .slice(0, 80);
}

export interface NamedHead {
  readonly writer: string;
  readonly segment: string;
  readonly seq: number;
  readonly hash: string;
}

export interface ReadCheckpoint {
  readonly heads: NamedHead[];
  readonly at: string;
  readonly fields: Fields;
}

/** Reads a checkpoint; returns its heads, or what is wrong with its shape. */
export function headsOf(checkpoint: unknown): ReadCheckpoint | string {
  if (typeof checkpoint !== 'object' || checkpoint === null) return 'the checkpoint is not an object';
  const fields = checkpoint as Fields;
  if (fields.format !== 1) return `the checkpoint has format ${text(fields.format)}, not 1`;
  if (typeof fields.at !== 'string' || !Array.isArray(fields.heads))
    return 'the checkpoint lacks its time or its heads';
  const heads: NamedHead[] = [];
  for (const head of fields.heads as unknown[]) {
    const { writer, segment, seq, hash } = (head ?? {}) as Fields;
    const whole = typeof writer === 'string' && typeof segment === 'string' && typeof hash === 'string';
    if (!whole || typeof seq !== 'number' || !Number.isSafeInteger(seq)) return 'a head in the checkpoint is malformed';
    if (heads.some((other) => other.writer === writer)) return `the checkpoint names ${text(writer)} twice`;
    heads.push({ writer, segment, seq, hash });
  }
  if (heads.length === 0) return 'the checkpoint names no head';
  return { heads, at: fields.at, fields };
}
