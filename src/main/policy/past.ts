import type { Action } from '../../journal/bodies.ts';
import type { JournalRecord, Json } from '../../journal/records.ts';
import { utcDay } from '../../kernel/days.ts';
import type { CompiledPolicy, Subject } from '../../policy/model.ts';
import type { PolicyReplay } from '../../policy/replay.ts';
import type { Governance } from '../../steps/governance.ts';
import { type KnownCaller, subjectIn } from './callers.ts';

/** A call whose outcome has not been read yet. */
interface Open {
  readonly subject: Subject;
  readonly model: string | null;
  readonly day: string;
  /** Micro-dollars. */
  held: number;
}

const ACTIONS: ReadonlySet<string> = new Set<Action>(['model.call', 'model.count', 'model.list']);

/**
 * Reads journal records, oldest first, into a replay. Callers stand there with the teams that the candidate and today's directory
 * give them; charged is the team that was, where they still belong to it. Memory follows callers and open calls.
 */
export class Past {
  readonly #replay: Pick<PolicyReplay, 'call' | 'spend'>;
  readonly #governance: Pick<Governance, 'policy' | 'directory'>;
  readonly #subjects = new Map<string, Subject>();
  readonly #open = new Map<string, Open>();
  #at: number | null = null;

  constructor(
    replay: Pick<PolicyReplay, 'call' | 'spend'>,
    governance: { readonly policy: CompiledPolicy; readonly directory: Governance['directory'] },
  ) {
    this.#replay = replay;
    this.#governance = governance;
  }

  /** When the last record was written, milliseconds since the epoch; null before the first. */
  get at(): number | null {
    return this.#at;
  }

  add(record: JournalRecord): void {
    const at = Date.parse(record.at);
    this.#at = at;
    if (record.kind === 'outcome') this.#ended(record, at);
    else if (record.kind === 'extension') this.#extended(record);
    else if (isAction(record.action)) this.#called(record, record.action, at);
  }

  #called(record: JournalRecord, action: Action, at: number): void {
    const subject = this.#subject(record);
    const model = textOf(record.model);
    if (record.kind === 'refusal') {
      this.#replay.call({ subject, action, model, at, refused: textOf(record.code) ?? 'unknown' });
      return;
    }
    const rule = textOf(fieldOf(record.decision, 'rule'));
    this.#replay.call({ subject, action, model, at, refused: null, approved: rule?.startsWith('gra_') === true });
    this.#open.set(record.id, { subject, model, day: dayOf(record, at), held: microsOf(record.reserved) });
  }

  #extended(record: JournalRecord): void {
    const open = this.#open.get(String(record.intent));
    if (open !== undefined) open.held = microsOf(record.reserved);
  }

  #ended(record: JournalRecord, at: number): void {
    const id = String(record.intent);
    const open = this.#open.get(id);
    this.#open.delete(id);
    // One that recovery wrote names nobody: what was held for the call is charged to who its intent names.
    const named = textOf(record.who) !== null;
    if (!named && open === undefined) return;
    const micros = named ? microsOf(fieldOf(record.cost, 'micros')) : (open?.held ?? 0);
    const subject = open?.subject ?? this.#subject(record);
    const model = open === undefined ? textOf(record.model) : open.model;
    this.#replay.spend({ subject, model, day: open?.day ?? dayOf(record, at), at, micros });
  }

  #subject(record: JournalRecord): Subject {
    const [id, key, team] = [textOf(record.who) ?? '', textOf(record.key) ?? '', textOf(record.team)];
    const mark = `${id} ${key} ${team}`;
    const known = this.#subjects.get(mark) ?? this.#resolve({ id, key }, team);
    this.#subjects.set(mark, known);
    return known;
  }

  #resolve({ id, key }: Pick<KnownCaller, 'id' | 'key'>, charged: string | null): Subject {
    const { directory } = this.#governance;
    const kind = id.startsWith('svc_') ? 'service' : 'person';
    const keyTeam = directory.credentials.get(key)?.credential.team ?? null;
    const subject = subjectIn(this.#governance, { kind, id, key, keyTeam });
    const was = charged === null ? undefined : directory.teams.get(charged)?.name.toLowerCase();
    const team = subject.teams.find((name) => name.toLowerCase() === was);
    return team === undefined ? subject : { ...subject, team };
  }
}

/** Refusals at the admin door are no calls. */
function isAction(value: Json | undefined): value is Action {
  return typeof value === 'string' && ACTIONS.has(value);
}

/** The day it was booked on; records of version 0.1.0 name none. */
function dayOf(record: JournalRecord, at: number): string {
  return textOf(record.day) ?? utcDay(at);
}

function fieldOf(value: Json | undefined, name: string): Json | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return (value as { readonly [key: string]: Json })[name];
}

function textOf(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

function microsOf(value: Json | undefined): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
