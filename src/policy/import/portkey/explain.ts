import type { Explanations } from '../source.ts';

const ROUTING = 'Gatehouse calls one provider and neither retries nor falls back on its own';
const GUARDS = 'checks of content have no counterpart yet: whoever relied on them must keep them elsewhere';
const NAMES = 'names of this kind have no counterpart';
const BODY = 'Gatehouse forwards bodies byte for byte';

/** Why these settings have no counterpart, by the setting's name wherever it stands. */
const BY_NAME: readonly (readonly [name: string, why: string])[] = [
  ['retry', ROUTING],
  ['weight', ROUTING],
  ['cache', 'Gatehouse does not cache answers'],
  ['input_guardrails', GUARDS],
  ['output_guardrails', GUARDS],
  ['before_request_hooks', GUARDS],
  ['after_request_hooks', GUARDS],
  ['guardrails', GUARDS],
  ['forward_headers', 'which headers are forwarded cannot be chosen'],
  ['request_timeout', 'set upstream.first_byte and upstream.silence in the configuration'],
  ['override_params', BODY],
  ['custom_headers', 'headers cannot be added'],
  ['name', NAMES],
  ['virtual_key', 'names a credential that Portkey keeps: Gatehouse reads the key from an env: or file: reference'],
];

/** A config may stand at the root, under `config`, or in `configs`; targets hold targets. */
const PLACES = ['', 'config.', 'configs.', 'configs.config.'].flatMap((place) => {
  return ['', 'targets.', 'targets.targets.', 'targets.targets.targets.'].map((depth) => `${place}${depth}`);
});

/** Why these settings have no counterpart. */
export const PORTKEY: Explanations = new Map([
  ...PLACES.flatMap((place) => BY_NAME.map(([name, why]) => [`${place}${name}`, why] as const)),
  ['policies.usage_limits.name', NAMES],
  ['policies.rate_limits.name', NAMES],
  ['usage_limits.name', NAMES],
  ['rate_limits.name', NAMES],
]);
