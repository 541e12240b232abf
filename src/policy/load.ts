import { showPath } from '../kernel/config/document.ts';
import { type ConfigProblem, loadPlaced } from '../kernel/config.ts';
import { compilePolicy, type LoadedPolicy } from './compile.ts';
import { findingsOf } from './findings.ts';
import type { Finding } from './model.ts';
import { policySchema } from './schema.ts';

export interface PolicySource {
  /** YAML 1.2 or JSON, at most 1 MiB and 64 levels. */
  readonly text: string;
  /** Name of the file, for messages only. */
  readonly file: string;
  /** Milliseconds since the epoch; without it, nothing is found to have expired. */
  readonly now?: number;
}

export type PolicyResult =
  | { readonly ok: true; readonly policy: LoadedPolicy; readonly findings: readonly Finding[] }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] };

const MAX_PROBLEMS = 50;
/** Patterns of all rules together, aliases resolved: each call looks at every one of them. */
const MAX_PATTERNS = 20_000;

/**
 * Loads a policy document: all of it or nothing, for a part that is not understood could be a restriction. Problems stand in the
 * order of the file and quote none of its values.
 */
export function loadPolicy({ text, file, now }: PolicySource): PolicyResult {
  // A file that is cut off before it is written anew would otherwise be a policy that allows nothing.
  if (text.trim() === '') {
    const message = 'the document is empty; to allow nothing on purpose, write "access: []"';
    return { ok: false, problems: [{ file, line: 1, column: 1, path: '', message, suggestion: null }] };
  }
  const loaded = loadPlaced({ text, file, schema: policySchema });
  if (!loaded.ok) return loaded;
  const { value, place } = loaded;
  const { policy, faults } = compilePolicy(value, (path, words) => {
    const position = place(path);
    return { path: showPath(path), line: position === null ? 0 : position.line, text: words };
  });
  const patterns = policy.rules.reduce((sum, rule) => sum + rule.patterns.length, 0);
  if (patterns > MAX_PATTERNS) {
    const message = `its rules hold ${patterns} patterns, aliases resolved; at most ${MAX_PATTERNS} are looked at for every call`;
    return { ok: false, problems: [{ file, line: 1, column: 1, path: 'access', message, suggestion: null }] };
  }
  if (faults.length === 0) return { ok: true, policy, findings: findingsOf(policy, now ?? null) };
  const problems = faults.map(({ path, message, suggestion }) => {
    return { file, ...(place(path) ?? { line: 1, column: 1 }), path: showPath(path), message, suggestion };
  });
  problems.sort((a, b) => a.line - b.line || a.column - b.column);
  return { ok: false, problems: problems.slice(0, MAX_PROBLEMS) };
}
