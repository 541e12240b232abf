import { z } from 'zod';

/** A unit: how many of the base unit it is, and the spellings that are accepted. The first spelling is the one written. */
interface Unit {
  readonly factor: number;
  readonly names: readonly [string, ...string[]];
}

const DURATIONS: readonly Unit[] = [
  { factor: 1, names: ['ms', 'millisecond', 'milliseconds'] },
  { factor: 1_000, names: ['s', 'sec', 'secs', 'second', 'seconds'] },
  { factor: 60_000, names: ['min', 'm', 'mins', 'minute', 'minutes'] },
  { factor: 3_600_000, names: ['h', 'hour', 'hours'] },
  { factor: 86_400_000, names: ['d', 'day', 'days'] },
  { factor: 604_800_000, names: ['w', 'week', 'weeks'] },
];

/** Decimal units are powers of 1000 (SI), binary ones powers of 1024 (IEC 80000-13). "Mb" would mean bits: not accepted. */
const SIZES: readonly Unit[] = [
  { factor: 1, names: ['B', 'byte', 'bytes'] },
  { factor: 1e3, names: ['kB', 'KB'] },
  { factor: 1024, names: ['KiB'] },
  { factor: 1e6, names: ['MB'] },
  { factor: 1024 ** 2, names: ['MiB'] },
  { factor: 1e9, names: ['GB'] },
  { factor: 1024 ** 3, names: ['GiB'] },
  { factor: 1e12, names: ['TB'] },
  { factor: 1024 ** 4, names: ['TiB'] },
];

const QUANTITY = /^([\d.]{1,25}) ?([A-Za-z]{1,12})$/;

function parse(text: string, units: readonly Unit[]): number | null {
  const [, amount = '', name = ''] = QUANTITY.exec(text.trim()) ?? [];
  const unit = units.find((candidate) => candidate.names.includes(name));
  return unit === undefined ? null : exactProduct(amount, unit.factor);
}

/**
 * Decimal text such as `12.50` times a whole number, by its digits: 1.1 × 3 600 000 in floating point is not a whole number.
 * @returns null for anything but up to 15 digits and up to nine more after a point, and for a product that is no safe integer
 */
export function exactProduct(text: string, factor: number): number | null {
  const match = /^(\d{1,15})(?:\.(\d{1,9}))?$/.exec(text);
  if (match === null) return null;
  const fraction = match[2] ?? '';
  const product = BigInt(`${match[1]}${fraction}`) * BigInt(factor);
  const divisor = 10n ** BigInt(fraction.length);
  const value = product / divisor;
  return product % divisor !== 0n || value > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(value);
}

/**
 * Whole millionths as decimal text with six digits: `12.345678`. By the digits, because a division loses the last of a large
 * amount. Throws for what is no exact whole number of them.
 */
export function sixDigits(millionths: number): string {
  if (!Number.isSafeInteger(millionths)) throw new Error('an amount is no exact number of millionths');
  const digits = String(Math.abs(millionths)).padStart(7, '0');
  return `${millionths < 0 ? '-' : ''}${digits.slice(0, -6)}.${digits.slice(-6)}`;
}

/**
 * Reads a duration such as "30s", "15 minutes", "1.5 h" or "14 days".
 * @returns milliseconds, or null when there is no unit, the unit is unknown, or the value is not a whole number of milliseconds
 */
export function parseDuration(text: string): number | null {
  return parse(text, DURATIONS);
}

/**
 * Reads a size such as "32 MB" (32 000 000), "64 MiB" (67 108 864) or "512 bytes".
 * @returns bytes, or null when there is no unit, the unit is unknown, or the value is not a whole number of bytes
 */
export function parseSize(text: string): number | null {
  return parse(text, SIZES);
}

/** Writes a value in the largest unit that holds it in at most four whole digits, else to one decimal. */
function format(value: number, units: readonly Unit[]): string {
  const whole = Math.round(value);
  const exact = units.findLast((unit) => whole % unit.factor === 0 && whole / unit.factor >= 1);
  if (exact !== undefined && whole / exact.factor < 10_000) return `${whole / exact.factor} ${exact.names[0]}`;
  const unit = units.findLast((candidate) => whole >= candidate.factor) ?? units[0];
  if (unit === undefined || whole === 0) return `0 ${units[0]?.names[0] ?? ''}`;
  return `${Number((whole / unit.factor).toFixed(1))} ${unit.names[0]}`;
}

/** Milliseconds (not negative) as people read them: exact where that is short ("15 min"), else rounded ("20.6 min"). */
export function formatDuration(ms: number): string {
  // "14 d" says more than "2 w".
  return format(
    ms,
    DURATIONS.filter((unit) => unit.names[0] !== 'w'),
  );
}

/** Bytes (not negative) as people read them: exact where that is short ("64 MiB", "32 MB"), else rounded ("1.2 GB"). */
export function formatBytes(bytes: number): string {
  return format(bytes, bytes % 1024 === 0 ? SIZES : SIZES.filter((unit) => !unit.names[0].includes('i')));
}

/** Inclusive bounds, in the base unit. */
export interface Bounds {
  readonly min?: number;
  readonly max?: number;
}

interface Quantity {
  readonly units: readonly Unit[];
  readonly hint: string;
  readonly show: (value: number) => string;
  readonly bounds: Bounds;
}

function quantity({ units, hint, show, bounds }: Quantity): z.ZodType<number, string> {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = bounds;
  return z.string({ error: (issue) => (issue.input === undefined ? undefined : hint) }).transform((text, context) => {
    const value = parse(text, units);
    const fault =
      value === null
        ? hint
        : value < min
          ? `must be at least ${show(min)}`
          : value > max
            ? `must be at most ${show(max)}`
            : null;
    if (value !== null && fault === null) return value;
    context.addIssue({ code: 'custom', message: fault ?? hint });
    return z.NEVER;
  });
}

/**
 * Schema of a duration in a configuration: text with a unit in, milliseconds out. A bare number is refused, because 30 could be
 * seconds or milliseconds. A `.default()` put on it is in milliseconds.
 */
export function duration(bounds: Bounds = {}): z.ZodType<number, string> {
  const hint = 'write a duration with its unit, such as "30s", "15 minutes", "24 h" or "14 days"';
  return quantity({ units: DURATIONS, hint, show: formatDuration, bounds });
}

/** Schema of a size in a configuration: text with a unit in, bytes out. A `.default()` put on it is in bytes. */
export function size(bounds: Bounds = {}): z.ZodType<number, string> {
  const hint = 'write a size with its unit, such as "32 MB", "64 MiB" or "1 GB"';
  return quantity({ units: SIZES, hint, show: formatBytes, bounds });
}
