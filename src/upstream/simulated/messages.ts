import { playJson, playOddities, playStream, type Stage, sendError, sendJson } from './play.ts';
import { fingerprintOf } from './reply.ts';
import { Scenarios } from './scenario.ts';
import { readTurn } from './turn.ts';
import { countTokens, PromptCache } from './usage.ts';

/** The Messages API of one simulation: what it remembers between requests is its prompt cache and counts of directives. */
export class MessagesApi {
  readonly #cache = new PromptCache();
  readonly #scenarios = new Scenarios();

  /** POST /v1/messages. */
  async create(body: Buffer, stage: Stage): Promise<void> {
    const turn = readTurn(body, true);
    if ('status' in turn) return sendError(stage, turn);
    const fingerprint = fingerprintOf(body);
    const script = this.#scenarios.scriptFor(turn, fingerprint);
    if (script.kind === 'error') return sendError(stage, script.error);
    const answer = { id: `msg_sim_${fingerprint}`, model: turn.model, usage: this.#cache.account(turn.body) };
    if (script.kind === 'oddities') return playOddities(stage, turn.stream, answer);
    const full = { ...answer, reply: script.reply };
    return turn.stream ? playStream(stage, script, full) : playJson(stage, script, full);
  }

  /** POST /v1/messages/count_tokens. */
  count(body: Buffer, stage: Stage): void {
    const turn = readTurn(body, false);
    if ('status' in turn) sendError(stage, turn);
    else sendJson(stage, JSON.stringify({ input_tokens: countTokens(turn.body) }));
  }
}
