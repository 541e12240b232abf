import type { Principal } from '../identity/principal.ts';
import type { Action, Booking, Client, Decided } from '../journal/bodies.ts';
import type { Receipt } from '../journal/records.ts';
import type { TraceContext } from '../kernel/trace.ts';
import type { CallFacts } from '../limits/counters.ts';
import type { OpenCall } from '../limits/open-calls.ts';
import type { RateEntry } from '../limits/rates.ts';
import type { Observation, Subject } from '../policy/model.ts';
import type { Target } from '../upstream/ports.ts';
import type { CarriedBody, Carrier, Head, Tally } from './carrier.ts';
import type { Governance } from './governance.ts';
import type { Money } from './money.ts';

/** A request as a door understood it: protocol and headers only, nothing of the body read yet. */
export interface Envelope {
  readonly action: Action;
  /** The path to ask the provider for, canonical; never the caller's own spelling of it. */
  readonly path: string;
  /** The caller's query with its `?`, or empty. */
  readonly query: string;
  readonly method: 'GET' | 'POST';
  /** Lower-case names; a repeated header keeps what Node makes of it. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Null when the caller did not say (chunked). */
  readonly contentLength: number | null;
  /** False where the action has none. Its bytes are with whoever does the byte work. */
  readonly hasBody: boolean;
  /** Aborts when the caller hangs up. */
  readonly gone: AbortSignal;
  readonly peer: string;
  readonly reply: Reply;
}

/** A request with its bytes, where its connection is held. */
export interface HeldEnvelope extends Envelope {
  /** Name, value, name, value … as received. */
  readonly rawHeaders: readonly string[];
  /** The unread body; null where the action has none. */
  readonly body: AsyncIterable<Uint8Array> | null;
}

/** A message at the beginning of the path, and who does its byte work. */
export interface Arrival {
  readonly envelope: Envelope;
  readonly carrier: Carrier;
}

/** Where the answer goes. The door implements it on its protocol. */
export interface Reply {
  /** Status and headers (name, value, …); once. */
  start(status: number, headers: readonly string[]): void;
  /** False asks the writer to wait for `drained`. */
  write(chunk: Uint8Array): boolean;
  /** Resolves when the caller has taken what was written, is gone, or `cut` aborts. */
  drained(cut: AbortSignal): Promise<void>;
  end(): void;
  /** Breaks the connection: for an answer that can be neither finished nor explained. */
  destroy(): void;
  /** A refusal or failure in the caller's own protocol; inside a running stream as its last event. */
  fail(error: Answer): void;
}

/** What a refused caller is told. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly message: string;
  readonly retry: boolean;
  readonly retryAfter: number | undefined;
  readonly record: string;
  readonly headers: readonly (readonly [string, string])[];
}

/** A value that one step sets and later steps rely on: reading it too early is a bug in the order of steps, and throws. */
export class Slot<T> {
  readonly #name: string;
  #value: T | undefined;

  constructor(name: string) {
    this.#name = name;
  }

  get value(): T {
    if (this.#value === undefined) throw new Error(`step order: ${this.#name} is not known yet`);
    return this.#value;
  }

  get peek(): T | undefined {
    return this.#value;
  }

  set(value: T): void {
    if (this.#value !== undefined) throw new Error(`step order: ${this.#name} is set twice`);
    this.#value = value;
  }
}

/** The fields of the body that are decided on. */
export interface RequestFields {
  readonly model: string | null;
  readonly stream: boolean;
  /** The largest that the request or one of its fallbacks names. */
  readonly maxTokens: number | null;
  /** What the request asks the provider to run or fetch itself. */
  readonly serverSide: ServerSide;
}

export interface AskedCapability {
  readonly capability: string;
  /** Most uses in this call; null for no bound. */
  readonly uses: number | null;
}

/** What a request asks of the provider's side, beside the model it names. */
export interface ServerSide {
  readonly asked: readonly AskedCapability[];
  /** Further models that may answer or advise: each needs the same permission. */
  readonly models: readonly string[];
  /** Its tokens are not bounded by its bytes: images, documents, files, addresses. */
  readonly opaque: boolean;
  /** Nothing bounds its passes: compaction on the server, advice of another model. */
  readonly unbounded: boolean;
  readonly fast: boolean;
}

/** Who is charged, in the words of policy and of records. */
export interface Party {
  readonly subject: Subject;
  /** `tea_…` of `subject.team`. */
  readonly team: string | null;
  readonly booking: Booking;
}

/** One governed message on its way through the steps. */
export class Exchange implements Tally {
  readonly envelope: Envelope;
  readonly carrier: Carrier;
  /** Id of the intent or refusal record, and what the caller is told. */
  readonly id: string;
  readonly arrived: number;
  readonly trace: TraceContext;
  readonly client: Client;
  readonly principal = new Slot<Principal>('principal');
  /** What is in force for this message, from its beginning to its end. */
  readonly governance = new Slot<Governance>('governance');
  readonly party = new Slot<Party>('party');
  readonly openCall = new Slot<OpenCall>('open call');
  readonly rates = new Slot<RateEntry>('rates');
  readonly body = new Slot<CarriedBody>('body');
  readonly fields = new Slot<RequestFields>('fields');
  /** Who is counted in rates and budgets, the model included; see factsOf. */
  facts: CallFacts | undefined;
  readonly decision = new Slot<Decided>('decision');
  readonly target = new Slot<Target>('target');
  readonly money = new Slot<Money>('money');
  readonly intent = new Slot<Receipt>('intent');
  readonly upstream = new Slot<Head>('upstream reply');
  /** Monotonic marks for the latency split. */
  sentAt: number | undefined;
  firstByteAt: number | undefined;
  upstreamEndedAt: number | undefined;
  responseBytes = 0;
  /** What would have refused this message and only observes. */
  readonly observed: Observation[] = [];
  meter: Tally['meter'];
  capture: Tally['capture'];

  constructor(parts: {
    envelope: Envelope;
    carrier: Carrier;
    id: string;
    arrived: number;
    trace: TraceContext;
    client: Client;
  }) {
    this.envelope = parts.envelope;
    this.carrier = parts.carrier;
    this.id = parts.id;
    this.arrived = parts.arrived;
    this.trace = parts.trace;
    this.client = parts.client;
  }
}
