import { matches, undated } from '../policy/patterns.ts';

/**
 * Whether a rate or budget for models of this pattern counts calls to this model. Calls are counted by the name without a date, so
 * that a dated name is no second purse; a pattern with a date counts the whole family rather than nothing.
 */
export function countsModel(pattern: string, model: string): boolean {
  return matches(undated(pattern), model);
}
