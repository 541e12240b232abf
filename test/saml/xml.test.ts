import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readXml, type XmlElement, type XmlLimits } from '../../src/identity/saml/xml.ts';
import { XmlFault } from '../../src/identity/saml/xml-fault.ts';
import { xmlEscape, xmlText } from '../../src/identity/saml/xml-text.ts';
import { saysTheSame, walk } from '../../src/identity/saml/xml-tree.ts';

const LIMITS: XmlLimits = { depth: 10, elements: 100, attributes: 10 };
const read = (text: string, limits = LIMITS): XmlElement => readXml(text, limits);

function refused(text: string, limits = LIMITS): string {
  try {
    read(text, limits);
  } catch (error) {
    assert.ok(error instanceof XmlFault, String(error));
    return error.message;
  }
  throw new Error(`it was read: ${text}`);
}

test('elements, attributes, text and namespaces are read as XML means them', () => {
  const root = read(
    '<a xmlns="urn:d" xmlns:p="urn:p" q="1"><p:b p:q=\'2\' q="3"> x </p:b>&lt;&#65;&#x42;&amp;<c xmlns=""/></a>',
  );
  assert.equal(root.namespace, 'urn:d');
  assert.deepEqual(root.attributes, [{ local: 'q', namespace: '', value: '1' }]);
  assert.deepEqual(
    [...root.declares],
    [
      ['', 'urn:d'],
      ['p', 'urn:p'],
    ],
  );
  const [b, text, c] = root.children as [XmlElement, string, XmlElement];
  assert.deepEqual(
    { local: b.local, namespace: b.namespace, children: b.children },
    { local: 'b', namespace: 'urn:p', children: [' x '] },
  );
  assert.deepEqual(b.attributes, [
    { local: 'q', namespace: 'urn:p', value: '2' },
    { local: 'q', namespace: '', value: '3' },
  ]);
  assert.equal(text, '<AB&');
  assert.equal(c.namespace, '');
});

test('a declaration holds inside its element alone', () => {
  assert.match(refused('<a><b xmlns:p="urn:p"/><p:c/></a>'), /does not declare/);
  const root = read('<a xmlns:p="urn:1"><b xmlns:p="urn:2"><p:x/></b><p:y/></a>');
  const names = [...walk(root)].map(({ element }) => `${element.namespace} ${element.local}`);
  assert.deepEqual(names, [' a', ' b', 'urn:2 x', 'urn:1 y']);
});

test('places are those of the text, from the first bracket to behind the last', () => {
  const text = '<?xml version="1.0"?>\n<a>é😀<b x="1">t</b><c/> </a>\n';
  const places = [...walk(read(text))].map(({ element }) => text.slice(element.start, element.end));
  assert.deepEqual(places, ['<a>é😀<b x="1">t</b><c/> </a>', '<b x="1">t</b>', '<c/>']);
});

test('white space in attributes is spaces, unless written as references', () => {
  const [attribute] = read('<a b="x\n\ty&#10;z&#xD;"/>').attributes;
  assert.equal(attribute?.value, 'x  y\nz\r');
});

test('text from bytes: line ends are one kind, a mark of the order of bytes is none of the text', () => {
  assert.equal(xmlText(Buffer.from('\ufeff<a>\r\nb\rc\n</a>')), '<a>\nb\nc\n</a>');
  for (const bytes of [
    Buffer.of(0xff, 0xfe, 0x3c, 0),
    Buffer.from('<a>\0</a>'),
    Buffer.from('<a>\ufffe</a>'),
    Buffer.of(0xed, 0xa0, 0x80),
  ]) {
    assert.throws(() => xmlText(bytes), XmlFault);
  }
});

test('what is written for XML is read as it was', () => {
  for (const text of ['a&b', '<x>"y"', "it's", 'a\tb\nc\rd', ']]>', 'é😀']) {
    const root = read(`<a b="${xmlEscape(text)}">${xmlEscape(text)}</a>`);
    assert.equal(root.attributes[0]?.value, text);
    assert.equal(root.children[0], text);
  }
});

