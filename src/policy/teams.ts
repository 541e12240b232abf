import { z } from 'zod';
import { fold } from '../kernel/text.ts';
import type { Context } from './context.ts';
import type { PolicyTeam } from './model.ts';
import { isEmail, isName, subject } from './subjects.ts';
import { plainText } from './text.ts';

const teamSchema = z.strictObject({
  members: z
    .array(subject)
    .max(10_000)
    .default([])
    .describe('Who belongs to the team: an e-mail address, `service NAME`, `per_…` or `svc_…`.'),
  cost_center: plainText(64).optional().describe('Where the spending of the team is booked.'),
  lead: z
    .string()
    .max(254)
    .refine((text) => isEmail(fold(text)), { error: 'must be an e-mail address' })
    .transform(fold)
    .optional()
    .describe('E-mail address of whoever answers for the team.'),
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
    teams.set(fold(name), { name, costCenter: team.cost_center ?? null, lead: team.lead ?? null });
  }
  return teams;
}

/** Teams of each person and service that the section lists, in the order of the document. */
export function compileMembers(section: TeamsSection, context: Context): Map<string, string[]> {
  const memberships = new Map<string, string[]>();
  for (const [written, { members }] of Object.entries(section)) {
    const team = written.trim().normalize('NFC');
    for (const [i, { pattern }] of members.entries()) {
      const path = ['teams', written, 'members', i];
      if (pattern.kind !== 'person' && pattern.kind !== 'service') {
        context.fault(path, 'a member is an e-mail address, service NAME, per_… or svc_…');
        continue;
      }
      context.named(pattern.kind, pattern.id, path);
      const teams = memberships.get(pattern.id) ?? [];
      if (teams.includes(team)) context.repeated(path);
      else memberships.set(pattern.id, [...teams, team]);
    }
  }
  return memberships;
}
