import { XmlFault } from './xml-fault.ts';

const XML = 'http://www.w3.org/XML/1998/namespace';
const XMLNS = 'http://www.w3.org/2000/xmlns/';
/** Declared at one place. More would make every element dear. */
const MOST_PREFIXES = 64;

/** What the prefixes mean at one place of a document; the empty one is the default. */
export type Scope = ReadonlyMap<string, string>;

/** Only `xml` means something by itself. */
export const OUTERMOST: Scope = new Map([
  ['', ''],
  ['xml', XML],
]);

/** The parts of a name as written. */
export function splitName(name: string): readonly [prefix: string, local: string] {
  const colon = name.indexOf(':');
  return colon < 0 ? ['', name] : [name.slice(0, colon), name.slice(colon + 1)];
}

/**
 * The scope inside an element with these attributes (Namespaces in XML, 3 and 5).
 *
 * @throws XmlFault for declarations that the recommendation forbids
 */
export function scopeOf(attributes: ReadonlyMap<string, string>, outer: Scope): Scope {
  let inner: Map<string, string> | null = null;
  for (const [name, value] of attributes) {
    const prefix = declared(name);
    if (prefix === null) continue;
    const reserved = value === XML || value === XMLNS || prefix === 'xml' || prefix === 'xmlns';
    // A prefix cannot be taken back (5), and the reserved ones cannot be given away (3).
    if (reserved || (prefix !== '' && value === ''))
      throw new XmlFault('declares a namespace that may not be declared');
    inner ??= new Map(outer);
    inner.set(prefix, value);
    if (inner.size > MOST_PREFIXES) throw new XmlFault('declares too many namespaces');
  }
  return inner ?? outer;
}

/** The prefix that an attribute of this name declares; null for one that declares none. */
export function declared(name: string): string | null {
  if (name === 'xmlns') return '';
  return name.startsWith('xmlns:') ? name.slice('xmlns:'.length) : null;
}

/** @throws XmlFault for a prefix that nothing declares */
export function namespaceOf(prefix: string, scope: Scope): string {
  const namespace = prefix === 'xmlns' ? undefined : scope.get(prefix);
  if (namespace === undefined) throw new XmlFault('uses a namespace prefix that it does not declare');
  return namespace;
}
