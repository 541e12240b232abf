/** Follows a journal in small batches for ever, saying so after each; for being killed in the middle. */
import { Follower } from '../../src/projections/follower.ts';
import { openViews } from '../../src/projections/views.ts';

const [journalDir = '', databasePath = ''] = process.argv.slice(2);
const views = openViews(databasePath, () => {});
const follower = new Follower({ journalDir, writer: 'main', views, onRebuild: () => {}, batch: 3 });
while (!follower.step()) process.stdout.write('.');
