import { z } from 'zod';
import { duration } from '../../kernel/units.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `signin`: how long people stay signed in. */
export const signinConfig = z.strictObject({
  idle: duration({ min: MINUTE, max: 30 * DAY })
    .default(12 * HOUR)
    .describe('A browser that was not used for so long is signed out.'),
  longest: duration({ min: MINUTE, max: 90 * DAY })
    .default(7 * DAY)
    .describe('So long after signing in a browser is signed out, however much it is used.'),
  rotate: duration({ min: MINUTE, max: DAY })
    .default(15 * MINUTE)
    .describe(
      'How often the secret of a session changes. An older one that appears again ends the session with an alarm.',
    ),
});
