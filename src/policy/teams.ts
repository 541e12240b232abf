import { z } from 'zod';
import { isId } from '../kernel/ids.ts';
import { fold } from '../kernel/text.ts';
import { type Context, checkSubject, itemPath } from './context.ts';
import type { PolicyTeam, SubjectPattern } from './model.ts';
import { isEmail, isName, showSubject, subject, subjects } from './subjects.ts';
import { plainText } from './text.ts';

const MAX_MEMBERS = 10_000;

const members = z
  .union([subject, z.array(subject).max(MAX_MEMBERS)])
  .transform((value) => (Array.isArray(value) ? { items: value, list: true } : { items: [value], list: false }));

const teamSchema = z.strictObject({
  members: members
    .optional()
    .describe('Who belongs to the team: `group PROVIDER/NAME`, an e-mail address, `service NAME`, `per_…` or `svc_…`.'),
  cost_center: plainText(64).optional().describe('Where the spending of the team is booked.'),
  lead: z
    .string()
    .max(254)
    // An erased person stands here by the id.
    .refine((text) => isEmail(fold(text)) || isId(fold(text), 'per'), { error: 'must be an e-mail address' })
    .transform(fold)
    .optional()
    .describe('E-mail address of whoever answers for the team.'),
  leads: subjects
    .optional()
    .describe('Who else leads the team: `group PROVIDER/NAME`, an e-mail address or `per_…`, or a list of them.'),
});

/** `teams`: their names, and who belongs to them beside what the directory says. */
export const teamsSchema = z.record(z.string(), teamSchema);

export type TeamsSection = z.output<typeof teamsSchema>;

/** The teams by their names in lower case. Names that are not plain, or differ only in case, are faults. */
export function compileTeams(section: TeamsSection, context: Context): Map<string, PolicyTeam> {
  const teams = new Map<string, PolicyTeam>();
  for (const [written, team] of Object.entries(section)) {
    const name = written.trim().normalize('NFC');
    const path = ['teams', written];
    if (!isName(name)) context.fault(path, 'the name of a team has 1 to 64 characters and no control characters');
    if (teams.has(fold(name))) context.fault(path, 'is given twice: names of teams are compared in lower case');
    teams.set(fold(name), {
      name,
      costCenter: team.cost_center ?? null,
      lead: team.lead ?? null,
      leads: compileLeads(team, path, context),
      groups: compileGroups(team, path, context),
    });
  }
  return teams;
}

type Team = TeamsSection[string];

function compileLeads({ lead, leads }: Team, path: readonly string[], context: Context): SubjectPattern[] {
  const found = new Map<string, SubjectPattern>();
  const add = (pattern: SubjectPattern) => found.set(showSubject(pattern), pattern);
  if (lead !== undefined) {
    context.named('person', lead, [...path, 'lead']);
    add({ kind: 'person', id: lead });
  }
  for (const [i, { pattern }] of (leads?.items ?? []).entries()) {
    const own = itemPath([...path, 'leads'], leads ?? { items: [], list: true }, i);
    if (pattern.kind !== 'person' && pattern.kind !== 'group') {
      context.fault(own, 'a lead is an e-mail address, per_… or group PROVIDER/NAME');
      continue;
    }
    checkSubject(pattern, own, context);
    add(pattern);
  }
  return [...found.values()];
}

function compileGroups({ members: listed }: Team, path: readonly string[], context: Context): SubjectPattern[] {
  const found = new Map<string, SubjectPattern>();
  for (const [i, { pattern }] of (listed?.items ?? []).entries()) {
    if (pattern.kind !== 'group' || listed === undefined) continue;
    const own = itemPath([...path, 'members'], listed, i);
    checkSubject(pattern, own, context);
    if (found.has(pattern.id)) context.repeated(own);
    found.set(pattern.id, pattern);
  }
  return [...found.values()];
}

/** Teams of each person and service that the section lists, in the order of the document. */
export function compileMembers(section: TeamsSection, context: Context): Map<string, string[]> {
  const memberships = new Map<string, Set<string>>();
  for (const [written, { members: listed }] of Object.entries(section)) {
    const team = written.trim().normalize('NFC');
    for (const [i, { pattern }] of (listed?.items ?? []).entries()) {
      if (listed === undefined || pattern.kind === 'group') continue;
      const path = itemPath(['teams', written, 'members'], listed, i);
      if (pattern.kind !== 'person' && pattern.kind !== 'service') {
        context.fault(path, 'a member is group PROVIDER/NAME, an e-mail address, service NAME, per_… or svc_…');
        continue;
      }
      checkSubject(pattern, path, context);
      const teams = memberships.get(pattern.id) ?? new Set<string>();
      if (teams.has(team)) context.repeated(path);
      memberships.set(pattern.id, teams.add(team));
    }
  }
  return new Map([...memberships].map(([id, teams]) => [id, [...teams]]));
}
