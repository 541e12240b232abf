/** Names of SAML 2.0 and of XML signatures and encryption, and which algorithms are taken. */

export const ASSERTION = 'urn:oasis:names:tc:SAML:2.0:assertion';
export const PROTOCOL = 'urn:oasis:names:tc:SAML:2.0:protocol';
export const METADATA = 'urn:oasis:names:tc:SAML:2.0:metadata';
export const SIGNATURE = 'http://www.w3.org/2000/09/xmldsig#';
export const ENCRYPTION = 'http://www.w3.org/2001/04/xmlenc#';
export const ENCRYPTION_11 = 'http://www.w3.org/2009/xmlenc11#';

export const REDIRECT_BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect';
export const POST_BINDING = 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST';
export const BEARER = 'urn:oasis:names:tc:SAML:2.0:cm:bearer';
export const STATUS = 'urn:oasis:names:tc:SAML:2.0:status:';

const FORMAT = 'urn:oasis:names:tc:SAML:2.0:nameid-format:';
const OLD_FORMAT = 'urn:oasis:names:tc:SAML:1.1:nameid-format:';
export const PERSISTENT_FORMAT = `${FORMAT}persistent`;
export const TRANSIENT_FORMAT = `${FORMAT}transient`;
export const EMAIL_FORMAT = `${OLD_FORMAT}emailAddress`;
export const UNSPECIFIED_FORMAT = `${OLD_FORMAT}unspecified`;

export const EXCLUSIVE_C14N = 'http://www.w3.org/2001/10/xml-exc-c14n#';
export const ENVELOPED = `${SIGNATURE}enveloped-signature`;
export const RSA_SHA256 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha256';
export const RSA_SHA512 = 'http://www.w3.org/2001/04/xmldsig-more#rsa-sha512';
/** SHA-1 is not here and never will be: collisions can be bought. */
export const SIGNATURE_METHODS: readonly string[] = [RSA_SHA256, RSA_SHA512];
export const DIGEST_METHODS: readonly string[] = [`${ENCRYPTION}sha256`, `${ENCRYPTION}sha512`];
