/** A form of a page, as much as the pages of sign-in need. */
export interface Form {
  /** Absolute. */
  readonly action: URL;
  readonly method: 'GET' | 'POST';
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly value: string;
  readonly type: string;
}

const ENTITIES: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", nbsp: ' ' };

/** Text of HTML without its entities. */
export function unescaped(html: string): string {
  return html.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
    if (decimal !== undefined) return String.fromCodePoint(Number(decimal));
    return ENTITIES[name] ?? all;
  });
}

/** What a person reads: no tags, one space for any white space. */
export function readable(html: string): string {
  const text = html.replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ').replace(/<[^>]*>/g, ' ');
  return unescaped(text).replace(/\s+/g, ' ').trim();
}

function attributesOf(tag: string): Map<string, string> {
  const found = tag.matchAll(/([\w-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g);
  return new Map(
    [...found].map(([, name = '', double, single, bare]) => [
      name.toLowerCase(),
      unescaped(double ?? single ?? bare ?? ''),
    ]),
  );
}

/** The forms of a page that stands at `url`. */
export function formsOf(html: string, url: URL): Form[] {
  return [...html.matchAll(/<form\b([^>]*)>([\s\S]*?)<\/form>/gi)].map(([, tag = '', inside = '']) => {
    const attributes = attributesOf(tag);
    const inputs = [...inside.matchAll(/<(?:input|button|select|textarea)\b([^>]*)>/gi)];
    return {
      action: new URL(attributes.get('action') || url.href, url),
      method: attributes.get('method')?.toUpperCase() === 'POST' ? 'POST' : 'GET',
      fields: inputs.flatMap(([whole, inner = '']) => {
        const field = attributesOf(inner);
        const type = field.get('type') ?? (/^<button/i.test(whole) ? 'submit' : 'text');
        const name = field.get('name');
        return name === undefined ? [] : [{ name, value: field.get('value') ?? '', type: type.toLowerCase() }];
      }),
    };
  });
}

/** Addresses of the links of a page. */
export function linksOf(html: string, url: URL): URL[] {
  return [...html.matchAll(/<a\b([^>]*)>/gi)].flatMap(([, tag = '']) => {
    const href = attributesOf(tag).get('href');
    return href === undefined || !URL.canParse(href, url.href) ? [] : [new URL(href, url)];
  });
}
