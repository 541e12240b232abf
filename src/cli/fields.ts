/** What a gateway answered, read without trust: any field may be missing, of another type, or hold terminal escapes. */
import { printable } from '../kernel/text.ts';

export type Fields = Readonly<Record<string, unknown>>;

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The objects in the list of this name; empty when there is none. */
export function listOf(fields: Fields, name: string): Fields[] {
  const value = fields[name];
  return Array.isArray(value) ? value.filter(isFields) : [];
}

/** The object of this name; empty when there is none. */
export function objectOf(fields: Fields, name: string): Fields {
  const value = fields[name];
  return isFields(value) ? value : {};
}

/** A field as text that is safe to print; empty for null and for one that is missing. */
export function textOf(fields: Fields, name: string): string {
  return showValue(fields[name]);
}

/** Any value as text that is safe to print. */
export function showValue(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return printable(value, 2000);
  return printable(typeof value === 'object' ? JSON.stringify(value) : String(value), 2000);
}

/** A number, 0 for anything else. */
export function numberOf(fields: Fields, name: string): number {
  const value = fields[name];
  return typeof value === 'number' ? value : 0;
}

/** `2026-11-24 12:00` from an ISO 8601 instant (UTC), `-` for none; anything else as it is. */
export function timeOf(fields: Fields, name: string): string {
  const text = textOf(fields, name);
  const match = /^(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})/.exec(text);
  return match ? `${match[1]} ${match[2]}` : text || '-';
}

const UNSAFE_IN_JSON = /[\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff]/g;

/**
 * JSON that is safe to print: `JSON.stringify` escapes the lower control characters but leaves C1 controls (0x9b opens a
 * terminal sequence) and direction marks as they are. The escapes mean the same to every parser.
 */
export function safeJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    UNSAFE_IN_JSON,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
