import { XmlFault } from './xml-fault.ts';
import { declared, namespaceOf, OUTERMOST, type Scope, scopeOf, splitName } from './xml-namespaces.ts';
import { assertCharacters, decodeReferences } from './xml-text.ts';

/** One attribute that is no declaration of a namespace. */
export interface XmlAttribute {
  readonly local: string;
  /** Empty for none: an attribute without a prefix has no namespace. */
  readonly namespace: string;
  readonly value: string;
}

export interface XmlElement {
  readonly local: string;
  readonly namespace: string;
  readonly attributes: readonly XmlAttribute[];
  /** Namespaces by prefix, as this element declares them; the empty prefix is the default. */
  readonly declares: ReadonlyMap<string, string>;
  readonly children: readonly (XmlElement | string)[];
  /** Where it stands in the text: from its `<` to behind its last `>`. */
  readonly start: number;
  readonly end: number;
}

export interface XmlLimits {
  readonly depth: number;
  readonly elements: number;
  /** Of one element. */
  readonly attributes: number;
  /** Comments are skipped. Without this they are refused. */
  readonly comments?: boolean;
}

type Mutable = { -readonly [K in keyof XmlElement]: XmlElement[K] } & { children: (XmlElement | string)[] };
interface Open {
  readonly element: Mutable;
  readonly name: string;
  readonly scope: Scope;
}

const NAME = '(?:[A-Za-z_][A-Za-z0-9._-]{0,99}:)?[A-Za-z_][A-Za-z0-9._-]{0,99}';
const DECLARATION =
  /<\?xml[ \n]+version=["']1\.0["'](?:[ \n]+encoding=["'][Uu][Tt][Ff]-8["'])?(?:[ \n]+standalone=["'](?:yes|no)["'])?[ \n]*\?>/y;
const BLANK = /^[ \t\n]*$/;

/**
 * Reads a document of the plain kind that SAML is written in. It is stricter than XML on purpose: whatever two readers could take in two
 * ways is not read. No document type, no entities but the five, no processing instructions, no CDATA, no comments (unless
 * allowed), names in ASCII. One pass, no recursion; time grows with the length alone.
 *
 * @throws XmlFault
 */
export function readXml(text: string, limits: XmlLimits): XmlElement {
  assertCharacters(text);
  return new Reader(text, limits).read();
}

class Reader {
  readonly #text: string;
  readonly #limits: XmlLimits;
  readonly #open: Open[] = [];
  #root: XmlElement | null = null;
  #elements = 0;
  #at = 0;

  constructor(text: string, limits: XmlLimits) {
    this.#text = text;
    this.#limits = limits;
  }

