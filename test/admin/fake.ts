/** A small directory in memory behind the admin door's services: every change counts as one record, as the real one's do. */

import { createHash } from 'node:crypto';
import fastify, { type FastifyInstance } from 'fastify';
import { adminDoor } from '../../src/doors/admin/door.ts';
import type { AdminCaller, AdminRequest, AdminServices, RefusedRequest } from '../../src/doors/admin/services.ts';
import type { Principal } from '../../src/identity/principal.ts';
import type { JournalRecord } from '../../src/journal/records.ts';
import { Refusal } from '../../src/kernel/errors.ts';
import { newId } from '../../src/kernel/ids.ts';
import type { AuditQuery, Forecast, UnusualSpending, UsageQuery, UsageRow } from '../../src/projections/ports.ts';
import type { CredentialRow, DirectoryState, GrantRow, PartyRow, StopRow, TeamRow } from '../../src/store/ports.ts';
import { Answers, Feed } from './fake-feed.ts';
import { People } from './fake-identity.ts';
import { Policies } from './fake-policy.ts';

export const NOW = Date.parse('2026-11-24T12:00:00Z');

export class ChangeError extends Error {
  readonly code: string;
  constructor(code: 'not_found' | 'conflict' | 'invalid' | 'refused', message: string) {
    super(message);
    this.name = 'ChangeError';
    this.code = code;
  }
}

/** As identity's: a refusal that knows whose credential it was. */
class KnownRefusal extends Refusal {
  readonly known: object;
  constructor(code: 'wrong_door' | 'credential_revoked', { id, owner }: CredentialRow) {
    super(code);
    this.known = { who: owner, key: id, team: null };
  }
}

export class World {
  now = NOW;
  parties: PartyRow[] = [];
  teams: TeamRow[] = [];
  credentials: CredentialRow[] = [];
  stops: StopRow[] = [];
  grants: GrantRow[] = [];
  /** Names of the changes, each one outbox row. */
  changes: string[] = [];
  refusals: RefusedRequest[] = [];
  auditQueries: AuditQuery[] = [];
  usageQueries: UsageQuery[] = [];
  records: JournalRecord[] = [];
  usage: UsageRow[] = [];
  forecastRows: Forecast['rows'] = [];
  unusual: UnusualSpending[] = [];
  trouble: string | null = null;
  refuseRecords = false;
  projectionsDown = false;
  logged: object[] = [];
  lastUse = new Map<string, number>();
  readonly secret = 'gho_right';
  readonly people: People = new People(this);
  readonly feed: Feed = new Feed();
  readonly answers: Answers = new Answers();
  readonly policies: Policies = new Policies({
    now: () => this.now,
    directory: () => this.directory(),
    record: (change) => void this.changes.push(change),
  });
  #tokens = new Map<string, string>();

  party(name: string, change: Partial<PartyRow> = {}): PartyRow {
    const kind = change.kind ?? 'person';
    const row: PartyRow = {
      id: newId(kind === 'person' ? 'per' : 'svc', this.now++),
      kind,
      name,
      team: null,
      role: 'member',
      createdAt: this.now,
      disabledAt: null,
      erasedAt: null,
      sponsor: null,
      endsAt: null,
      ...change,
    };
    this.parties.push(row);
    return row;
  }

  credential(owner: string, change: Partial<CredentialRow> = {}): { row: CredentialRow; secret: string } {
    const kind = change.kind ?? 'key';
    const id = newId(kind === 'key' ? 'key' : 'adm', this.now++);
    const secret = `${kind === 'key' ? 'ghk' : 'gha'}_${id.slice(4)}`;
    const row: CredentialRow = {
      id,
      kind,
      digest: createHash('sha256').update(secret).digest('hex'),
      hint: secret.slice(0, 8),
      owner,
      label: '',
      createdAt: this.now,
      expiresAt: null,
      revokedAt: null,
      rotatedTo: null,
      team: null,
      ...change,
    };
    this.credentials.push(row);
    this.#tokens.set(secret, id);
    return { row, secret };
  }

  set(rows: 'parties' | 'credentials' | 'stops' | 'grants', id: string, change: object): void {
    const list: { id: string }[] = this[rows];
    const index = list.findIndex((row) => row.id === id);
    list[index] = { ...list[index], ...change } as { id: string };
  }

  team(name: string): TeamRow {
    const row = { id: newId('tea', this.now++), name, createdAt: this.now };
    this.teams.push(row);
    return row;
  }

