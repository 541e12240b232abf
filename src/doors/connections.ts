import { readFileSync } from 'node:fs';
import type { Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { type TLSSocket, Server as TlsServer } from 'node:tls';

export interface ConnectionLimits {
  /** Open connections in all. */
  readonly most: number;
  /** How long nothing of an answer may be taken before its connection is broken, milliseconds. */
  readonly stallMs: number;
  /** How often that is looked at, milliseconds. */
  readonly lookMs: number;
}

/** Descriptors kept for files of the journal, the store and everything else that is not a caller's or a provider's connection. */
const KEPT = 256;

/**
 * Bounds what connections may hold. When there are too many, the one gives way that has waited longest without a request, so that
 * whoever opens ten thousand and says nothing (slowloris) costs themselves their oldest and keeps nobody out; those that are being
 * served are left alone. A caller that takes nothing of its answer (slow read) is broken off: its call ends, and with it the provider's.
 */
export class Connections {
  readonly #limits: ConnectionLimits;
  /** Without a request that is being served, by when they were opened or last answered, the longest first. */
  readonly #waiting = new Set<Socket>();
  /** Of TLS, before anything can be said on them. */
  readonly #shaking = new Set<Socket>();
  /** With how many requests that are being served. */
  readonly #busy = new Map<Socket, number>();
  /** Bytes that were taken of what is being written, and how many looks ago that changed. */
  readonly #taken = new WeakMap<Socket, { bytes: number; looks: number }>();

  constructor(server: Server, limits: ConnectionLimits) {
    this.#limits = { ...limits, most: Math.max(1, Math.min(limits.most, byDescriptors())) };
    const isTls = server instanceof TlsServer;
    server.on('connection', (socket) => this.#opened(socket, isTls));
    server.on('secureConnection', (socket: TLSSocket) => this.#secured(socket));
    const timer = setInterval(() => this.#look(), limits.lookMs);
    timer.unref();
    server.once('close', () => clearInterval(timer));
  }

  get count(): number {
    return this.#waiting.size + this.#busy.size;
  }

  /** Breaks off what is no connection yet: at the end nobody waits for it. */
  endHandshakes(): void {
    for (const socket of this.#shaking) socket.destroy();
  }

  /** Tells that a request has arrived on a connection; it is being served until `response` is closed. */
  serving(socket: Socket, response: ServerResponse): void {
    // Requests that were sent in one go arrive here even when the first of them broke their connection.
    if (socket.destroyed) return;
    this.#waiting.delete(socket);
    this.#busy.set(socket, (this.#busy.get(socket) ?? 0) + 1);
    response.once('close', () => {
      const left = (this.#busy.get(socket) ?? 0) - 1;
      if (left > 0) this.#busy.set(socket, left);
      else if (this.#busy.delete(socket) && !socket.destroyed) this.#waiting.add(socket);
    });
  }

  #opened(socket: Socket, isTls: boolean): void {
    if (this.count >= this.#limits.most) {
      const [oldest] = this.#waiting;
      // All are being served: then it is the new one that waits for another time.
      if (oldest === undefined) return void socket.destroy();
      this.#forget(oldest);
      oldest.destroy();
    }
    this.#waiting.add(socket);
    if (isTls) this.#shaking.add(socket);
    socket.once('close', () => this.#forget(socket));
  }

  /** What is served from now on is the connection of TLS, and no more the one below it. One that is still shaking hands gives way as others do. */
  #secured(socket: TLSSocket): void {
    const { _parent: below } = socket as { readonly _parent?: Socket };
    if (below !== undefined) this.#forget(below);
    if (socket.destroyed) return;
    this.#waiting.add(socket);
    socket.once('close', () => this.#forget(socket));
  }

  #forget(socket: Socket): void {
    this.#waiting.delete(socket);
    this.#shaking.delete(socket);
    this.#busy.delete(socket);
  }

  #look(): void {
    const most = Math.ceil(this.#limits.stallMs / this.#limits.lookMs);
    for (const socket of [...this.#waiting, ...this.#busy.keys()]) {
      const bytes = socket.bytesWritten - socket.writableLength;
      const seen = this.#taken.get(socket);
      if (socket.writableLength === 0 || seen?.bytes !== bytes) this.#taken.set(socket, { bytes, looks: 0 });
      else if (++seen.looks >= most) socket.destroy();
    }
  }
}

/** Connections for which there are descriptors, two a call: one on either side. Any number where the system does not say. */
export function byDescriptors(): number {
  try {
    const limit = Number(/^Max open files +(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8'))?.[1]);
    return Number.isFinite(limit) ? Math.floor((limit - KEPT) / 2) : Number.POSITIVE_INFINITY;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}
