import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FuzzTarget } from './target.ts';

/** One folder a target; Files hold an input each, byte for byte: `crash-…` as found, `case-…` named by hand, `open-…` known
 * and not mended yet. */
export const CORPUS = join(import.meta.dirname, '..', 'corpus');

export interface Entry {
  readonly name: string;
  readonly input: Buffer;
}

/** The kept inputs of a target, by name; none when it has no folder. */
export function corpusOf(target: string, root = CORPUS): Entry[] {
  const folder = join(root, target);
  try {
    const names = readdirSync(folder).filter((name) => /^(?:crash|case|open)-/.test(name));
    return names.sort().map((name) => ({ name, input: readFileSync(join(folder, name)) }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Everything mutation may start from: the target's seeds and its corpus. */
export function startsOf(target: Pick<FuzzTarget, 'name' | 'seeds'>, root = CORPUS): Buffer[] {
  return [
    ...target.seeds.map((seed) => Buffer.from(seed as Uint8Array)),
    ...corpusOf(target.name, root).map(({ input }) => input),
  ];
}

/** Keeps an input that failed under a name that its bytes decide. Returns the path. */
export function keep(target: string, input: Uint8Array, root = CORPUS): string {
  const folder = join(root, target);
  mkdirSync(folder, { recursive: true });
  const digest = createHash('sha256').update(input).digest('hex').slice(0, 12);
  const path = join(folder, `crash-${digest}`);
  writeFileSync(path, input);
  return path;
}