  async identify({ headers, session }: AdminRequest): Promise<AdminCaller> {
    if (session !== null) return this.people.signedIn(session);
    const secret = /^Bearer (\S+)$/.exec(headers.authorization ?? '')?.[1];
    if (secret === undefined) throw new Refusal('credential_missing');
    const credential = this.credentials.find((row) => row.id === this.#tokens.get(secret));
    if (!credential) throw new Refusal('credential_unknown');
    if (credential.kind !== 'admin') throw new KnownRefusal('wrong_door', credential);
    if (credential.revokedAt !== null) throw new KnownRefusal('credential_revoked', credential);
    const owner = this.parties.find((row) => row.id === credential.owner);
    if (!owner || owner.disabledAt !== null) throw new Refusal('owner_disabled');
    const { id, kind, team, role } = owner;
    const admin = { id: credential.id, kind: 'admin', expires: null } as const;
    return this.people.standing({ kind, id, team, keyTeam: null, role, credential: admin, snapshot: 'd1' });
  }

  #works(token: string): boolean {
    const row = this.credentials.find(({ id }) => id === token);
    const owner = this.parties.find(({ id }) => id === row?.owner);
    return row?.revokedAt === null && owner?.disabledAt === null;
  }

  directory(): DirectoryState {
    return {
      sequence: this.changes.length,
      parties: [...this.parties],
      teams: [...this.teams],
      credentials: [...this.credentials],
      stops: this.stops.filter((row) => row.liftedAt === null),
      grants: this.grants.filter((row) => row.revokedAt === null && row.endsAt > this.now),
      policy: this.policies.rows.at(-1) ?? null,
      identities: [...this.people.identities],
      sessions: this.people.sessions.filter((row) => row.revokedAt === null),
    };
  }

  services(change: Partial<AdminServices> = {}): AdminServices {
    const record = (name: string) => void this.changes.push(name);
    return {
      ...this.people.services(),
      clock: { now: () => this.now, monotonic: () => this.now },
      version: '0.0.0-test',
      startedAt: NOW - 61_000,
      identify: (request) => this.identify(request),
      roleNow: (principal: Principal) => this.people.roleNow(principal, (id) => this.#works(id)),
      answers: this.answers,
      follow: (following) => this.feed.follow(following),
      content: async (intent) =>
        this.records.some((row) => row.id === intent)
          ? { request: { state: 'kept', text: 'hello' }, response: { state: 'none', text: null } }
          : null,
      directory: async () => this.directory(),
      stops: async (limit) => this.stops.toReversed().slice(0, limit),
      grants: async (limit) => this.grants.toReversed().slice(0, limit),
      credentials: async (owner) =>
        this.credentials
          .filter((row) => owner === undefined || row.owner === owner)
          .map((row) => ({ ...row, lastUsedAt: this.lastUse.get(row.id) ?? null })),
      changes: this.#verbs(record),
      policy: this.policies.services,
      projections: {
        usage: async (query) => {
          this.usageQueries.push(query);
          return this.usage;
        },
        forecast: async ({ month, today }) => {
          const all = {
            toDateMicros: 1,
            expectedMicros: 2_500_000,
            lowMicros: 2,
            highMicros: 3,
            method: 'weekday',
          } as const;
          return { month, today, rows: this.forecastRows, total: all };
        },
        unusual: async () => this.unusual,
        audit: async (query) => {
          if (this.projectionsDown) throw new Error('worker gone');
          this.auditQueries.push(query);
          return {
            records: this.records.slice(0, query.limit),
            cursor: this.records.length > query.limit ? 'next' : null,
          };
        },
        show: async (id) => this.records.filter((row) => row.id === id || row.intent === id),
        rebuild: async () => ({ records: this.records.length }),
        status: async () => {
          if (this.projectionsDown) throw new Error('worker gone');
          return { seq: 40, records: 41 };
        },
      },
      journal: { head: { writer: 'w1', seq: 42, hash: 'ab'.repeat(32), segment: 's1' }, trouble: this.trouble },
      durability: 'synced',
      recordRefusal: async (refused) => {
        if (this.refuseRecords) throw new Refusal('journal_unavailable');
        this.refusals.push(refused);
        return refused.caller ? newId('rec', this.now++) : null;
      },
      recordAction: async ({ action }) => record(action),
      disk: async () => ({ freeBytes: 5e9, totalBytes: 1e10, fullAt: NOW + 86_400_000, state: 'ok' }),
      upstream: () => ({ name: 'anthropic', configured: true, simulated: false }),
      snapshot: () => ({ policy: 'p1', directory: 'd1' }),
      warnings: () => [],
      backup: async (name) => ({ folder: `/backups/${name}`, files: 3, bytes: 1234, seq: 42 }),
      log: { error: (fields) => void this.logged.push(fields) },
      ...change,
    };
  }

  #overlayId(prefix: 'stp' | 'gra'): string {
    return prefix + newId('rec', this.now++).slice(3);
  }

