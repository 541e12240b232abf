import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isNetwork } from './addresses.ts';
import type { FetcherOptions } from './fetcher.ts';

/** `net`: what is reached beside the public internet. */
export const netConfig = z.strictObject({
  allow: z
    .array(
      z
        .string()
        .max(60)
        .refine(isNetwork, { error: 'must be a network such as 10.20.0.0/16 or fd12:3456::/32, or one address' }),
    )
    .max(1000)
    .default([])
    .describe(
      'Networks of yours in which identity providers may lie. Addresses that are not of the public internet are refused otherwise, so that whoever may name an address cannot reach what is inside (SSRF). Those where clouds keep credentials (169.254.169.254) must be named themselves.',
    ),
  plain: z
    .array(
      z
        .string()
        .max(260)
        .refine(isPlace, { error: 'must be a host with its port, such as localhost:8080 or [::1]:8080' }),
    )
    .max(100)
    .default([])
    .describe(
      'Hosts with ports that are reached without TLS, such as localhost:8080. For a provider on this machine; its network stands in net.allow as well.',
    ),
  ca: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .describe('A file with certificates (PEM) of authorities of your own, trusted beside the well-known ones.'),
});

/** Whether text is `host:port` as an address on the web would hold it. */
function isPlace(text: string): boolean {
  return /^(?:[\w.-]+|\[[0-9a-f:.]+\]):\d{1,5}$/i.test(text) && URL.canParse(`http://${text}`);
}

/**
 * The section as the fetcher takes it: the file of authorities is read now.
 *
 * @throws Error with a sentence for the operator when that cannot be read
 */
export function fetcherOptions({ allow, plain, ca }: z.output<typeof netConfig>): FetcherOptions {
  if (ca === null) return { allow, plain };
  try {
    return { allow, plain, ca: readFileSync(ca, 'utf8') };
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new Error(`the file of authorities ${ca} (net.ca) cannot be read: ${code}`, { cause: error });
  }
}