test('what two readers could take in two ways is not read', () => {
  const bad = [
    ...[
      '',
      ' ',
      'x',
      '<',
      '<a',
      '<a>',
      '</a>',
      '<a></b>',
      '<a/><b/>',
      'x<a/>',
      '<a/>x',
      '<a></a',
      '<a b></a>',
      '<a b=c/>',
      '<a b="c"d="e"/>',
    ],
    ...[
      '<a b="<"/>',
      '<a b="1" b="2"/>',
      '<a>&x;</a>',
      '<a>&amp</a>',
      '<a>&</a>',
      '<a>&#;</a>',
      '<a>&#x;</a>',
      '<a>&#xG;</a>',
      '<a>&#0;</a>',
    ],
    ...[
      '<a>&#xFFFE;</a>',
      '<a>&#xD800;</a>',
      '<a>&#x110000;</a>',
      '<a>&#99999999;</a>',
      '<a>]]></a>',
      '<a>\u0001</a>',
      '<a>\r</a>',
    ],
    ...[
      '<!DOCTYPE a><a/>',
      '<a><!-- --></a>',
      '<a><![CDATA[x]]></a>',
      '<?x y?><a/>',
      '<a/><?x?>',
      ' <?xml version="1.0"?><a/>',
    ],
    ...[
      '<?xml version="1.1"?><a/>',
      '<?xml version="1.0" encoding="latin1"?><a/>',
      '<?XML version="1.0"?><a/>',
      '<?xml?><a/>',
    ],
    ...[
      '<é/>',
      '<a é="1"/>',
      '<1a/>',
      '<a:b:c/>',
      '<:a/>',
      '<a:/>',
      '<xml/>',
      '<xmlns:a/>',
      '<xml:a/>',
      '<a XMLx="1"/>',
      '<a xmlnsx="1"/>',
    ],
    ...[
      '<p:a/>',
      '<a p:b="1"/>',
      '<a xmlns:p=""/>',
      '<a xmlns:xml="urn:x"/>',
      '<a xmlns:xmlns="urn:x"/>',
      '<a xmlns="http://www.w3.org/2000/xmlns/"/>',
    ],
    ...[
      '<a xmlns:p="urn:x" xmlns:q="urn:x" p:b="1" q:b="2"/>',
      '<a xmlns="http://www.w3.org/XML/1998/namespace"/>',
      `<${'a'.repeat(101)}/>`,
    ],
    ...['<a\u00a0b="1"/>', '< a/>', '<a/ >', '</ a>', '<a b="1" / >'],
  ];
  for (const text of bad) assert.ok(refused(text).length > 0, text);
});

test('depth, elements and attributes are bounded, to the one', () => {
  const nested = (n: number): string => '<a>'.repeat(n) + '</a>'.repeat(n);
  read(nested(10));
  assert.match(refused(nested(11)), /too deep/);
  read(`<a>${'<b/>'.repeat(99)}</a>`);
  assert.match(refused(`<a>${'<b/>'.repeat(100)}</a>`), /too many elements/);
  const attributes = (n: number): string => `<a ${Array.from({ length: n }, (_, i) => `a${i}=""`).join(' ')}/>`;
  read(attributes(10));
  assert.match(refused(attributes(11)), /too many attributes/);
});

test('comments are skipped where they are allowed, and only whole ones', () => {
  const lenient = { ...LIMITS, comments: true };
  assert.deepEqual(read('<!-- x --><a>b<!-- > -->c</a><!---->', lenient).children, ['b', 'c']);
  for (const text of [
    '<a><!-- -- --></a>',
    '<a><!-- </a>',
    '<a><!-></a>',
    '<a><!--></a>',
    '<!--->-><a/>',
    '<a><!-- --->x</a>',
  ])
    refused(text, lenient);
});

test('two elements say the same whatever their prefixes are, and do not where a name, attribute or text differs', () => {
  const one = read('<p:a xmlns:p="urn:x" c="1" p:d="2">t<p:b/></p:a>');
  assert.ok(saysTheSame(one, read('<a xmlns="urn:x" xmlns:q="urn:x" q:d="2" c="1">t<b></b></a>')));
  const others = [
    '<a xmlns="urn:y" xmlns:q="urn:x" q:d="2" c="1">t<b/></a>',
    '<a xmlns="urn:x" xmlns:q="urn:x" q:d="3" c="1">t<b/></a>',
    '<a xmlns="urn:x" d="2" c="1">t<b/></a>',
    '<a xmlns="urn:x" xmlns:q="urn:x" q:d="2" c="1">u<b/></a>',
    '<a xmlns="urn:x" xmlns:q="urn:x" q:d="2" c="1"><b/>t</a>',
    '<a xmlns="urn:x" xmlns:q="urn:x" q:d="2" c="1">t<b/><b/></a>',
    '<a xmlns="urn:x" xmlns:q="urn:x" q:d="2" c="1">t<b>x</b></a>',
  ];
  for (const other of others) assert.ok(!saysTheSame(one, read(other)), other);
});