  #verbs(record: (name: string) => void): AdminServices['changes'] {
    return {
      ...this.people.verbs(record),
      claimOwner: async ({ secret, email }) => {
        if (secret !== this.secret) throw new ChangeError('refused', 'This is not the secret.');
        record('owner.claimed');
        const person = this.party(email, { role: 'primary_owner' });
        return { person: person.id, token: this.credential(person.id, { kind: 'admin' }).secret };
      },
      addPerson: async ({ email, team, role }) => {
        if (this.parties.some((row) => row.name === email)) throw new ChangeError('conflict', 'This person is known.');
        record('person.added');
        return { id: this.party(email, { team, role }).id };
      },
      setPersonTeam: async ({ person, team }) => {
        this.set('parties', person, { team });
        record('person.team');
      },
      disableParty: async ({ party }) => {
        this.set('parties', party, { disabledAt: this.now });
        record('party.disabled');
      },
      enableParty: async ({ party }) => {
        this.set('parties', party, { disabledAt: null });
        record('party.enabled');
      },
      erasePerson: async ({ person }) => {
        this.set('parties', person, { name: null, erasedAt: this.now, disabledAt: this.now });
        record('person.erased');
      },
      addTeam: async ({ name }) => {
        record('team.added');
        return { id: this.team(name).id };
      },
      ensureService: async ({ name, team }) => {
        const known = this.parties.find((row) => row.kind === 'service' && row.name === name);
        if (known) return { id: known.id };
        record('service.added');
        return { id: this.party(name, { kind: 'service', team }).id };
      },
      createKey: async ({ owner, kind, label, expiresAt, team }) => {
        record('key.created');
        const { row, secret } = this.credential(owner, { kind, label, expiresAt, team });
        return { id: row.id, secret };
      },
      rotateKey: async ({ key, overlapMs }) => {
        const old = this.credentials.find((row) => row.id === key);
        const { row, secret } = this.credential(old?.owner ?? '', { kind: old?.kind ?? 'key' });
        this.set('credentials', key, { rotatedTo: row.id, expiresAt: this.now + overlapMs });
        record('key.rotated');
        return { id: row.id, secret };
      },
      revokeCredential: async ({ credential }) => {
        this.set('credentials', credential, { revokedAt: this.now });
        record('key.revoked');
      },
      stop: async (input) => {
        const id = this.#overlayId('stp');
        this.stops.push({ ...input, id, createdAt: this.now, liftedAt: null });
        record('stop.made');
        return { id };
      },
      liftStop: async ({ stop }) => {
        this.set('stops', stop, { liftedAt: this.now });
        record('stop.lifted');
      },
      grant: async (input) => {
        const id = this.#overlayId('gra');
        this.grants.push({ ...input, id, startsAt: this.now, createdAt: this.now, revokedAt: null });
        record('grant.made');
        return { id };
      },
      revokeGrant: async ({ grant }) => {
        this.set('grants', grant, { revokedAt: this.now });
        record('grant.revoked');
      },
    };
  }
}

interface CallOptions {
  readonly body?: unknown;
  /** Of an admin token; null for none. That of the owner unless told. */
  readonly token?: string | null;
  /** Instead of a token: what a browser sends, with its CSRF token unless told. */
  readonly session?: { readonly secret: string; readonly csrf: string | null };
  readonly headers?: Record<string, string>;
}

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** The door over a world, with an owner's and a member's admin token and a member's virtual key. */
export async function openDoor(change: Partial<AdminServices> = {}) {
  const world = new World();
  const owner = world.party('olga@example.com', { role: 'primary_owner' });
  const member = world.party('mia@example.com');
  const token = world.credential(owner.id, { kind: 'admin' }).secret;
  const memberToken = world.credential(member.id, { kind: 'admin' }).secret;
  const virtualKey = world.credential(member.id).secret;
  const app: FastifyInstance = fastify({ routerOptions: { maxParamLength: 500 } });
  await adminDoor(app, world.services(change));
  await app.ready();
  const call = (method: Method, url: string, options: CallOptions = {}) => {
    const { body, session } = options;
    const bearer = options.token === undefined && session === undefined ? token : options.token;
    return app.inject({
      method,
      url,
      headers: {
        ...(bearer === null || bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
        ...(session === undefined ? {} : browserHeaders(session)),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...options.headers,
      },
      ...(body === undefined ? {} : { payload: JSON.stringify(body) }),
    });
  };
  return { world, app, owner, member, token, memberToken, virtualKey, call };
}

/** What a browser sends from a page of ours. */
export function browserHeaders({ secret, csrf }: { secret: string; csrf: string | null }): Record<string, string> {
  return {
    cookie: `gatehouse-session=${secret}`,
    'sec-fetch-site': 'same-origin',
    ...(csrf === null ? {} : { 'x-gatehouse-csrf': csrf }),
  };
}
