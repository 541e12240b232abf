/** What every driver of the store may reject with, besides the database's own errors. */

/** A value that must be unique is taken. `what` names it in words, for example `team name`. */
export class StoreConflict extends Error {
  readonly what: string;

  constructor(what: string, options?: ErrorOptions) {
    super(`This ${what} is already in use.`, options);
    this.name = 'StoreConflict';
    this.what = what;
  }
}

/** A mistake of the calling code that would deadlock or write outside its transaction; never shown to a person. */
export class StoreMisuse extends Error {
  override readonly name = 'StoreMisuse';
}

/** The store was written by a newer version of Gatehouse; nothing in it was touched. */
export class StoreTooNew extends Error {
  override readonly name = 'StoreTooNew';

  constructor(found: string, known: string) {
    super(
      `This store was written by a newer Gatehouse (migration ${found}; this version knows up to ${known}). ` +
        'Start the newer version, or restore a backup that this version made.',
    );
  }
}
