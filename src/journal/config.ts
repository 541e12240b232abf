import { z } from 'zod';
import { duration, size } from '../kernel/units.ts';
import { isDestination } from './destinations.ts';

const MIB = 1024 * 1024;
const DAY = 86_400_000;

/** `journal`: how durable, how long, and where checkpoints go. */
export const journalConfig = z.strictObject({
  durability: z
    .enum(['synced', 'written'])
    .default('synced')
    .describe(
      'synced: on disk before a call is forwarded. written: survives the process, not a power cut; shown wherever the trail is shown.',
    ),
  checkpoints: z
    .array(z.string().refine(isDestination, 'must be an absolute path or an http or https address'))
    .default([])
    .describe('Further places for signed checkpoints: folders or http(s) addresses. Keep one on another machine.'),
  checkpoint_every: duration({ min: 1_000 })
    .default(10_000)
    .describe('How often a checkpoint leaves while the journal grows.'),
  segment: size()
    .default(64 * MIB)
    .describe('Size at which a segment is sealed and compressed.'),
  segment_age: duration().default(DAY).describe('Age at which a segment is sealed.'),
  keep: duration()
    .default(400 * DAY)
    .describe('Segments older than this are retired, with a signed record of their head.'),
  content_bytes: size()
    .refine((bytes) => bytes <= 64 * MIB, 'must be at most 64 MiB')
    .default(MIB)
    .describe('Most that is kept of one body, where the policy keeps content (retention.content).'),
  disk_low: size()
    .default(2048 * MIB)
    .describe('Free space below which an alarm is raised; below a tenth of the file system it is raised in any case.'),
  disk_critical: size()
    .default(256 * MIB)
    .describe('Free space below which the gateway reports itself unready.'),
});
