import { maskSecrets } from '../../kernel/redact.ts';

/** Credentials of other vendors, addresses with a password, and long runs that mix letters and digits. Every pattern is linear. */
const SHAPES: readonly RegExp[] = [
  /\b[spr]k[-_][\w-]{4,}/i,
  /\b(?:AKIA|ASIA)[0-9A-Z]{12,}/,
  /\b(?:gh[pousr]_|github_pat_|glpat-|xox[a-z]-|hvs\.|AIza)[\w-]{8,}/,
  /\beyJ[\w-]{16,}/,
  /:\/\/[^/\s:@]{0,200}:[^/\s@]{1,200}@/,
  /\bhooks\.slack\.com\/services\//,
];
const LONG_RUN = /[A-Za-z0-9_+=]{24,}/g;

/** Names under which gateways keep credentials, without case and punctuation. */
const NAMES =
  /apikey|masterkey|saltkey|accesskey|privatekey|virtualkey|secret|passw|passphrase|credential|token$|cookie|authorization|databaseurl|postgresurl|redisurl|connectionstring|dsn$|serviceaccountjson|webhook/;

/** `os.environ/NAME`, `${NAME}`, `$NAME`, `env:NAME`, and files: they say where a secret is, not what it is. */
const REFERENCE =
  /^(?:os\.environ\/[A-Za-z_]\w*|\$\{[A-Za-z_]\w*\}|\$\{file:\/[^}]*\}|\$[A-Za-z_]\w*|env:[A-Za-z_]\w*|file:\/.*|\{\{[^}]*\}\})$/;

export function isReference(text: string): boolean {
  return REFERENCE.test(text);
}

/** True for text that has the shape of a credential, whatever it stands under. */
export function looksSecret(text: string): boolean {
  if (maskSecrets(text) !== text || SHAPES.some((shape) => shape.test(text))) return true;
  return (text.match(LONG_RUN) ?? []).some((run) => /\d/.test(run) && /[A-Za-z]/.test(run));
}

/** True where a credential stands in the clear: by the setting's name or by the value's shape. */
export function isSecret(name: string, text: string): boolean {
  if (text === '' || isReference(text) || /^(?:[\d.eE+-]+|true|false|yes|no|none)$/i.test(text)) return false;
  if (looksSecret(text)) return true;
  const plain = name.toLowerCase().replace(/[^a-z]/g, '');
  // `{ key: api_key }` is a condition; the key of an administrator has at least 32 characters.
  if (plain === 'key') return text.length >= 16 && !/^[a-z_]+(?:\.\w+)*$/.test(text);
  return NAMES.test(plain);
}

const QUOTABLE = /^[\p{L}\p{N}_*@][\p{L}\p{N} ._:@/+*[\]&-]{0,99}$/u;

/** A name from the file for use in a message or comment, in quotes; "this one" where it could be something else than a name. */
export function quoted(name: string): string {
  return QUOTABLE.test(name) && !looksSecret(name) ? `"${name}"` : 'this one';
}
