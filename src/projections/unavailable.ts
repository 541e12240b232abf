/**
 * A question could not be answered because the worker died, is being started again, or has not read the journal to its end.
 * Asking again may help.
 */
export class ProjectionsUnavailable extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ProjectionsUnavailable';
  }
}
