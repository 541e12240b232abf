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

/** The store cannot be used at the moment: held by another process, read-only, no room, a failing disk. */
export class StoreUnavailable extends Error {
  override readonly name = 'StoreUnavailable';

  constructor(why: string, options?: ErrorOptions) {
    super(`The store cannot be used now: ${why}.`, options);
  }
}

/** What lies at the store's place cannot be read as one; it was left as it is. */
export class StoreDamaged extends Error {
  override readonly name = 'StoreDamaged';

  constructor(path: string, why: string, options?: ErrorOptions) {
    super(
      `The store ${path} is damaged (${why}) and was left as it is. Keep the file, then put back the newest backup: ` +
        'gatehouse restore <backup> --only store --force',
      options,
    );
  }
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
