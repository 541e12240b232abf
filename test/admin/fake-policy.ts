/** The real answers about policies over a small world in memory: revisions, a ledger, records of the past. */
import { createHash } from 'node:crypto';
import type { PolicyServices } from '../../src/doors/admin/policy-services.ts';
import type { PolicyInput } from '../../src/identity/changes/policy.ts';
import { compileDirectory } from '../../src/identity/snapshot.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { newId } from '../../src/kernel/ids.ts';
import { Ledger } from '../../src/limits/ledger.ts';
import type { DoorParts } from '../../src/main/doors.ts';
import { policyServices } from '../../src/main/policy.ts';
import { loadPolicy } from '../../src/policy/load.ts';
import type { CompiledPolicy } from '../../src/policy/model.ts';
import { countsModel, matches } from '../../src/policy/patterns.ts';
import { priceTable } from '../../src/pricing/table.ts';
import type { AuditQuery } from '../../src/projections/ports.ts';
import type { DirectoryState, PolicyRevisionRow, ProposalRow } from '../../src/store/ports.ts';
import { ChangeError, NOW } from './fake.ts';

interface PolicyWorld {
  now(): number;
  /** The directory as of now, without its policy. */
  directory(): DirectoryState;
  record(change: string): void;
}

type Proposed = Pick<ProposalRow, 'text' | 'base' | 'kinds'> & {
  actor: string;
  reason?: string | null;
  restores?: number | null;
};
type Decided = { actor: string; proposal: string; decision: NonNullable<ProposalRow['decision']> };

export class Policies {
  readonly rows: PolicyRevisionRow[] = [];
  proposals: ProposalRow[] = [];
  readonly ledger = new Ledger({ matches: countsModel, since: 0 });
  /** Path of the watched file, where there is one. */
  file: string | null = null;
  trouble: string | null = null;
  waiting = 0;
  past: JournalRecord[] = [];
  pages: AuditQuery[] = [];
  /** Called before each page of the past. */
  onPage: () => void | Promise<void> = () => undefined;
  readonly parts: DoorParts;
  readonly services: PolicyServices;
  readonly #world: PolicyWorld;

  constructor(world: PolicyWorld) {
    this.#world = world;
    this.parts = this.#partsOf();
    this.services = policyServices(this.parts);
  }

  /** Puts a document in force without a record. */
  put(text: string, change: Partial<PolicyRevisionRow> = {}): void {
    const sha256 = createHash('sha256').update(text).digest('hex');
    const base = { number: this.rows.length + 1, text, sha256, author: 'system', reason: null, restores: null };
    this.rows.push({ ...base, createdAt: NOW, ...change });
    const lines = this.#policy()?.budgets ?? [];
    const spent = new Map(this.ledger.newLines(lines).map(({ id }) => [id, []]));
    this.ledger.adopt(lines, { seq: 0, spent });
  }

  #policy(): CompiledPolicy | null {
    const text = this.rows.at(-1)?.text;
    // Empty: lost with a newer store.
    if (text === undefined || text === '') return null;
    const loaded = loadPolicy({ text, file: 'policy' });
    if (!loaded.ok) throw new Error('a test put a policy that is not valid');
    return loaded.policy;
  }

  #governance() {
    const policy = this.#policy();
    const directory = compileDirectory({ ...this.#world.directory(), policy: this.rows.at(-1) ?? null });
    const version = policy === null ? 'pol-none' : `pol-${this.rows.length}`;
    return { version, policy, directory, prices: priceTable({ overrides: policy?.prices ?? [], matches }) };
  }

  async #apply({ actor, text, reason, expect, restores }: PolicyInput) {
    const newest = this.rows.at(-1);
    const current = newest?.number ?? 0;
    if (newest?.text === text) return { revision: current, unchanged: true };
    if (typeof expect === 'number' && expect !== current) {
      throw new ChangeError('conflict', `The policy in force is revision ${current}, not the one that was expected.`);
    }
    this.put(text, { author: actor, reason: reason ?? null, restores: restores ?? null });
    this.#world.record('policy.applied');
    return { revision: current + 1, unchanged: false };
  }

  async #propose({ actor, text, base, kinds, reason = null, restores = null }: Proposed) {
    const createdAt = this.#world.now();
    const id = newId('chg', createdAt + this.proposals.length);
    const sha256 = createHash('sha256').update(text).digest('hex');
    const times = {
      createdAt,
      expiresAt: createdAt + 7 * 86_400_000,
      decision: null,
      decidedBy: null,
      decidedAt: null,
    };
    this.proposals.push({ id, base, text, sha256, author: actor, reason, restores, kinds, ...times });
    this.#world.record('proposal.made');
    return { id };
  }

  async #decide({ actor, proposal, decision }: Decided) {
    this.proposals = this.proposals.map((row) =>
      row.id === proposal ? { ...row, decision, decidedBy: actor, decidedAt: this.#world.now() } : row,
    );
    this.#world.record(`proposal.${decision}`);
  }

  async #page(query: AuditQuery) {
    await this.onPage();
    this.pages.push(query);
    const first = Number(query.cursor ?? 0);
    const found = this.past.filter(({ kind, at }) => query.kinds?.includes(kind) && at >= (query.from ?? ''));
    const records = found.slice(first, first + query.limit);
    const next = first + records.length;
    return { records, cursor: next < found.length ? String(next) : null };
  }

  /** Only what the services ask for. */
  #partsOf(): DoorParts {
    const policies = this;
    const governance = {
      keeper: {
        get current() {
          return policies.#governance();
        },
        get trouble() {
          return policies.trouble;
        },
        findings: [],
      },
      spending: {
        get waiting() {
          return policies.waiting;
        },
      },
      get file() {
        return policies.file === null ? null : { trouble: null };
      },
    };
    const parts = {
      config: {
        policy: {
          get file() {
            return policies.file;
          },
        },
      },
      clock: { now: () => this.#world.now(), monotonic: () => performance.now() },
      log: { warn: () => undefined },
      upstream: { target: { upstream: 'anthropic', simulated: false } },
      watch: { projections: { askedModels: async () => [], audit: (query: AuditQuery) => this.#page(query) } },
      governance,
      state: {
        ledger: this.ledger,
        directory: {
          get current() {
            return policies.#governance().directory;
          },
        },
        changes: {
          applyPolicy: (input: PolicyInput) => this.#apply(input),
          propose: (input: Proposed) => this.#propose(input),
          decideProposal: (input: Decided) => this.#decide(input),
        },
        store: {
          read: async () => undefined,
          proposals: async (limit: number) => this.proposals.toReversed().slice(0, limit),
          proposal: async (id: string) => this.proposals.find((row) => row.id === id),
          policyHistory: async (limit: number) => this.rows.toReversed().slice(0, limit),
          policyRevision: async (number: number) => this.rows.find((row) => row.number === number),
        },
      },
    };
    return parts as unknown as DoorParts;
  }
}
