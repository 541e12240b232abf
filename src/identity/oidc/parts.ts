import type { Clock } from '../../kernel/clock.ts';
import type { Fetcher } from '../../net/ports.ts';
import type { OidcProvider } from '../../policy/model.ts';

/** What an OpenID Connect client needs of the house. */
export interface OidcParts {
  /** Every request goes through it. */
  readonly fetcher: Fetcher;
  /** The value of a secret for this host, in lower case; null where it is not there or not allowed. Asked afresh for each use. */
  readonly secret: (reference: string, host: string) => string | null;
  readonly clock: Clock;
  readonly log: { warn(fields: Readonly<Record<string, unknown>>, message: string): void };
  /** Origin that is asked for groups instead of Microsoft Graph or Cloud Identity: for tests and private endpoints. */
  readonly groupsOrigin?: string;
}

/** One provider with what it takes to speak to it. */
export interface House extends OidcParts {
  readonly settings: OidcProvider;
}
