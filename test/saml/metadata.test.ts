import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { readMetadata } from '../../src/identity/saml/metadata-in.ts';
import { serviceProviderMetadata } from '../../src/identity/saml/metadata-out.ts';
import { SignInFailure } from '../../src/identity/sign-in-failure.ts';
import { certificateXml, describedXml, ecCertificate, metadataXml } from './metadata.ts';
import { AUDIENCE, CALLBACK, IDP, idp, NOW, own, stranger } from './support.ts';

const read = (xml: string | Buffer, entityId: string | null = null) => readMetadata(Buffer.from(xml), entityId);
const raw = (pem: string): string => new X509Certificate(pem).fingerprint256;

function refused(xml: string | Buffer, detail: RegExp, entityId: string | null = null): void {
  assert.throws(
    () => read(xml, entityId),
    (error) => error instanceof SignInFailure && error.code === 'provider_misconfigured' && detail.test(error.detail),
    String(detail),
  );
}

test('metadata of a provider is read: its id, where requests go, its signing certificates, what it wants', () => {
  const said = read(metadataXml());
  assert.equal(said.entityId, IDP);
  assert.equal(said.signInUrl, 'https://idp.acme.test/sso?tenant=1&x=2');
  assert.deepEqual(
    said.certificates.map(({ fingerprint }) => fingerprint),
    [raw(idp.certificate)],
  );
  assert.deepEqual(
    { post: said.takesPost, signed: said.wantsSignedRequests, until: said.validUntil },
    { post: true, signed: true, until: null },
  );
});

test('a key without a use is for signing too, one for encryption is not, and doubles are one', () => {
  const keys =
    certificateXml(idp.certificate, null) +
    certificateXml(idp.certificate) +
    certificateXml(stranger.certificate, 'encryption');
  assert.deepEqual(
    read(metadataXml({ keys })).certificates.map(({ fingerprint }) => fingerprint),
    [raw(idp.certificate)],
  );
  const two = certificateXml(idp.certificate) + certificateXml(stranger.certificate);
  assert.equal(read(metadataXml({ keys: two })).certificates.length, 2);
});

test('comments and line breaks, which people write into metadata, are no trouble', () => {
  const xml = `<?xml version="1.0"?>\r\n<!-- ours -->\r\n${metadataXml().replace('<md:IDPSSODescriptor', '<!-- > --><md:IDPSSODescriptor')}\r\n`;
  assert.equal(read(Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), Buffer.from(xml)])).entityId, IDP);
});

test('of several providers the one that the policy names is taken, in groups within groups; without a name none', () => {
  const group = (...inside: string[]): string =>
    `<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata">${inside.join('')}</md:EntitiesDescriptor>`;
  const other = metadataXml({ entityId: 'https://other.test', keys: certificateXml(stranger.certificate) });
  const all = group(other, group(metadataXml()));
  assert.equal(read(all, IDP).certificates[0]?.fingerprint, raw(idp.certificate));
  refused(all, /several/);
  refused(all, /does not name/, 'https://third.test');
  refused(group(metadataXml(), metadataXml()), /several/, IDP);
  assert.equal(read(group(metadataXml()), null).entityId, IDP);
  refused(metadataXml(), /does not name/, 'https://third.test');
});

test('the earliest end counts, wherever it stands', () => {
  const end = (at: number): string => ` validUntil="${new Date(at).toISOString()}"`;
  const xml = metadataXml({ attributes: end(NOW + 5000), roleAttributes: end(NOW + 3000) });
  assert.equal(read(xml).validUntil, NOW + 3000);
  refused(metadataXml({ attributes: ' validUntil="soon"' }), /end that cannot be read/);
});

test('what is no metadata of an identity provider is refused with a sentence', () => {
  refused('', /not whole/);
  refused('<html>', /not whole/);
  refused('<html/>', /no metadata/);
  refused(`<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>${metadataXml()}`, /document type/);
  refused(`<?xml-stylesheet href="x"?>${metadataXml()}`, /processing instruction/);
  refused(Buffer.from(metadataXml(), 'utf16le'), /UTF-8|characters/);
  refused(metadataXml().replace(/IDPSSODescriptor/g, 'SPSSODescriptor'), /names no identity provider/);
  refused(
    metadataXml().replace('urn:oasis:names:tc:SAML:2.0:protocol', 'urn:oasis:names:tc:SAML:1.1:protocol'),
    /names no identity/,
  );
  refused(metadataXml({ entityId: '' }), /usable entity id/);
  refused(metadataXml({ entityId: 'x'.repeat(1025) }), /usable entity id/);
  refused(
    metadataXml({ keys: certificateXml(idp.certificate).replace(/MII/, 'AAA') }),
    /certificate that cannot be read/,
  );
  refused(metadataXml().replace('<md:IDPSSO', `${'<md:a>'.repeat(40)}<md:IDPSSO`), /too deep/);
});

test('certificates without end are refused: each is tried on every answer', () => {
  const keys = Array.from({ length: 11 }, (_, i) => certificateXml(ecCertificate(i))).join('');
  refused(metadataXml({ keys }), /too many certificates/);
});

test('a certificate whose key the signatures cannot be of is known as such', () => {
  const [certificate] = read(metadataXml({ keys: certificateXml(ecCertificate(1)) })).certificates;
  assert.match(certificate?.unusable ?? '', /not RSA/);
});

test('our own metadata says who we are, where answers go, our certificate for both uses, and that assertions must be signed', () => {
  const xml = serviceProviderMetadata({ callback: CALLBACK, certificate: own.certificate });
  const { entityId, acs, uses, certificates, wants, signs, encryption } = describedXml(xml);
  assert.equal(entityId, AUDIENCE);
  assert.deepEqual(acs, { Binding: 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST', Location: CALLBACK });
  assert.deepEqual(uses, ['signing', 'encryption']);
  assert.deepEqual(
    certificates.map((base64) => new X509Certificate(Buffer.from(base64, 'base64')).fingerprint256),
    [raw(own.certificate), raw(own.certificate)],
  );
  assert.deepEqual({ wants, signs }, { wants: 'true', signs: 'true' });
  assert.ok(encryption.length > 0 && encryption.every((algorithm) => !/cbc|rsa-1_5/.test(algorithm)));
  assert.doesNotMatch(xml, /PRIVATE/);
});

test('an address with characters of XML stands in our metadata as it is', () => {
  const xml = serviceProviderMetadata({ callback: 'https://a.test/x?y=1&z="<2>', certificate: own.certificate });
  assert.equal(describedXml(xml).acs.Location, 'https://a.test/x?y=1&z="<2>');
});
