/** Whether content of calls is kept that was not. Asked of everybody whom either policy can tell apart, not of the directory. */
import { fold } from '../../kernel/text.ts';
import type { CompiledPolicy, RetentionPolicy, SubjectPattern } from '../model.ts';
import { levelOf } from '../retention.ts';
import { showSubject } from '../subjects.ts';
import { type SensitiveChange, section } from './change.ts';
import type { Moved } from './members.ts';

interface Sides {
  readonly before: CompiledPolicy;
  readonly after: CompiledPolicy;
}

export function contentChanges({ before, after }: Sides, moved: readonly Moved[]): SensitiveChange[] {
  const place = section('retention.content');
  const found: SensitiveChange[] = [];
  if (keepsMore(before.retention, after.retention)) {
    found.push({ kind: 'content', place, message: 'content of calls is kept that was not kept' });
  }
  if (moved.some((one) => isKeptNow(before.retention, after.retention, one))) {
    const message = 'members of teams move, and content of their calls can be kept that was not kept';
    found.push({ kind: 'content', place: section('teams'), message });
  }
  return found;
}

/** What the lines of one level say of a caller; null for nothing. */
type Word = boolean | null;
type Pair = readonly [before: Word, after: Word];

/**
 * Walks the levels from the nearest: at each, every pair of words that some caller can meet. What is not decided at one level is at
 * the next. True where some way ends in kept now and not before.
 */
function keepsMore(before: RetentionPolicy, after: RetentionPolicy): boolean {
  let states = new Map<string, Pair>([['', [null, null]]]);
  for (const level of [0, 1, 2, 3]) {
    const pairs = pairsAt(level, before, after);
    const next = new Map<string, Pair>();
    for (const [old, now] of states.values()) {
      for (const pair of pairs) {
        const state: Pair = [old ?? pair[0], now ?? pair[1]];
        next.set(String(state), state);
      }
    }
    states = next;
  }
  return [...states.values()].some(([old, now]) => !(old ?? before.fallback) && (now ?? after.fallback));
}

/** Of a caller whom no line of the level names, of one, and of one whom several name: then one `none` decides. */
function pairsAt(level: number, before: RetentionPolicy, after: RetentionPolicy): Pair[] {
  const [old, now] = [wordsAt(level, before), wordsAt(level, after)];
  const pairs = new Map<string, Pair>([[String([null, null]), [null, null]]]);
  for (const name of new Set([...old.keys(), ...now.keys()])) {
    const own: Pair = [old.get(name) ?? null, now.get(name) ?? null];
    for (const other of [...pairs.values()]) {
      const both: Pair = [together(own[0], other[0]), together(own[1], other[1])];
      pairs.set(String(both), both);
    }
  }
  return [...pairs.values()];
}

function together(a: Word, b: Word): Word {
  if (a === null || b === null) return a ?? b;
  return a && b;
}

function wordsAt(level: number, { lines }: RetentionPolicy): Map<string, boolean> {
  const own = lines.filter(({ pattern }) => levelOf(pattern) === level);
  return new Map(own.map(({ pattern, keep }) => [showSubject(pattern), keep]));
}

/** Callers choose among their teams; who chooses none is charged to the first. */
function isKeptNow(before: RetentionPolicy, after: RetentionPolicy, moved: Moved): boolean {
  const same = moved.before.length === moved.after.length && moved.before.every((team) => moved.after.includes(team));
  const most = same ? 1 : Number.POSITIVE_INFINITY;
  const words = (policy: RetentionPolicy, teams: readonly string[]) =>
    teams.length === 0 ? [policy.fallback] : teams.slice(0, most).map((team) => wordFor(policy, team));
  return words(after, moved.after).includes(true) && words(before, moved.before).includes(false);
}

function wordFor({ lines, fallback }: RetentionPolicy, team: string): boolean {
  const isOwn = (pattern: SubjectPattern) => pattern.kind === 'team' && fold(pattern.id) === team;
  return lines.find(({ pattern }) => isOwn(pattern))?.keep ?? fallback;
}
