import { type Fields, numberOf } from './fields.ts';

/**
 * An amount in micro-dollars as US dollars to the cent: `1,234.57`. Rounded half up; what is above nothing and below half a
 * cent is `<0.01`, so that it is not taken for nothing.
 */
export function dollars(fields: Fields, name: string): string {
  const micros = numberOf(fields, name);
  if (!Number.isSafeInteger(micros) || micros < 0) return '?';
  if (micros > 0 && micros < 5000) return '<0.01';
  const cents = String(Math.round(micros / 10_000)).padStart(3, '0');
  return `${Number(cents.slice(0, -2)).toLocaleString('en-US')}.${cents.slice(-2)}`;
}
