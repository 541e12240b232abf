import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Where the sign-in stands, and what was asked of it. */
export interface StandIn {
  readonly url: string;
  /** Method and path of every request, in order. */
  readonly asked: readonly string[];
  close(): Promise<void>;
}

const NO_STORE = { 'cache-control': 'no-store', 'content-type': 'application/json' };

/**
 * Sign-in as Claude Code expects it of a gateway, in front of one that has none: whoever asks for a device code is approved at
 * once, and the key of the test is handed out as an opaque access token. Everything else goes to the gateway as it came and comes
 * back as it was answered.
 */
export async function signInFor(gateway: string, key: string): Promise<StandIn> {
  const asked: string[] = [];
  let own = '';
  const answers: Readonly<Record<string, () => readonly [status: number, body: object]>> = {
    'GET /.well-known/oauth-authorization-server': () => [
      200,
      {
        issuer: own,
        device_authorization_endpoint: `${own}/oauth/device_authorization`,
        token_endpoint: `${own}/oauth/token`,
        grant_types_supported: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
        response_types_supported: [],
        token_endpoint_auth_methods_supported: ['none'],
        gateway_protocol_version: 1,
      },
    ],
    'POST /oauth/device_authorization': () => [
      200,
      {
        device_code: 'device-code-of-the-test',
        user_code: 'BCDF-GHJK',
        verification_uri: `${own}/device`,
        verification_uri_complete: `${own}/device?user_code=BCDF-GHJK`,
        expires_in: 600,
        interval: 1,
      },
    ],
    'POST /oauth/token': () => [
      200,
      { access_token: key, token_type: 'Bearer', expires_in: 86_400, refresh_token: 'refresh-token-of-the-test' },
    ],
    'GET /managed/settings': () => [404, { error: 'no policy matched' }],
  };
  const server = createServer((incoming, outgoing) => {
    const line = `${incoming.method} ${new URL(incoming.url ?? '/', own).pathname}`;
    asked.push(line);
    const own_ = answers[line];
    if (own_ === undefined) return pass({ gateway, incoming, outgoing });
    incoming.resume();
    const [status, body] = own_();
    outgoing.writeHead(status, NO_STORE).end(JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: own,
    asked,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function pass(through: { gateway: string; incoming: IncomingMessage; outgoing: ServerResponse }): void {
  const { gateway, incoming, outgoing } = through;
  const { host: _, ...headers } = incoming.headers;
  const onward = request(
    new URL(incoming.url ?? '/', gateway),
    { method: incoming.method ?? 'GET', headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      answer.pipe(outgoing);
    },
  );
  onward.on('error', () => outgoing.destroy());
  outgoing.on('close', () => onward.destroy());
  incoming.pipe(onward);
}
