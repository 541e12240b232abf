import { spread } from '../statistics.ts';
import type { LoadAnswer, Stretch } from './jobs.ts';

/** What is counted while a job runs. */
export class Tally {
  done = 0;
  failed = 0;
  failure: string | null = null;
  chunks = 0;
  readonly whole: number[] = [];
  readonly first: number[] = [];
  readonly late: number[] = [];
  readonly chunkDelay: number[] = [];

  fail(reason: string): void {
    this.failed += 1;
    this.failure ??= reason;
  }

  answer(stretch: Stretch): LoadAnswer {
    const { done, failed, failure, chunks } = this;
    return {
      stretch,
      done,
      failed,
      failure,
      chunks,
      whole: spread(this.whole),
      first: spread(this.first),
      late: spread(this.late),
      chunkDelay: spread(this.chunkDelay),
    };
  }
}
