import { z } from 'zod';
import { type Context, checkSubject } from './context.ts';
import type { RetentionPolicy, Subject, SubjectPattern } from './model.ts';
import { applies, parseSubject, SUBJECT_HINT, showSubject } from './subjects.ts';

const kept = z.enum(['none', 'full']);

/** `retention`: whose content is kept. */
export const retentionSchema = z.strictObject({
  content: z
    .record(z.string(), kept)
    .optional()
    .describe(
      'Whether prompts and answers are kept, encrypted: `none` or `full` for `default` and for any subject, such as `team research`. A key wins over its owner, that over groups, those over the team the call is charged to, the team over `default`; of several that are equally near, `none`; without a word, `none`.',
    ),
});

export type RetentionSection = z.output<typeof retentionSchema>;

/** Whose content is kept. Subjects that are none, or are given twice, are faults. */
export function compileRetention(section: RetentionSection | undefined, context: Context): RetentionPolicy {
  const content = Object.entries(section?.content ?? {});
  const lines = new Map<string, RetentionPolicy['lines'][number]>();
  let fallback = false;
  for (const [written, value] of content) {
    const path = ['retention', 'content', written];
    const pattern = parseSubject(written);
    if (written === 'default') fallback = value === 'full';
    else if (pattern === null || pattern.kind === 'everyone')
      context.fault(path, `${SUBJECT_HINT}; default for all others`);
    else if (lines.has(showSubject(pattern))) context.fault(path, 'is given twice: names are compared in lower case');
    else {
      checkSubject(pattern, path, context);
      lines.set(showSubject(pattern), { pattern, keep: value === 'full' });
    }
  }
  return { fallback, lines: [...lines.values()] };
}

/** Answers whether the content of a subject's calls is kept. */
export function keeper({ lines, fallback }: RetentionPolicy): (who: Subject) => boolean {
  if (lines.length === 0) return () => fallback;
  return (who) => {
    // Only the team that is charged speaks: of several teams, another one's wish must not decide what is kept.
    const charged = { ...who, teams: who.team === null ? [] : [who.team] };
    const found = lines.filter(({ pattern }) => applies([pattern], charged));
    const level = Math.min(...found.map(({ pattern }) => levelOf(pattern)));
    const nearest = found.filter(({ pattern }) => levelOf(pattern) === level);
    return nearest.length === 0 ? fallback : nearest.every(({ keep }) => keep);
  };
}

/** From the most specific, 0: a key, its owner, the owner's groups, the team. */
export function levelOf({ kind }: SubjectPattern): number {
  return LEVELS[kind];
}

const LEVELS: Readonly<Record<SubjectPattern['kind'], number>> = {
  key: 0,
  person: 1,
  service: 1,
  group: 2,
  team: 3,
  everyone: 4,
};
