import { createRequire } from 'node:module';

/** A message of samlify, read by it. */
export interface Read {
  readonly extract: { readonly issuer?: string; readonly request?: Readonly<Record<string, string>> };
}

export interface Provider {
  getMetadata(): string;
  parseLoginRequest(
    service: object,
    binding: 'redirect',
    request: { readonly query: object; readonly octetString: string },
  ): Promise<Read>;
  createLoginResponse(
    service: object,
    asked: Read,
    binding: 'post',
    ...more: readonly [
      user: object,
      options: {
        readonly customTagReplacement: (template: string) => { readonly id: string; readonly context: string };
        readonly encryptThenSign: boolean;
      },
    ]
  ): Promise<{ readonly context: string }>;
}

interface Samlify {
  setSchemaValidator(validator: { validate(text: string): Promise<string> }): void;
  IdentityProvider(settings: object): Provider;
  ServiceProvider(settings: object): object;
  readonly SamlLib: { replaceTagsByValue(template: string, values: object): string };
}

const require = createRequire(import.meta.url);

/** A SAML provider that is not ours. Its own types bring those of browsers along, for the whole program; hence these. */
export const samlify = require('samlify') as Samlify;
