import type { RequestListener, Server } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { TLSSocket, Server as TlsServer } from 'node:tls';
import type { FastifyInstance } from 'fastify';
import { secureOptions, type TlsMaterial } from './tls.ts';

/** As long as a head may take, milliseconds. */
const HANDSHAKE_MS = 20_000;

/** Makes a server of HTTP/1.1 over TLS 1.2 and later, with these options of HTTP. */
export function tlsServer(material: TlsMaterial, http: ServerOptions): (handler: RequestListener) => Server {
  return (handler) => {
    const options: ServerOptions = {
      ...http,
      ...secureOptions(material),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: HANDSHAKE_MS,
      requestCert: material.clients !== 'none',
      rejectUnauthorized: material.clients === 'require',
    };
    const server = createServer(options, handler);
    // Where none need be shown, one that is shown is valid all the same: nobody shall take for checked what was not.
    server.prependListener('secureConnection', (socket: TLSSocket) => {
      if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) socket.destroy();
    });
    // To Fastify and to doors a server is a server.
    return server as unknown as Server;
  };
}

/** Serves new connections with these certificates; those that are open go on. What is asked of callers stays. */
export function renewTls(app: FastifyInstance, material: TlsMaterial): void {
  (app.server as unknown as TlsServer).setSecureContext(secureOptions(material));
}
