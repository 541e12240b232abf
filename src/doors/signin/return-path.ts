/** Where people go who did not ask for a page. */
export const HOME = '/account';

const LONGEST = 1024;
/** One slash, then neither slash nor backslash: browsers read `//host` and `/\host` as another site. Printable ASCII alone. */
const LOCAL = /^\/(?![/\\])[\x21-\x7e]*$/;

/**
 * The page of ours that somebody asked to go to after signing in. Anything that is not plainly one, that would leave `base`, or
 * that leads back to signing in, becomes the account page.
 */
export function returnPath(asked: string | null | undefined, base: URL): string {
  if (asked === null || asked === undefined || asked.length > LONGEST || !isPlain(asked)) return HOME;
  if (!URL.canParse(asked, base.href)) return HOME;
  const { origin, pathname, search } = new URL(asked, base);
  // Read again as it will be sent: `/.//host` is only `//host` once its dots are gone.
  if (origin !== base.origin || !isPlain(pathname) || /^\/signin(?:\/|$)/.test(pathname)) return HOME;
  return pathname + search;
}

/** An `@` could end a name in front of the real host for whatever reads the address next, and a second decoding makes more of `%`. */
function isPlain(text: string): boolean {
  const path = text.split(/[?#]/, 1)[0] ?? '';
  return LOCAL.test(text) && !text.includes('\\') && !path.includes('@') && !/%(?:2f|5c|0|1|7f|25)/i.test(path);
}
