import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { numberOf, textOf, timeOf } from '../fields.ts';
import { everyEntry } from '../lists.ts';

const REASON = ['--reason <text>', 'why, for the audit trail; name nobody in it'] as const;

/** `gatehouse sessions`: browsers that are signed in. */
export function sessionsCommand(program: Command, cli: Cli): void {
  const sessions = program.command('sessions').description('browsers that are signed in');
  examples(sessions, cli.io.command, [
    ['sessions list', 'who is signed in'],
    ['sessions end ses_…', 'the next request of that browser is refused'],
  ]);
  const list = sessions
    .command('list')
    .description('list sessions, newest first')
    .option('--person <who>', 'only those of a person, by e-mail address or id')
    .option('--all', 'also those that are over')
    .action(async ({ person, all }: { person?: string; all?: boolean }) => {
      const query = { person, state: all ? 'all' : 'open' };
      const rows = await everyEntry(cli, '/api/sessions', { name: 'sessions', query });
      const titles = ['person', 'browser', 'provider', 'state', 'last seen', 'id'];
      cli.answer({ sessions: rows }, () =>
        rows.length === 0
          ? ['Nobody is signed in.']
          : cli.table(
              titles.map((title) => ({ title, shrinks: title === 'person' || title === 'browser' })),
              rows.map((row) => [
                textOf(row, 'person_name') || textOf(row, 'person'),
                textOf(row, 'label'),
                textOf(row, 'provider') || 'sealed way in',
                textOf(row, 'state'),
                timeOf(row, 'last_seen_at'),
                textOf(row, 'id'),
              ]),
            ),
      );
    });
  examples(list, cli.io.command, [['sessions list --person ada@example.com', 'those of one person']]);
  const end = sessions
    .command('end <id>')
    .description('end a session now')
    .option(...REASON)
    .action(async (id: string, { reason }: { reason?: string }) => {
      const ended = await cli.api().delete(`/api/sessions/${encodeURIComponent(id)}`, { reason });
      cli.answer(ended, () => [`Ended: ${textOf(ended, 'label')} of ${textOf(ended, 'person_name')}`]);
    });
  examples(end, cli.io.command, [['sessions end ses_… --reason "lost laptop"', 'sessions list shows the ids']]);
  const endAll = sessions
    .command('end-all <who>')
    .description('end every session of a person; keys go on')
    .option(...REASON)
    .action(async (who: string, { reason }: { reason?: string }) => {
      const ended = await cli.api().post(`/api/people/${encodeURIComponent(who)}/sessions/revoke`, { reason });
      const count = numberOf(ended, 'ended');
      cli.answer(ended, () => [`Ended: ${count} ${count === 1 ? 'session' : 'sessions'}`]);
    });
  examples(endAll, cli.io.command, [['sessions end-all ada@example.com', 'to stop keys too: people disable']]);
}
