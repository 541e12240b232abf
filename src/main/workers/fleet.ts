import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import type { TlsMaterial } from '../../doors/tls.ts';
import type { Closers } from '../../kernel/closers.ts';
import type { Logger } from '../../kernel/log.ts';
import type { Arrival } from '../../steps/exchange.ts';
import { Channel } from './channel.ts';
import { Dealer, type Taker } from './dealer.ts';
import { CHANNEL_FD, type ToLedger, type ToWorker, type WorkerOrders } from './messages.ts';
import { RemoteCall } from './remote-call.ts';

export interface FleetParts {
  readonly count: number;
  readonly listen: { readonly host: string; readonly port: number };
  readonly orders: WorkerOrders;
  /** Takes a call through the pipeline. */
  readonly govern: (arrival: Arrival) => Promise<void>;
  readonly log: Logger;
  readonly closers: Closers;
}

/** What is known of a worker that lives. */
export interface WorkerState {
  readonly pid: number;
  readonly residentBytes: number;
  readonly lagSeconds: number;
  readonly calls: number;
}

const LOOK_MS = 1000;
/**
 * Looks in a row at which a worker had said nothing, after which it takes no more connections while others do, and after which it
 * is taken for stuck: its connections are then better broken. Not by the clock: whoever freezes the machine or this process for a
 * while has not made the workers silent.
 */
const QUIET_LOOKS = 3;
const SILENT_LOOKS = 10;
/** Connections on their way to one worker. Each holds a descriptor here until it has arrived. */
const MOST_COMING = 32;
/** A worker that dies at once would otherwise be started over and over. Milliseconds. */
const AGAIN_MS = 250;
const AGAIN_AT_MOST_MS = 10_000;
const STOP_MS = 5000;
const ENTRY = join(import.meta.dirname, 'worker.ts');

/** One worker as the ledger sees it. */
interface Member {
  readonly child: ChildProcess;
  readonly channel: Channel<ToLedger, ToWorker>;
  readonly calls: Map<number, RemoteCall>;
  readonly coming: Map<number, Socket>;
  /** Not yet while it starts, which takes as long as it takes. */
  serves: boolean;
  /** Looks since it last said something. */
  quiet: number;
  state: Omit<WorkerState, 'pid' | 'calls'>;
}

/**
 * Relay workers in front of this process. They take the connections, in turn; each call's decisions, money and records are made
 * here. One that dies takes its own connections with it and nothing else: every call it held is closed here as any other, and
 * another worker takes its place.
 */
export class Fleet {
  readonly #parts: FleetParts;
  readonly #dealer = new Dealer(() => this.#nextTaker());
  /** In the order in which they take connections. */
  #members: Member[] = [];
  #orders: WorkerOrders;
  #stopping = false;
  #died = 0;
  #dealt = 0;
  #wait = AGAIN_MS;

