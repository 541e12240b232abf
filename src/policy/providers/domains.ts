import { z } from 'zod';

const LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
const MOST = 500;

/** A whole domain of at least two labels, in lower case; names in other scripts as `xn--…`. The last label holds a letter: no IP address. */
function isDomain(text: string): boolean {
  const labels = text.split('.');
  return (
    text.length <= 253 &&
    labels.length > 1 &&
    labels.every((label) => LABEL.test(label)) &&
    /[a-z]/.test(labels.at(-1) ?? '')
  );
}

const domain = z
  .string()
  .max(253)
  .transform((text) => text.trim().toLowerCase())
  // Whoever gets a name under a wildcard would enter, and nobody looked at it.
  .refine((text) => !text.includes('*'), { error: 'must be written whole; a wildcard is not read', abort: true })
  .refine(isDomain, { error: 'must be a domain, such as acme.com; in other scripts its xn-- form' });

/** Schema of `domains`. */
export const domains = z
  .array(domain)
  .max(MOST)
  .default([])
  .describe('Domains of the e-mail addresses that enter here and nowhere else. Not those below them.');

/** Where anybody can have an address. */
const FREE_MAIL: ReadonlySet<string> = new Set(
  [
    ['gmail.com', 'googlemail.com', 'outlook.com', 'hotmail.com', 'live.com', 'msn.com', 'yahoo.com', 'ymail.com'],
    ['aol.com', 'icloud.com', 'me.com', 'mac.com', 'proton.me', 'protonmail.com', 'gmx.com', 'gmx.de', 'gmx.net'],
    ['web.de', 't-online.de', 'freenet.de', 'mail.com', 'mail.ru', 'yandex.com', 'yandex.ru', 'zoho.com', 'qq.com'],
    ['163.com', '126.com', 'orange.fr', 'free.fr', 'laposte.net', 'libero.it', 'hey.com', 'fastmail.com', 'duck.com'],
  ].flat(),
);

/** Second labels under which countries let others register: `co.uk`, `com.au`. */
const SECOND_LEVEL = /^(?:ac|co|com|edu|gov|go|gob|gouv|mil|ne|net|nom|or|org)\.[a-z]{2}$/;

/** True for a domain that many who do not know each other share. A short list: what it does not name may still be one. */
export function isShared(name: string): boolean {
  return FREE_MAIL.has(name) || SECOND_LEVEL.test(name) || /^(?:[a-z]+\.)?onmicrosoft\.com$/.test(name);
}
