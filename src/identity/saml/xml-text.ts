import { XmlFault } from './xml-fault.ts';

/** Whatever is no character of XML 1.0 (2.2), carriage returns among them: line ends are made plain before anything is read. */
const NO_CHARACTER = /[^\t\n\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/u;
const NAMED: ReadonlyMap<string, string> = new Map([
  ['lt', '<'],
  ['gt', '>'],
  ['amp', '&'],
  ['quot', '"'],
  ['apos', "'"],
]);
const REFERENCE = /&(?:#x[0-9A-Fa-f]{1,6}|#[0-9]{1,7}|lt|gt|amp|quot|apos);|&/g;

/**
 * Bytes as the text of a document: UTF-8 without exception, line ends as XML wants them (2.11).
 *
 * @throws XmlFault for bytes that are no UTF-8, and for characters that no document may hold
 */
export function xmlText(bytes: Uint8Array): string {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes).replace(/\r\n?/g, '\n');
  } catch {
    throw new XmlFault('is no UTF-8');
  }
  assertCharacters(text);
  return text;
}

/** @throws XmlFault */
export function assertCharacters(text: string): void {
  if (NO_CHARACTER.test(text)) throw new XmlFault('has characters that XML does not have');
}

/** Replaces references to characters. Those to anything else would need a document type, and there is none. @throws XmlFault */
export function decodeReferences(text: string): string {
  return text.includes('&') ? text.replace(REFERENCE, decoded) : text;
}

function decoded(reference: string): string {
  const inside = reference.slice(1, -1);
  const named = NAMED.get(inside);
  if (named !== undefined) return named;
  const code = inside.startsWith('#x') ? Number.parseInt(inside.slice(2), 16) : Number(inside.slice(1) || Number.NaN);
  if (!isCharacter(code)) throw new XmlFault('refers to something that is no character');
  return String.fromCodePoint(code);
}

function isCharacter(code: number): boolean {
  if (Number.isNaN(code) || code > 0x10ffff) return false;
  return code === 0x0d || !NO_CHARACTER.test(String.fromCodePoint(code));
}

/** Text for an element or an attribute in double quotes. */
export function xmlEscape(text: string): string {
  return text.replace(/[&<>"'\t\n\r]/g, (c) => `&#${c.charCodeAt(0)};`);
}
