/**
 * Runs the end-to-end suites: `npm run e2e` all of them, `npm run e2e -- claude` one. The last line is `N passed, N failed`.
 */
import { globSync } from 'node:fs';
import { runSuites } from '../scripts/suites.ts';

const SUITES: Readonly<Record<string, string>> = {
  start: 'the README on a fresh copy: npm ci, npm start, first key, first look at the trail',
  identity:
    'signing in through providers that are not ours: oidc-provider, SimpleSAMLphp; xmlsec1, schemathesis and Chromium beside them',
  claude: 'the real Claude Code through Gatehouse to the simulated provider',
};

const suites = Object.entries(SUITES).map(([name, about]) => ({
  name,
  about,
  files: globSync(`e2e/${name}/*.test.ts`),
}));
runSuites('end-to-end', suites, process.argv.slice(2));
