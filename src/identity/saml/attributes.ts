import { ASSERTION } from './names.ts';
import { refuse } from './refuse.ts';
import type { XmlElement } from './xml.ts';
import { attributeOf, childrenOf, textOf } from './xml-tree.ts';

/** Values by the name of the attribute, in the order of the assertion; null for one that is no text but holds elements. */
export type Attributes = ReadonlyMap<string, readonly (string | null)[]>;

const MOST = 500;
const LONGEST_NAME = 500;

/**
 * The attributes of a verified assertion. One that is sent in several pieces has the values of them all.
 *
 * @throws SignInFailure
 */
export function attributesOf(assertion: XmlElement): Attributes {
  const found = new Map<string, (string | null)[]>();
  const statements = childrenOf(assertion, ASSERTION, 'AttributeStatement');
  for (const attribute of statements.flatMap((statement) => childrenOf(statement, ASSERTION, 'Attribute'))) {
    const name = attributeOf(attribute, 'Name') ?? '';
    if (name === '' || name.length > LONGEST_NAME) refuse('an attribute has no usable name');
    const values = found.get(name) ?? [];
    values.push(...childrenOf(attribute, ASSERTION, 'AttributeValue').map(textOf));
    found.set(name, values);
    if (found.size > MOST) refuse('the assertion has too many attributes');
  }
  return found;
}
