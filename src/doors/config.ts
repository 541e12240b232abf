import { z } from 'zod';
import { duration } from '../kernel/units.ts';
import { isProxyNetwork } from './peer.ts';
import type { ServerOptions } from './server.ts';
import type { TlsFiles } from './tls.ts';

const file = z.string().min(1).max(4096);

/** `listen.tls`: certificates of this gateway. */
const tlsConfig = z
  .strictObject({
    certificate: file.describe('File of the certificate (PEM), followed by those between it and its authority.'),
    key: file.describe('File of its private key (PEM), readable for its owner and group alone.'),
    client_ca: file
      .nullable()
      .default(null)
      .describe('File of the authorities (PEM) whose certificates callers may show.'),
    client_certificates: z
      .enum(['none', 'request', 'require'])
      .nullable()
      .default(null)
      .describe('Whether callers are asked for a certificate; by default they must show one where client_ca is named.'),
  })
  .refine((tls) => tls.client_ca !== null || (tls.client_certificates ?? 'none') === 'none', {
    path: ['client_certificates'],
    error:
      'certificates of callers can only be checked with the authorities that issue them: name listen.tls.client_ca',
  });

/** `listen`: where and under which names. */
export const serverConfig = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8787).describe('Port to listen on; 0 takes any free one.'),
  hosts: z
    .array(
      z
        .string()
        .max(253)
        .regex(/^[\w.-]+$/, 'must be a name alone, such as gatehouse.example.com, without https:// and port'),
    )
    .default([])
    .describe('Names under which callers reach Gatehouse. Requests for other names are refused (DNS rebinding).'),
  url: z
    .string()
    .max(300)
    .refine(isPublicUrl, {
      error: 'must be an origin alone, such as https://gatehouse.example.com; http only for localhost',
    })
    .nullable()
    .default(null)
    .describe(
      'Where browsers and clients reach Gatehouse, such as https://gatehouse.example.com: identity providers send people back there. Its name counts as one of listen.hosts.',
    ),
  tls: tlsConfig
    .nullable()
    .default(null)
    .describe(
      'TLS of our own, else a proxy in front does it: { certificate: FILE, key: FILE }, and for certificates of callers { client_ca: FILE, client_certificates: none, request or require }. Files are read again when they change.',
    ),
  trusted_proxies: z
    .array(
      z.string().max(60).refine(isProxyNetwork, {
        error: 'must be a network such as 10.0.0.0/24 or one address, and not every address',
      }),
    )
    .max(1000)
    .default([])
    .describe(
      'Networks of proxies in front, which say in X-Forwarded-For who their caller is. From anybody else that header means nothing.',
    ),
  workers: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe(
      'Relay workers, for a machine with more cores: processes that take the connections and do the byte work of calls in front of the one that decides and records. 0 serves everything from one process.',
    ),
  request_time: duration().default(300_000).describe('Longest time a request may take to arrive whole.'),
  connections: z
    .int()
    .min(1)
    .default(10_000)
    .describe(
      'Open connections in all, never more than half the file descriptors of the process. Beyond it the one that has waited longest without a request is closed.',
    ),
  drain: duration().default(30_000).describe('At shutdown, how long running answers may go on.'),
  open_metrics: z
    .boolean()
    .default(false)
    .describe('Serve /metrics without a token. Otherwise an admin token is needed.'),
});

export type ListenConfig = z.output<typeof serverConfig>;

/** An origin of the web by https, or by http where it can only mean this machine. */
function isPublicUrl(text: string): boolean {
  if (!/^https?:\/\/[^\s/?#@\\]+\/?$/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname);
}

/**
 * What the server is opened with, for callers who reach it directly. TLS is not among it: its files have to be read (doors/tls.ts).
 */
export function serverOptions(listen: ListenConfig): ServerOptions {
  const { hosts, url, tls, trusted_proxies: trustedProxies, request_time: requestMs, connections } = listen;
  const own = url === null ? null : new URL(url);
  return {
    hosts: own === null ? hosts : [...hosts, own.hostname],
    requestMs,
    connections,
    trustedProxies,
    hsts: tls !== null || own?.protocol === 'https:',
  };
}

/** The files of `listen.tls`; null where somebody else does TLS. */
export function tlsFiles({ tls }: ListenConfig): TlsFiles | null {
  if (tls === null) return null;
  const { certificate, key, client_ca: clientCa } = tls;
  const clients = tls.client_certificates ?? (clientCa === null ? 'none' : 'require');
  return { certificate, key, clientCa, clients };
}
