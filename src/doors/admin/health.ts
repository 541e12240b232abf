import { z } from 'zod';
import { type AdminApp, answers } from './routes.ts';
import { described, instant, named } from './schemas.ts';
import type { AdminServices } from './services.ts';

const Health = named(
  'Health',
  z.object({
    status: described(z.enum(['ok', 'degraded', 'failing']), '`failing`: calls are refused.'),
    version: z.string(),
    uptime_seconds: z.number().int(),
    journal: z.object({
      ok: z.boolean(),
      trouble: described(z.string().nullable(), 'Why nothing can be recorded, or null.'),
      seq: z.number().int(),
      durability: z.enum(['synced', 'written']),
    }),
    disk: z.object({
      state: described(
        z.enum(['ok', 'low', 'stopped', 'unknown']),
        '`stopped`: calls are refused until there is room.',
      ),
      free_bytes: z.number().int().nullable(),
      total_bytes: z.number().int().nullable(),
      full_at: instant('When it is full at the present speed, null when not in sight.').nullable(),
    }),
    projections: z.object({
      ok: z.boolean(),
      lag: described(z.number().int().nullable(), 'Records that the views have not read yet.'),
    }),
    upstream: z.object({
      name: z.string(),
      configured: described(z.boolean(), 'False while there is no provider key.'),
      simulated: described(z.boolean(), 'True when answers come from the built-in simulated provider.'),
    }),
    snapshot: z.object({ policy: z.string(), directory: z.string() }),
    warnings: z.array(z.string()),
  }),
  'How Gatehouse is.',
);
type Health = z.infer<typeof Health>;

/** `/health`: every part, for an operator. */
export function healthRoutes(app: AdminApp, services: AdminServices): void {
  app.get(
    '/health',
    {
      config: { permission: 'system.read' },
      schema: {
        operationId: 'getHealth',
        tags: ['system'],
        summary: 'Show how Gatehouse is',
        description: 'Always 200 when it can answer; `status` says how it is.',
        response: answers([200, Health]),
      },
    },
    async () => report(services),
  );
}

async function report(services: AdminServices): Promise<Health> {
  const { trouble, head } = services.journal;
  const [disk, projections] = await Promise.all([diskOf(services), projectionsOf(services, head.seq)]);
  const upstream = services.upstream();
  const failing = trouble !== null || disk.state === 'stopped' || !upstream.configured;
  const degraded = disk.state !== 'ok' || !projections.ok;
  return {
    status: failing ? 'failing' : degraded ? 'degraded' : 'ok',
    version: services.version,
    uptime_seconds: Math.floor((services.clock.now() - services.startedAt) / 1000),
    journal: { ok: trouble === null, trouble, seq: head.seq, durability: services.durability },
    disk,
    projections,
    upstream,
    snapshot: services.snapshot(),
    warnings: [...services.warnings()],
  };
}

/** A part that cannot say how it is must not hide how the others are. */
async function diskOf(services: AdminServices): Promise<Health['disk']> {
  try {
    const disk = await services.disk();
    const fullAt = disk.fullAt === null ? null : new Date(disk.fullAt).toISOString();
    return { state: disk.state, free_bytes: disk.freeBytes, total_bytes: disk.totalBytes, full_at: fullAt };
  } catch {
    return { state: 'unknown', free_bytes: null, total_bytes: null, full_at: null };
  }
}

async function projectionsOf(services: AdminServices, seq: number): Promise<Health['projections']> {
  try {
    const { seq: read } = await services.projections.status();
    return { ok: true, lag: Math.max(0, seq - read) };
  } catch {
    return { ok: false, lag: null };
  }
}
