/** Patterns of names. `*` stands for any run of characters; everything else is itself, upper and lower case told apart as the API does. */
import { z } from 'zod';
import { oneOrMany } from './text.ts';

/** The day of a snapshot, as the API (`-20250929`) and Vertex AI (`@20250929`) write it, or the newest one. */
const VERSION = /(?:[-@]20\d{6}|-latest)$/;
/** `claude-opus-4-0` is another name of `claude-opus-4`. */
const ZERO = /^(claude-[a-z]+-\d+)-0$/;

/**
 * A model's name without which version of it is meant: `claude-sonnet-4-5` of `claude-sonnet-4-5-20250929`, `claude-opus-4` of
 * `claude-opus-4-0`.
 */
export function undated(name: string): string {
  return name.replace(VERSION, '').replace(ZERO, '$1');
}

/**
 * True when `pattern` names `name`. A pattern without a date also names the dated snapshots and other names of what it names; a
 * dated one only itself. Time grows with the length of the name: no regular expression is built from what an operator or a caller wrote.
 */
export function matches(pattern: string, name: string): boolean {
  if (glob(pattern, name)) return true;
  const bare = undated(name);
  return bare !== name && undated(pattern) === pattern && glob(pattern, bare);
}

/**
 * Whether a rate or budget for models of this pattern counts calls to this model. Calls are counted by the name without a date, so
 * that a dated name is no second purse; a pattern with a date counts the whole family rather than nothing.
 */
export function countsModel(pattern: string, model: string): boolean {
  return matches(undated(pattern), model);
}

/**
 * The leftmost place of each piece leaves most room for the rest, so nothing is ever tried twice (a matcher that goes back can be
 * made to take exponential time).
 */
function glob(pattern: string, name: string): boolean {
  if (!pattern.includes('*')) return pattern === name;
  const pieces = pattern.split('*');
  const first = pieces[0] ?? '';
  const last = pieces.at(-1) ?? '';
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last)) return false;
  const end = name.length - last.length;
  let at = first.length;
  for (const piece of pieces.slice(1, -1)) {
    const found = name.indexOf(piece, at);
    if (found < 0 || found + piece.length > end) return false;
    at = found + piece.length;
  }
  return true;
}

/**
 * True when every name of `narrow` is one of `wide`. Sound: the star of `narrow`, read as a letter, can only be matched by a star
 * of `wide`, and then so can whatever stands for it.
 */
export function covers(wide: string, narrow: string): boolean {
  return matches(wide, narrow);
}

/** True when some name is of both patterns. */
export function overlap(a: string, b: string): boolean {
  const [left = '', right = ''] = [a.split('*', 1)[0], b.split('*', 1)[0]];
  if (!left.startsWith(right) && !right.startsWith(left)) return false;
  return forms(a).some((one) => forms(b).some((other) => meet(one, other)));
}

/** `#` is a digit: no pattern can hold one. */
function forms(pattern: string): string[] {
  if (undated(pattern) !== pattern) return [pattern];
  return [pattern, `${pattern}-20######`, `${pattern}@20######`, `${pattern}-latest`, `${pattern}-0`];
}

/** Row by row: whether what is left of both can still be one text. */
function meet(a: string, b: string): boolean {
  let below: boolean[] = [];
  for (let i = a.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = b.length; j >= 0; j--) {
      const star = a[i] === '*' || b[j] === '*';
      const through = star && (below[j] === true || row[j + 1] === true);
      row[j] = (i === a.length && j === b.length) || through || (sameSign(a[i], b[j]) && below[j + 1] === true);
    }
    below = row;
  }
  return below[0] === true;
}

function sameSign(a: string | undefined, b: string | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  return a === b || (a === '#' && /\d/.test(b)) || (b === '#' && /\d/.test(a));
}

const NAME = /^[A-Za-z0-9*][A-Za-z0-9._:@/[\]*-]*$/;
const NAME_HINT = 'write the name of a model, such as claude-opus-5-5, or a pattern with * for any run of characters';

/** Schema of a model's name, a pattern of them, or an alias. */
export const modelPattern = z.string().max(128).regex(NAME, { error: NAME_HINT });
export const modelPatterns = oneOrMany(modelPattern);