  read(): XmlElement {
    this.#take(DECLARATION);
    while (this.#at < this.#text.length) {
      if (this.#text[this.#at] !== '<') this.#characters();
      else if (this.#text[this.#at + 1] === '/') this.#close();
      else if (/[!?]/.test(this.#text[this.#at + 1] ?? '')) this.#markup();
      else this.#start();
    }
    if (this.#root === null || this.#open.length > 0) throw new XmlFault('is not whole');
    return this.#root;
  }

  #take(pattern: RegExp): RegExpExecArray | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found !== null) this.#at = pattern.lastIndex;
    return found;
  }

  #characters(): void {
    const next = this.#text.indexOf('<', this.#at);
    const end = next < 0 ? this.#text.length : next;
    const raw = this.#text.slice(this.#at, end);
    this.#at = end;
    const parent = this.#open.at(-1)?.element;
    if (parent === undefined) {
      if (!BLANK.test(raw)) throw new XmlFault('has text outside of its root');
      return;
    }
    if (raw.includes(']]>')) throw new XmlFault('has the end of a CDATA section in its text');
    parent.children.push(decodeReferences(raw));
  }

  /** What begins with `<!` or `<?`: the ways to hide, split or fetch text. */
  #markup(): void {
    if (this.#text.startsWith('<?', this.#at)) throw new XmlFault('has a processing instruction');
    if (this.#text.startsWith('<![', this.#at)) throw new XmlFault('has a CDATA section');
    if (!this.#text.startsWith('<!--', this.#at)) throw new XmlFault('has a document type');
    if (this.#limits.comments !== true) throw new XmlFault('has a comment');
    const end = this.#text.indexOf('--', this.#at + '<!--'.length);
    if (end < 0 || this.#text[end + 2] !== '>') throw new XmlFault('has a broken comment');
    this.#at = end + '-->'.length;
  }

  #start(): void {
    const start = this.#at;
    const [, name] = this.#take(START) ?? [];
    if (name === undefined) throw new XmlFault('has a broken tag');
    if (this.#open.length === 0 && this.#root !== null) throw new XmlFault('has two roots');
    this.#elements += 1;
    if (this.#elements > this.#limits.elements) throw new XmlFault('has too many elements');
    if (this.#open.length >= this.#limits.depth) throw new XmlFault('is nested too deep');
    const written = this.#attributes();
    const empty = this.#take(END_OF_START)?.[1];
    if (empty === undefined) throw new XmlFault('has a broken tag');
    const scope = scopeOf(written, this.#open.at(-1)?.scope ?? OUTERMOST);
    const element: Mutable = { ...elementOf(name, written, scope), start, end: this.#at };
    this.#open.at(-1)?.element.children.push(element);
    this.#root ??= element;
    if (empty === '') this.#open.push({ element, name, scope });
  }

  #attributes(): ReadonlyMap<string, string> {
    const written = new Map<string, string>();
    for (;;) {
      const found = this.#take(ATTRIBUTE);
      if (found === null) return written;
      const [, name = '', double, single] = found;
      if (written.has(name)) throw new XmlFault('has an attribute twice');
      if (written.size >= this.#limits.attributes) throw new XmlFault('has too many attributes');
      // Line ends and tabs that are not written as references are spaces (XML 3.3.3).
      written.set(name, decodeReferences((double ?? single ?? '').replace(/[\t\n]/g, ' ')));
    }
  }

  #close(): void {
    const [, name] = this.#take(END) ?? [];
    const open = this.#open.pop();
    if (name === undefined || open === undefined || open.name !== name)
      throw new XmlFault('has tags that do not match');
    open.element.end = this.#at;
  }
}

const START = new RegExp(`<(${NAME})`, 'y');
const ATTRIBUTE = new RegExp(`[ \\t\\n]+(${NAME})[ \\t\\n]*=[ \\t\\n]*(?:"([^"<]*)"|'([^'<]*)')`, 'y');
const END_OF_START = /[ \t\n]*(\/?)>/y;
const END = new RegExp(`</(${NAME})[ \\t\\n]*>`, 'y');

function elementOf(name: string, written: ReadonlyMap<string, string>, scope: Scope): Omit<Mutable, 'start' | 'end'> {
  const [prefix, local] = splitName(name);
  if (reserved(prefix) || (prefix === '' && reserved(local))) throw new XmlFault('has a reserved name');
  const declares = new Map<string, string>();
  const attributes = new Map<string, XmlAttribute>();
  for (const [written_, value] of written) {
    const declaredPrefix = declared(written_);
    if (declaredPrefix !== null) {
      declares.set(declaredPrefix, value);
      continue;
    }
    const [own, localName] = splitName(written_);
    // Canonicalisers that look for declarations by the beginning of a name would drop it from what was signed.
    if (own !== 'xml' && (reserved(own) || reserved(localName))) throw new XmlFault('has a reserved name');
    const attribute = { local: localName, namespace: own === '' ? '' : namespaceOf(own, scope), value };
    const expanded = `${attribute.namespace} ${localName}`;
    if (attributes.has(expanded)) throw new XmlFault('has an attribute twice');
    attributes.set(expanded, attribute);
  }
  const namespace = namespaceOf(prefix, scope);
  return { local, namespace, attributes: [...attributes.values()], declares, children: [] };
}

/** Names that begin with `xml`, in whatever case, are not for others (XML 2.3). */
function reserved(name: string): boolean {
  return /^xml/i.test(name);
}
