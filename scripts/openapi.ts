/** Writes docs/openapi.json from the admin door's own schemas: `node scripts/openapi.ts`. A test fails when it is not up to date. */
import { writeFileSync } from 'node:fs';
import { renderOpenapi } from '../src/doors/admin/describe.ts';

writeFileSync(new URL('../docs/openapi.json', import.meta.url), await renderOpenapi());
