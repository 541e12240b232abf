/**
 * Base64 of RFC 4648 with its padding, line breaks and blanks allowed between; null for anything else. What Node would skip or guess is
 * refused: two readers must see the same bytes.
 */
export function strictBase64(text: string): Buffer | null {
  const plain = text.replace(/[ \t\r\n]+/g, '');
  if (plain === '' || plain.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(plain)) return null;
  const bytes = Buffer.from(plain, 'base64');
  return bytes.toString('base64') === plain ? bytes : null;
}
