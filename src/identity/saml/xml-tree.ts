import type { XmlElement } from './xml.ts';

/** The elements directly inside, in their order. */
export function elementsIn(parent: XmlElement): XmlElement[] {
  return parent.children.filter((child) => typeof child !== 'string');
}

/** Those of this name directly inside. */
export function childrenOf(parent: XmlElement, namespace: string, local: string): XmlElement[] {
  return elementsIn(parent).filter((child) => isNamed(child, namespace, local));
}

export function isNamed(element: XmlElement, namespace: string, local: string): boolean {
  return element.local === local && element.namespace === namespace;
}

/** The value of an attribute without a namespace; null where there is none. */
export function attributeOf(element: XmlElement, local: string): string | null {
  return element.attributes.find((one) => one.local === local && one.namespace === '')?.value ?? null;
}

/** All text of an element that holds nothing else; null where there are elements in it. */
export function textOf(element: XmlElement): string | null {
  return element.children.every((child) => typeof child === 'string') ? element.children.join('') : null;
}

/** True where an element holds only elements, and white space between them. */
export function holdsElementsOnly(element: XmlElement): boolean {
  return element.children.every((child) => typeof child !== 'string' || child.trim() === '');
}

/** An element and everything inside it, in the order of the document, each with its parent. */
export function* walk(
  root: XmlElement,
): Generator<{ readonly element: XmlElement; readonly parent: XmlElement | null }> {
  const waiting: { readonly element: XmlElement; readonly parent: XmlElement | null }[] = [
    { element: root, parent: null },
  ];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    yield next;
    for (const child of elementsIn(next.element).reverse()) waiting.push({ element: child, parent: next.element });
  }
}

/** True where two elements say the same, whatever prefixes they use. `without` is left out on the left. */
export function saysTheSame(left: XmlElement, right: XmlElement, without: XmlElement | null = null): boolean {
  const pairs: [XmlElement, XmlElement][] = [[left, right]];
  for (let pair = pairs.pop(); pair !== undefined; pair = pairs.pop()) {
    const [one, other] = pair;
    if (one.local !== other.local || one.namespace !== other.namespace) return false;
    if (attributesAsText(one) !== attributesAsText(other)) return false;
    const ones = joined(one.children.filter((child) => child !== without));
    const others = joined(other.children);
    if (ones.length !== others.length) return false;
    for (const [index, child] of ones.entries()) {
      const twin = others[index];
      if (typeof child === 'string' || typeof twin === 'string') {
        if (child !== twin) return false;
      } else if (twin !== undefined) pairs.push([child, twin]);
    }
  }
  return true;
}

function attributesAsText({ attributes }: XmlElement): string {
  return JSON.stringify(attributes.map(({ namespace, local, value }) => [namespace, local, value]).sort());
}

/** Texts that stand beside each other are one. */
function joined(children: readonly (XmlElement | string)[]): (XmlElement | string)[] {
  const found: (XmlElement | string)[] = [];
  for (const child of children) {
    const before = found.at(-1);
    if (typeof child === 'string' && typeof before === 'string') found[found.length - 1] = before + child;
    else if (child !== '') found.push(child);
  }
  return found;
}
