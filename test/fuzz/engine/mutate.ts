import type { Random } from './random.ts';

/** What mutation draws on. */
export interface Material {
  readonly random: Random;
  /** Inputs to splice with. */
  readonly others: readonly Uint8Array[];
  readonly tokens: readonly Buffer[];
  /** Longest input that is made, bytes. */
  readonly longest: number;
}

type Mutation = (input: Buffer, material: Material) => Buffer;

/** Bytes at which parsers turn: separators, brackets, controls, and the edges of UTF-8. */
// biome-ignore format: a table
const TURNING = [
  0x00, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x23, 0x25, 0x26, 0x27, 0x2a, 0x2b, 0x2c, 0x2d, 0x2e, 0x2f, 0x3a, 0x3b, 0x3d,
  0x3f, 0x40, 0x5b, 0x5c, 0x5d, 0x5f, 0x7b, 0x7d, 0x7f, 0x80, 0xbf, 0xc0, 0xc2, 0xed, 0xef, 0xf0, 0xf4, 0xff,
] as const;
const NUMBERS = ['0', '-1', '1e999', '9007199254740993', '4294967296', '0.1', '-0', '1e-400', '00', '9'.repeat(40)];
/** Whole characters that readers compare, hide, widen or reorder. */
// biome-ignore format: a table
const CHARACTERS = [
  '\u00a0', '\u00ad', '\u0130', '\u017f', '\u061c', '\u200b', '\u202e', '\u2028', '\u2066', '\u212a', '\ufeff', '\uff0f', '\uff1d',
  '\u0301', '😀', '\u{e0041}',
];

const splice = (input: Buffer, at: number, cut: number, put: Uint8Array): Buffer =>
  Buffer.concat([input.subarray(0, at), put, input.subarray(Math.min(input.length, at + cut))]);

/** A piece of the input: where it begins, and how long it is. Short ones come more often. */
function piece(input: Buffer, { random }: Material): { at: number; length: number } {
  const at = random.below(input.length);
  const most = random.below(4) === 0 ? input.length - at : Math.min(input.length - at, 8);
  return { at, length: 1 + random.below(most) };
}

const MUTATIONS: readonly Mutation[] = [
  function flipBit(input, { random }) {
    const copy = Buffer.from(input);
    const at = random.below(copy.length);
    if (copy.length > 0) copy[at] = (copy[at] ?? 0) ^ (1 << random.below(8));
    return copy;
  },
  function setByte(input, { random }) {
    const at = random.below(input.length);
    return splice(input, at, 1, Buffer.from([random.below(3) === 0 ? random.below(256) : random.pick(TURNING)]));
  },
  function insertByte(input, { random }) {
    return splice(input, random.below(input.length + 1), 0, Buffer.from([random.pick(TURNING)]));
  },
  function insertToken(input, { random, tokens }) {
    if (tokens.length === 0) return input;
    return splice(input, random.below(input.length + 1), random.below(3), random.pick(tokens));
  },
  function replaceByToken(input, material) {
    const { random, tokens } = material;
    const { at, length } = piece(input, material);
    return tokens.length === 0 ? input : splice(input, at, length, random.pick(tokens));
  },
  function insertCharacter(input, { random }) {
    return splice(input, random.below(input.length + 1), 0, Buffer.from(random.pick(CHARACTERS)));
  },
  function otherNumber(input, { random }) {
    const numbers = [...input.toString('latin1').matchAll(/\d+(?:\.\d+)?/g)];
    if (numbers.length === 0) return input;
    const found = random.pick(numbers);
    return splice(input, found.index, found[0].length, Buffer.from(random.pick(NUMBERS)));
  },
  function remove(input, material) {
    const { at, length } = piece(input, material);
    return splice(input, at, length, Buffer.alloc(0));
  },
  function truncate(input, { random }) {
    return input.subarray(0, random.below(input.length + 1));
  },
  function repeat(input, material) {
    const { at, length } = piece(input, material);
    const times = material.random.pick([1, 1, 2, 8, 200]);
    const part = input.subarray(at, at + Math.min(length, 1 + Math.floor(material.longest / times)));
    return splice(input, at, 0, Buffer.concat(Array.from({ length: times }, () => part)));
  },
  function move(input, material) {
    const { at, length } = piece(input, material);
    const part = Buffer.from(input.subarray(at, at + length));
    const rest = splice(input, at, length, Buffer.alloc(0));
    return splice(rest, material.random.below(rest.length + 1), 0, part);
  },
  function crossOver(input, { random, others }) {
    if (others.length === 0) return input;
    const other = random.pick(others);
    return Buffer.concat([
      input.subarray(0, random.below(input.length + 1)),
      other.subarray(random.below(other.length)),
    ]);
  },
  function takeFrom(input, material) {
    if (material.others.length === 0) return input;
    const other = Buffer.from(material.random.pick(material.others));
    const { at, length } = piece(other, material);
    return splice(input, material.random.below(input.length + 1), 0, other.subarray(at, at + length));
  },
  function swapLines(input, { random }) {
    const lines = input.toString('latin1').split('\n');
    const [one, two] = [random.below(lines.length), random.below(lines.length)];
    [lines[one], lines[two]] = [lines[two] ?? '', lines[one] ?? ''];
    return Buffer.from(lines.join('\n'), 'latin1');
  },
];

/** One to eight mutations of `input`, which is left as it is. Never longer than `material.longest`. */
export function mutate(input: Uint8Array, material: Material): Buffer {
  const { random, longest } = material;
  let result = Buffer.from(input) as Buffer;
  for (let turns = 1 + random.below(random.pick([1, 2, 8])); turns > 0; turns--) {
    result = random.pick(MUTATIONS)(result, material).subarray(0, longest);
  }
  return Buffer.from(result);
}
