import { z } from 'zod';
import { size } from '../kernel/units.ts';

const MIB = 1024 * 1024;

/** `limits`: what may be open at once, so that one caller cannot starve the others. */
export const limitsConfig = z.strictObject({
  body: size({ min: 1 })
    .default(32 * MIB)
    .describe('Largest request body.'),
  open_calls: z.int().min(1).default(2000).describe('Open calls in all.'),
  open_calls_per_caller: z
    .int()
    .min(1)
    .default(64)
    .describe('Open calls of one person or service, over all their keys.'),
  bytes_in_flight: size()
    .default(1024 * MIB)
    .describe('Bytes of request bodies held in all.'),
  bytes_in_flight_per_caller: size()
    .default(128 * MIB)
    .describe('Bytes of request bodies held for one person or service.'),
});
