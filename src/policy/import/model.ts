/** What translating another gateway's configuration yields. Pure data. */
import type { ConfigProblem } from '../../kernel/config.ts';

export const IMPORT_KINDS = ['litellm', 'claude-gateway', 'portkey'] as const;

/** Whose configuration it is. */
export type ImportKind = (typeof IMPORT_KINDS)[number];

/**
 * `untranslated`: has no counterpart, or none that would not allow more; `changed`: translated, but it means something else now;
 * `check`: a person must look, such as a secret in the clear.
 */
export type Severity = 'untranslated' | 'changed' | 'check';

export interface ImportNote {
  readonly severity: Severity;
  /** Where in the input: `litellm_settings.max_budget`; empty for the file as a whole. Never shows a secret. */
  readonly path: string;
  /** From 1. */
  readonly line: number;
  /** A sentence without its full stop. Quotes nothing but names of models, groups and settings. */
  readonly message: string;
}

export interface Imported {
  readonly ok: true;
  /** A policy document, YAML, closed by default; comments say where a choice was made. */
  readonly policy: string;
  /** The `upstream` section of a configuration file, YAML; null where the input names no upstream that Gatehouse can use. */
  readonly config: string | null;
  /** In the order of the file. */
  readonly notes: readonly ImportNote[];
}

export type ImportResult = Imported | { readonly ok: false; readonly problems: readonly ConfigProblem[] };
