import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that may wait on one connection. No client we know sends a second one before the first is answered. */
const MOST_WAITING = 16;

/**
 * Takes the requests of one connection in turn: `go` is called when those ahead of it were answered. Node hands over all that were
 * sent in one go (pipelining, RFC 9112 §9.3.2) at once, so that a few connections of a stranger could keep everybody else waiting
 * for seconds; and the answer of one that is not at the head never hears that its caller hung up. A connection with too many
 * waiting is broken.
 */
export function takeTurns(): (request: IncomingMessage, response: ServerResponse, go: () => void) => void {
  const lines = new WeakMap<Socket, (() => void)[]>();
  return ({ socket }, response, go) => {
    const line = lines.get(socket) ?? [];
    lines.set(socket, line);
    line.push(go);
    response.once('close', () => {
      line.shift();
      if (!socket.destroyed) line[0]?.();
    });
    if (line.length === 1) go();
    else if (line.length > MOST_WAITING) socket.destroy();
  };
}
