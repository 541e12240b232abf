/** What policies look like from outside: revisions, findings, faults. */
import { z } from 'zod';
import type { ConfigProblem } from '../../kernel/config.ts';
import type { Finding as PolicyFinding, Place as PolicyPlace } from '../../policy/model.ts';
import type { PolicyInForce, RevisionHeader } from './policy-services.ts';
import { described, instant, named } from './schemas.ts';
import type { DirectoryView } from './view.ts';

/** The document in a body. Its size is checked where it is read, which says so in the words of its other faults. */
export const documentText = described(z.string(), 'The policy document, YAML 1.2 or JSON, at most 1 MiB.');

export const mode = z.enum(['enforce', 'observe']);
export const effect = z.enum(['allow', 'ask', 'deny']);
export const period = z.enum(['day', 'week', 'month', 'lifetime']);
/** What a rate or budget counts by. */
export const SCOPES = ['organization', 'team', 'person', 'service', 'key', 'model'] as const;
/** Fields that say who calls. */
export const caller = { kind: z.enum(['person', 'service']), id: z.string(), name: z.string().nullable() };

export const revisionNumber = z.number().int().min(1).max(Number.MAX_SAFE_INTEGER);

export const Place = named(
  'PolicyPlace',
  z.object({
    path: described(z.string(), 'Where it stands in the document, such as `access[2]`.'),
    line: described(z.number().int(), 'From 1; 0 for what no line says.'),
    text: described(z.string(), 'The entry as a sentence.'),
  }),
  'A line of a policy document.',
);

export const Finding = named(
  'PolicyFinding',
  z.object({
    severity: z.enum(['warning', 'note']),
    code: described(z.string(), 'Such as `never_applies`, `uncapped`, `unknown_name`.'),
    place: Place,
    message: z.string(),
  }),
  'A remark on a policy that is valid.',
);

export const Fault = named(
  'PolicyFault',
  z.object({
    line: z.number().int(),
    column: z.number().int(),
    path: described(z.string(), 'Such as `access[2].to`; empty for the document as a whole.'),
    message: z.string(),
    suggestion: described(z.string().nullable(), 'A known word near the one that was written.'),
  }),
  'Why a policy document is not valid.',
);

const header = {
  revision: described(z.number().int(), 'Number of the revision.'),
  sha256: described(z.string(), 'SHA-256 of the document as it was given, lower-case hex.'),
  author: described(z.string(), 'Id of who applied it, `file` for the watched file, or `system`.'),
  author_name: z.string().nullable(),
  reason: z.string().nullable(),
  restores: described(z.number().int().nullable(), 'The revision that it went back to.'),
  applied_at: instant('When it was applied.'),
};
const text = described(
  z.string(),
  'The document. Addresses of erased people are replaced by their ids; empty where it was lost with a newer store.',
);

export const Revision = named('PolicyRevision', z.object(header), 'One version of the policy document.');
export const RevisionText = named(
  'PolicyRevisionText',
  z.object({ ...header, text }),
  'One version of the policy document, with its text.',
);

export const Policy = named(
  'Policy',
  z.object({
    source: described(
      z.enum(['store', 'file']),
      '`file`: a watched file says what is in force; it cannot be changed here.',
    ),
    file: described(z.string().nullable(), 'The watched file.'),
    ...header,
    newest: described(
      z.number().int(),
      'The newest revision; another one than `revision` only while `trouble` says why.',
    ),
    text,
    mode: described(z.enum(mode.options), '`observe`: nothing is refused by it.'),
    trouble: described(z.string().nullable(), 'Why what should be in force is not; null when nothing is wrong.'),
    findings: z.array(Finding),
  }),
  'The policy in force.',
);

/** What of the policy in force time alone changes: not part of its tag. */
export const POLICY_VOLATILE = ['findings', 'trouble'];

/** A revision as shown to an administrator. */
export function showRevision(view: DirectoryView, row: RevisionHeader): z.infer<typeof Revision> {
  return {
    revision: row.number,
    sha256: row.sha256,
    author: row.author,
    author_name: view.nameOf(row.author),
    reason: row.reason,
    restores: row.restores,
    applied_at: new Date(row.createdAt).toISOString(),
  };
}

/** The policy in force as shown to an administrator. */
export function showPolicy(
  view: DirectoryView,
  { source, file, row, newest, mode, findings }: PolicyInForce,
  trouble: string | null,
): z.infer<typeof Policy> {
  return {
    ...{ source, file, newest, mode, trouble, text: row.text },
    ...showRevision(view, row),
    findings: findings.map(showFinding),
  };
}

export function showPlace({ path, line, text }: PolicyPlace): z.infer<typeof Place> {
  return { path, line, text };
}

export function showFinding({ severity, code, place, message }: PolicyFinding): z.infer<typeof Finding> {
  return { severity, code, place: showPlace(place), message };
}

export function showFault({ line, column, path, message, suggestion }: ConfigProblem): z.infer<typeof Fault> {
  return { line, column, path, message, suggestion };
}
