import { covers, overlap, undated } from '../../patterns.ts';

/** Names and patterns of models, asked about without going through all of them: lists may hold thousands. */
export class ModelSet {
  readonly #exact = new Set<string>();
  readonly #undated = new Set<string>();
  readonly #patterns: string[] = [];

  constructor(models: readonly string[] = []) {
    for (const model of models) this.add(model);
  }

  add(model: string): void {
    if (model.includes('*')) this.#patterns.push(model);
    else {
      this.#exact.add(model);
      this.#undated.add(undated(model));
    }
  }

  /** True when everything that `model` names is named here. */
  covers(model: string): boolean {
    if (this.#exact.has(model) || this.#exact.has(undated(model))) return true;
    return this.#patterns.some((own) => covers(own, model));
  }

  /** True when something that `model` names may be named here. */
  meets(model: string): boolean {
    if (this.covers(model) || this.#patterns.some((own) => overlap(own, model))) return true;
    if (!model.includes('*')) return this.#undated.has(model);
    return [...this.#exact].some((own) => overlap(own, model));
  }
}
