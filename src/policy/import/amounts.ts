import type { Period } from '../model.ts';

/** Decimal text of a number moved by `shift` decimal places, exact for what the number reads as: 3e-7 and 6 give "0.3". */
export function decimal(value: number, shift = 0): string {
  const [mantissa = '0', exponent = '0'] = String(Math.abs(value)).split('e');
  const [whole = '0', fraction = ''] = mantissa.split('.');
  const digits = `${whole}${fraction}`;
  const point = whole.length + Number(exponent) + shift;
  const padded = point <= 0 ? `${'0'.repeat(1 - point)}${digits}` : digits.padEnd(point, '0');
  const at = Math.max(point, 1);
  const text = `${padded.slice(0, at).replace(/^0+(?=\d)/, '')}.${padded.slice(at)}`;
  return text.replace(/\.?0*$/, '');
}

/** USD as a budget is written, cut (never rounded up) to whole micro-dollars; null for what no budget can be. */
export function dollars(value: number): string | null {
  if (!Number.isFinite(value) || value < 0 || value > 1e9) return null;
  const [whole = '0', fraction = ''] = decimal(value).split('.');
  const cut = fraction.slice(0, 6).replace(/0+$/, '');
  return cut === '' ? whole : `${whole}.${cut}`;
}

/** USD per million tokens as a price is written; null for zero, which would hide spending, and for what no price can be. */
export function usdPrice(value: number, shift: number): string | null {
  const text = value > 0 ? decimal(value, shift) : '';
  return /^\d{1,6}(?:\.\d{1,9})?$/.test(text) ? text : null;
}

export interface Window {
  readonly period: Period;
  /** True where the source's own window is the calendar's. */
  readonly same: boolean;
  /** What the source counts: `30 days`. */
  readonly counted: string;
}

const UNITS: Readonly<Record<string, readonly [days: number, name: string]>> = {
  s: [1 / 86_400, 'seconds'],
  m: [1 / 1_440, 'minutes'],
  h: [1 / 24, 'hours'],
  d: [1, 'days'],
  w: [7, 'weeks'],
  mo: [30, 'months'],
};

/**
 * A budget's duration (`24h`, `7d`, `30d`, `1mo`) as a calendar period. Where no period is as long, the next longer one: the same
 * amount for a longer time is never more. Over a month it is the budget of a lifetime.
 * @returns null for what is no duration
 */
export function windowOf(duration: string): Window | null {
  const match = /^(\d{1,9})\s?(s|m|h|d|w|mo)$/.exec(duration.trim());
  const unit = UNITS[match?.[2] ?? ''];
  if (match === null || unit === undefined) return null;
  const days = Number(match[1]) * unit[0];
  const count = Number(match[1]);
  const counted = count === 1 ? `1 ${unit[1].slice(0, -1)}` : `${count} ${unit[1]}`;
  if (days <= 0) return null;
  if (days <= 1) return { period: 'day', same: days === 1, counted };
  if (days <= 7) return { period: 'week', same: days === 7, counted };
  if (days <= 30) return { period: 'month', same: days === 30, counted };
  return { period: 'lifetime', same: false, counted };
}

/** A limit a minute as a whole number of at least 1; null for anything else. */
export function perMinute(value: number): number | null {
  const whole = Math.floor(value);
  return whole >= 1 && whole < 1e12 ? whole : null;
}
