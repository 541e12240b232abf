import type { Command } from 'commander';
import type { Cli } from '../cli.ts';
import { examples } from '../examples.ts';
import { safeJson } from '../fields.ts';

/** `gatehouse openapi`: the admin API's description. */
export function openapiCommand(program: Command, cli: Cli): void {
  const openapi = program
    .command('openapi')
    .description('print the OpenAPI document of the admin API')
    .action(async () => {
      const document = await cli.openApi().get('/api/openapi.json');
      cli.answer(document, () => [safeJson(document, 2)]);
    });
  examples(openapi, cli.io.command, [['openapi > gatehouse.json', 'for a client generator']]);
}
