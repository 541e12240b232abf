import { z } from 'zod';
import type { ProposalRow } from '../../store/ports.ts';
import type { ProposalShown } from './policy-services.ts';
import { AdminProblem } from './problems.ts';
import { described, idParams, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';
import { DirectoryView, isoOrNull } from './view.ts';

export const PROPOSAL_STATES = ['open', 'approved', 'rejected', 'withdrawn', 'ended'] as const;

const header = {
  id: described(z.string(), 'Opaque id, `chg_…`.'),
  state: described(z.enum(PROPOSAL_STATES), '`ended`: nobody decided it in time.'),
  base: described(
    z.number().int(),
    'Revision it was written against, 0 for none: approved only while that is in force.',
  ),
  sha256: described(z.string(), 'SHA-256 of the document, lower-case hex.'),
  author: described(z.string(), 'Id of who proposed it, or `file` for the watched file.'),
  author_name: z.string().nullable(),
  reason: z.string().nullable(),
  restores: described(z.number().int().nullable(), 'The revision that it goes back to.'),
  kinds: described(z.array(z.string()), 'Why it needs a second person: kinds of `two_people` in the policy.'),
  created_at: instant('When it was proposed.'),
  expires_at: instant('Until when it can be decided, not included.'),
  decided_by: described(z.string().nullable(), 'Id of who decided it.'),
  decided_by_name: z.string().nullable(),
  decided_at: instant('When it was decided.').nullable(),
};

export const ProposalHeader = named(
  'ProposalHeader',
  z.object(header),
  'A change of the policy that waits, or waited, for a second person.',
);

export const Proposal = named(
  'Proposal',
  z.object({
    ...header,
    text: described(z.string(), 'The document proposed.'),
    lines: described(
      z.array(z.string()).nullable(),
      'What it means for the people and services there are, in words; null where the document is not valid any more.',
    ),
    points: described(
      z.array(
        z.object({
          kind: z.string(),
          path: described(z.string(), 'Where it stands in the document.'),
          message: z.string(),
        }),
      ),
      'What in it needs a second person.',
    ),
  }),
  'A proposed change of the policy, with its document and what it means.',
);

/** A proposal as lists show it. */
export function showHeader(
  view: DirectoryView,
  row: Omit<ProposalRow, 'text'>,
  now: number,
): z.infer<typeof ProposalHeader> {
  return {
    id: row.id,
    state: stateOf(row, now),
    base: row.base,
    sha256: row.sha256,
    author: row.author,
    author_name: view.nameOf(row.author),
    reason: row.reason,
    restores: row.restores,
    kinds: [...row.kinds],
    created_at: new Date(row.createdAt).toISOString(),
    expires_at: new Date(row.expiresAt).toISOString(),
    decided_by: row.decidedBy,
    decided_by_name: view.nameOf(row.decidedBy),
    decided_at: isoOrNull(row.decidedAt),
  };
}

function stateOf(
  { decision, expiresAt }: Pick<ProposalRow, 'decision' | 'expiresAt'>,
  now: number,
): (typeof PROPOSAL_STATES)[number] {
  return decision ?? (expiresAt <= now ? 'ended' : 'open');
}

/** The proposal with this id. Throws `resource_unknown`. */
export async function findProposal(services: AdminServices, id: string): Promise<ProposalShown> {
  const found = await services.policy.proposal(id);
  if (found === undefined) throw new AdminProblem('resource_unknown', 'There is no proposal with this id.');
  return found;
}

/** The proposal with this id as it is now, with its text. Throws `resource_unknown`. */
export async function readProposal(services: AdminServices, id: string): Promise<z.infer<typeof Proposal>> {
  const { row, lines, points } = await findProposal(services, id);
  const view = new DirectoryView(await services.directory());
  return {
    ...showHeader(view, row, services.clock.now()),
    text: row.text,
    lines: lines === null ? null : [...lines],
    points: points.map(({ kind, path, message }) => ({ kind, path, message })),
  };
}

/** `{id}` of a proposal in a path. */
export const proposalParams = idParams('Id of the proposal, `chg_…`.');
