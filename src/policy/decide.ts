import type { Principal } from '../identity/principal.ts';
import type { Action } from '../journal/bodies.ts';

/** What policy says of one call: the effect, the rule that decided, and the version that said so. */
export interface Decision {
  readonly effect: 'allow' | 'deny';
  /** The rule that decided, in words a person understands. */
  readonly reason: string;
  readonly version: string;
}

/** What is asked: may this principal do this to this resource (a model's name, or null for listings). */
export interface Question {
  readonly principal: Principal;
  readonly action: Action;
  readonly resource: string | null;
}

export interface Policy {
  readonly version: string;
  decide(question: Question): Decision;
}

const STARTER = 'starter-1';

/**
 * The policy in force until a policy document exists: whoever holds a virtual key that an owner issued may use every model
 * of the configured provider. Without a key there is no access (P8).
 */
export const starterPolicy: Policy = {
  version: STARTER,
  decide(question) {
    const allowed = question.principal.credential.kind === 'key';
    return {
      effect: allowed ? 'allow' : 'deny',
      reason: allowed
        ? 'starter policy: every virtual key may use every model'
        : 'starter policy: only virtual keys may use models',
      version: STARTER,
    };
  },
};
