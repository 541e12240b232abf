/** The moments at which a crash leaves something half done, named. The list is closed: tests go through all of it. */
export const FAILPOINTS = {
  'journal.before-write': 'a batch of records is about to be written',
  'journal.before-sync': 'its bytes are with the system, not yet on the disk',
  'journal.after-sync': 'it is on the disk, and nobody who waits for it knows',
  'journal.sealed': 'a segment has its seal and no successor',
  'journal.segment-written': 'the successor is written, its name perhaps not on the disk',
  'journal.torn-copied': 'a start has kept a torn tail and not cut it off yet',
  'journal.recovery': 'a start is about to record what the crash before it cost',
  'pack.copied': 'a packed copy of a segment stands aside under another name',
  'pack.renamed': 'the packed and the plain segment stand side by side',
  'retire.recorded': 'a segment is recorded as retired and still there',
  'retire.removed': 'its file is gone, perhaps not from the disk',
  'checkpoint.written': 'a checkpoint is written to a folder, not yet on the disk',
  'change.before-commit': 'a change and its outbox row are written in a transaction that is not committed',
  'change.committed': 'the change is committed; it is not in force yet, nor in the journal',
  'outbox.read': 'changes were taken from the outbox to be recorded',
  'outbox.recorded': 'they are in the journal and still in the outbox',
  'policy.compiled': 'a revision of the policy is compiled; rates and budgets are still those of the one before',
  'policy.in-force': 'everything of it is in force, and who applied it does not know',
  'views.before-commit': 'the views have applied a batch in a transaction that is not committed',
  'views.after-commit': 'it is committed with its cursor',
} as const;

export type Failpoint = keyof typeof FAILPOINTS;

let armed: ((name: Failpoint) => void) | null = null;

/** Where a fault test may end the process or throw. Nothing happens unless code in this very thread has armed it. */
export function failpoint(name: Failpoint): void {
  armed?.(name);
}

/**
 * Calls `hit` at every failpoint of this thread from now on. For tests: there is no variable, file or message that does this.
 *
 * @returns what disarms it
 */
export function armFailpoints(hit: (name: Failpoint) => void): () => void {
  armed = hit;
  return () => {
    armed = null;
  };
}
