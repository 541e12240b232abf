/** What Gatehouse promises (docs and design speak of them by id), and which of it is proven by tests today. */
export interface PromiseEntry {
  readonly id: string;
  /** The promise in short. */
  readonly name: string;
  readonly sentence: string;
  /** The first version whose tests prove it; null while that is still to come. */
  readonly since: string | null;
  /** While `since` is null: what tests prove of it already, and what is missing. Null when nothing is tested yet. */
  readonly begun: string | null;
}

export const PROMISES: readonly PromiseEntry[] = [
  {
    id: 'P1',
    name: 'Nothing unrecorded',
    sentence:
      'No byte reaches a provider or an MCP server before an intent record is durable; every intent gets one outcome.',
    since: '0.1.0',
    begun: null,
  },
  {
    id: 'P2',
    name: 'A hard budget holds',
    sentence: 'A strict budget is never overshot, at any concurrency and on any number of replicas.',
    since: null,
    begun: 'Proven in one process; there are no replicas yet.',
  },
  {
    id: 'P3',
    name: 'Revocation is now',
    sentence: 'Within 1 s a disabled person, key or rule stops the next request, and within 5 s running streams.',
    since: '0.1.0',
    begun: null,
  },
  {
    id: 'P4',
    name: 'Bytes are kept',
    sentence: 'What no policy changes is forwarded byte for byte, both ways; what is decided on is what is forwarded.',
    since: '0.1.0',
    begun: null,
  },
  {
    id: 'P5',
    name: 'Credentials stay on their side',
    sentence:
      "A caller's credential never leaves; a provider's never reaches a caller, a log, the journal, or the disk in the clear.",
    since: '0.1.0',
    begun: null,
  },
  {
    id: 'P6',
    name: 'The trail shows tampering',
    sentence:
      'Editing, deleting, reordering or truncating records is found by an offline verifier that shares no code with the writer.',
    since: '0.1.0',
    begun: null,
  },
  {
    id: 'P7',
    name: 'Forgetting works',
    sentence:
      'One command makes what was stored of a person unreadable and their name vanish, and the chain still verifies.',
    since: '0.1.0',
    begun: null,
  },
  {
    id: 'P8',
    name: 'Closed by default',
    sentence: 'No policy means no access; any matching deny wins; a mandatory check that could not run is a refusal.',
    since: '0.2.0',
    begun: null,
  },
  {
    id: 'P9',
    name: 'It keeps serving',
    sentence: 'With the database, the identity provider or a log destination down, signed-in callers keep working.',
    since: null,
    begun:
      'A projections worker that dies is started again; serving from the last snapshot through outages is missing.',
  },
  {
    id: 'P10',
    name: 'Everything derived is rebuildable',
    sentence: 'Usage, cost, spent budgets, sessions, dashboards and exports equal a fresh replay of the journal.',
    since: '0.1.0',
    begun: null,
  },
  {
    id: 'P11',
    name: 'The wire is the witness',
    sentence: "What an agent was told to run is read from the traffic itself, not from the client's goodwill.",
    since: null,
    begun: null,
  },
  {
    id: 'P12',
    name: 'It runs alone',
    sentence: 'No licence server, no telemetry home, no data fetched at start.',
    since: '0.1.0',
    begun: null,
  },
];