  constructor(parts: FleetParts) {
    this.#parts = parts;
    this.#orders = parts.orders;
    const timer = setInterval(() => this.#look(), LOOK_MS);
    timer.unref();
    parts.closers.add('relay workers', async () => {
      clearInterval(timer);
      await this.#stop();
    });
  }

  /** Workers that died since the start. */
  get died(): number {
    return this.#died;
  }

  get workers(): WorkerState[] {
    return this.#members.map(({ child, calls, state }) => ({ pid: child.pid ?? 0, calls: calls.size, ...state }));
  }

  /** Has every worker serve new connections with these certificates, also those that start from now on. */
  renewTls(material: TlsMaterial): void {
    const { server } = this.#orders;
    this.#orders = { ...this.#orders, server: { ...server, tls: material } };
    for (const { channel } of this.#members) channel.send({ is: 'tls', material });
  }

  /** Starts every worker, then listens. Rejects with the error of the first that cannot start, or of listening. */
  async listen(): Promise<{ address: string; port: number }> {
    await Promise.all(Array.from({ length: this.#parts.count }, () => this.#start()));
    return this.#dealer.listen(this.#parts.listen);
  }

  async #start(): Promise<void> {
    const child = fork(ENTRY, {
      // What runs the tests of this process is not for the worker.
      execArgv: process.execArgv.filter((flag) => !flag.startsWith('--test')),
      stdio: ['ignore', 'inherit', 'inherit', 'pipe', 'ipc'],
    });
    const { log } = this.#parts;
    child.on('error', (error) => log.error({ err: error }, 'a relay worker could not be spoken to'));
    if (child.pid === undefined) {
      this.#startAgain();
      throw new Error('there is no process or no descriptor for it');
    }
    const started = Promise.withResolvers<void>();
    const member: Member = {
      child,
      channel: new Channel<ToLedger, ToWorker>(child.stdio[CHANNEL_FD] as Duplex, {
        message: (message) => this.#hear(member, message, started),
        closed: (error) => {
          if (error !== null) log.error({ err: error }, 'what a relay worker says cannot be understood');
          child.kill('SIGKILL');
        },
      }),
      calls: new Map(),
      coming: new Map(),
      serves: false,
      quiet: 0,
      state: { residentBytes: 0, lagSeconds: 0 },
    };
    this.#members.push(member);
    child.on('message', (connection) => this.#took(member, Number(connection)));
    child.once('exit', (code, signal) => {
      started.reject(new Error(`a relay worker ended before it served (${signal ?? code})`));
      this.#lost(member, signal ?? String(code));
    });
    member.channel.send({ is: 'begin', orders: this.#orders });
    await started.promise;
    this.#wait = AGAIN_MS;
    this.#dealer.resume();
  }

  #startAgain(): void {
    setTimeout(() => {
      if (this.#stopping) return;
      this.#start().catch((error) => this.#parts.log.error({ err: error }, 'a relay worker cannot start'));
    }, this.#wait).unref();
    this.#wait = Math.min(AGAIN_AT_MOST_MS, 2 * this.#wait);
  }

  #hear(member: Member, message: ToLedger, started: PromiseWithResolvers<void>): void {
    member.quiet = 0;
    if (message.is === 'open') this.#open(member, message);
    else if ('call' in message) member.calls.get(message.call)?.hear(message);
    else if (message.is === 'alive') member.state = message;
    else if (message.is === 'serving') {
      member.serves = true;
      started.resolve();
    } else {
      started.reject(new Error(message.message));
      // Another takes its place: what stood in its way may pass.
      member.child.kill('SIGKILL');
    }
  }

  /** This process's copy of a connection is closed; the connection is the worker's. */
  #took({ coming }: Member, connection: number): void {
    coming.get(connection)?.destroy();
    coming.delete(connection);
    this.#dealer.resume();
  }

  #open({ child, channel, calls }: Member, { call, envelope }: ToLedger & { readonly is: 'open' }): void {
    const send = (message: ToWorker): void => channel.send(message);
    const stuck = (): void => this.#kill(child, 'a relay worker does not end a call: it is killed');
    const remote = new RemoteCall({ call, envelope, send, stuck });
    calls.set(call, remote);
    // After whatever was said before it has had its effect: a call that ended makes room for the next on its connection.
    setImmediate(() => {
      this.#parts
        .govern({ envelope: remote, carrier: remote })
        .catch((error) => this.#parts.log.error({ err: error }, 'a call could not be governed'))
        .finally(() => {
          calls.delete(call);
          send({ is: 'close', call });
        });
    });
  }

  /** In turn, those that were heard lately first: what is stuck takes no connection while others serve. */
  #nextTaker(): Taker | null {
    const able = this.#members.filter(
      ({ serves, child, coming }) => serves && child.connected && coming.size < MOST_COMING,
    );
    const member = able.find(({ quiet }) => quiet < QUIET_LOOKS) ?? able[0];
    if (member === undefined) return null;
    this.#members = [...this.#members.filter((other) => other !== member), member];
    const { child, coming } = member;
    return (socket) => {
      const connection = ++this.#dealt;
      coming.set(connection, socket);
      // Held until the worker says that it has it, so that none is lost on the way to one that dies.
      child.send(connection, socket, { keepOpen: true }, () => undefined);
    };
  }

  #lost(member: Member, how: string): void {
    this.#members = this.#members.filter((other) => other !== member);
    for (const call of member.calls.values()) call.lose();
    // Nobody has read a byte of these.
    for (const socket of member.coming.values()) this.#dealer.deal(socket);
    if (this.#stopping) return;
    this.#died++;
    this.#parts.log.error({ worker: member.child.pid, how, calls: member.calls.size }, 'a relay worker died');
    this.#startAgain();
  }

  /** Kills what does not answer any more, as its connections do not either. */
  #look(): void {
    for (const member of this.#members) {
      if (!member.serves) continue;
      member.quiet++;
      if (member.quiet >= SILENT_LOOKS) this.#kill(member.child, 'a relay worker is silent: it is killed');
    }
  }

  #kill(child: ChildProcess, why: string): void {
    this.#parts.log.error({ worker: child.pid }, why);
    child.kill('SIGKILL');
  }

  async #stop(): Promise<void> {
    this.#stopping = true;
    this.#dealer.close();
    const ended = this.#members.map(({ child, channel }) => {
      const exit = new Promise((resolve) => child.once('exit', resolve));
      channel.send({ is: 'stop' });
      const late = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      return exit.finally(() => clearTimeout(late));
    });
    await Promise.all(ended);
  }
}
