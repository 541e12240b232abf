import { hash } from 'node:crypto';

/** More of a user agent says nothing more. */
const LONGEST = 1024;

/** The first that fits counts: every browser says that it is also the ones before it. */
const BROWSERS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bEdg(?:e|A|iOS)?\b/, 'Edge'],
  [/\b(?:OPR|Opera)\b/, 'Opera'],
  [/\b(?:Firefox|FxiOS)\b/, 'Firefox'],
  [/\b(?:Chrome|CriOS|Chromium|HeadlessChrome)\b/, 'Chrome'],
  [/\bSafari\b/, 'Safari'],
];
const SYSTEMS: ReadonlyArray<readonly [RegExp, string]> = [
  [/\bWindows\b/, 'Windows'],
  [/\bAndroid\b/, 'Android'],
  [/\b(?:iPhone|iPad|iPod)\b/, 'iOS'],
  [/\b(?:Macintosh|Mac OS X)\b/, 'macOS'],
  [/\bCrOS\b/, 'ChromeOS'],
  [/\bLinux\b/, 'Linux'],
];

/** A browser, as far as a session is bound to it. */
export interface BrowserClient {
  /** SHA-256 of what the browser says of itself without its versions, lower-case hex: they change under running sessions. */
  readonly client: string;
  /** `Firefox on Linux`; never anything of what was sent. */
  readonly label: string;
}

/** What a `user-agent` header (RFC 9110 §10.1.5) says of the browser; undefined for a request without one. */
export function clientOf(userAgent: string | undefined): BrowserClient {
  const text = (userAgent ?? '').slice(0, LONGEST);
  // First whole versions (`Chrome/126.0.0.0`, `Mobile/15E148`), then the numbers of systems (`iPhone OS 17_5`).
  const lasting = text.replace(/\/[^\s;)]*/g, '').replace(/[\d._]+/g, '');
  const browser = nameOf(BROWSERS, text) ?? 'A browser';
  const system = nameOf(SYSTEMS, text);
  return { client: hash('sha256', lasting, 'hex'), label: system === null ? browser : `${browser} on ${system}` };
}

function nameOf(names: typeof BROWSERS, text: string): string | null {
  return names.find(([pattern]) => pattern.test(text))?.[1] ?? null;
}
