import { z } from 'zod';
import { type Context, checkTeam } from './context.ts';
import type { Subject, SubjectPattern } from './model.ts';
import { applies, parseSubject, SUBJECT_HINT, showSubject } from './subjects.ts';

const kept = z.enum(['none', 'full']);

/** `retention`: whose content is kept. */
export const retentionSchema = z.strictObject({
  content: z
    .record(z.string(), kept)
    .optional()
    .describe(
      'Whether prompts and answers are kept, encrypted: `none` or `full` for `default` and for any subject, such as `team research`. A person, service or key wins over the team the call is charged to, the team over `default`; without a word, `none`.',
    ),
});

export type RetentionSection = z.output<typeof retentionSchema>;

interface Line {
  readonly pattern: SubjectPattern;
  readonly keep: boolean;
}

/** Answers whether the content of a subject's calls is kept. Subjects that are none, or are given twice, are faults. */
export function compileRetention(section: RetentionSection | undefined, context: Context): (who: Subject) => boolean {
  const content = Object.entries(section?.content ?? {});
  const lines = new Map<string, Line>();
  let fallback = false;
  for (const [written, value] of content) {
    const path = ['retention', 'content', written];
    const pattern = parseSubject(written);
    if (written === 'default') fallback = value === 'full';
    else if (pattern === null || pattern.kind === 'everyone')
      context.fault(path, `${SUBJECT_HINT}; default for all others`);
    else if (lines.has(showSubject(pattern))) context.fault(path, 'is given twice: names are compared in lower case');
    else {
      if (pattern.kind === 'team') checkTeam(pattern.id, path, context);
      else context.named(pattern.kind, pattern.id, path);
      lines.set(showSubject(pattern), { pattern, keep: value === 'full' });
    }
  }
  return keeper([...lines.values()], fallback);
}

function keeper(lines: readonly Line[], fallback: boolean): (who: Subject) => boolean {
  if (lines.length === 0) return () => fallback;
  return (who) => {
    // Only the team that is charged speaks: of several teams, another one's wish must not decide what is kept.
    const charged = { ...who, teams: who.team === null ? [] : [who.team] };
    const found = lines.filter(({ pattern }) => applies([pattern], charged));
    const nearest = ORDER.flatMap((isKind) => found.filter(({ pattern }) => isKind(pattern)))[0];
    return nearest?.keep ?? fallback;
  };
}

/** From the most specific: a key, then its owner, then the team. */
const ORDER: readonly ((pattern: SubjectPattern) => boolean)[] = [
  ({ kind }) => kind === 'key',
  ({ kind }) => kind === 'person' || kind === 'service',
  ({ kind }) => kind === 'team',
];
