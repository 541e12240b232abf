import { z } from 'zod';
import { duration } from '../kernel/units.ts';

/** `listen`: where and under which names. */
export const serverConfig = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8787).describe('Port to listen on; 0 takes any free one.'),
  hosts: z
    .array(
      z
        .string()
        .max(253)
        .regex(/^[\w.-]+$/, 'must be a name alone, such as gatehouse.example.com, without https:// and port'),
    )
    .default([])
    .describe('Names under which callers reach Gatehouse. Requests for other names are refused (DNS rebinding).'),
  workers: z
    .int()
    .min(0)
    .max(64)
    .default(0)
    .describe(
      'Relay workers, for a machine with more cores: processes that take the connections and do the byte work of calls in front of the one that decides and records. 0 serves everything from one process.',
    ),
  request_time: duration().default(300_000).describe('Longest time a request may take to arrive whole.'),
  connections: z
    .int()
    .min(1)
    .default(10_000)
    .describe(
      'Open connections in all, never more than half the file descriptors of the process. Beyond it the one that has waited longest without a request is closed.',
    ),
  drain: duration().default(30_000).describe('At shutdown, how long running answers may go on.'),
  open_metrics: z
    .boolean()
    .default(false)
    .describe('Serve /metrics without a token. Otherwise an admin token is needed.'),
});
