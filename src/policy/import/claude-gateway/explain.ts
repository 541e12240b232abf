import type { Explanations } from '../source.ts';

const SIGN_IN = 'write it under identity in the policy, or set it at the provider';
const SESSION = 'sessions are set under signin in the configuration; clients call with keys that Gatehouse issues';
const SETTINGS = 'Gatehouse does not deliver settings to clients yet: keep delivering this one another way';
const ADMIN = 'administrators of Gatehouse may do more: name them under identity.roles, or run "gatehouse owner claim"';
const KEEP = 'how long records are kept is set by journal.keep in the configuration';

/** Why these settings have no counterpart. */
export const CLAUDE_GATEWAY: Explanations = new Map([
  ['listen', 'set listen in the configuration; Gatehouse speaks plain HTTP behind your TLS proxy'],
  ['oidc', SIGN_IN],
  ['oidc.*', SIGN_IN],
  ['oidc.allowed_groups', 'assign these groups alone to Gatehouse at the provider'],
  ['session', SESSION],
  ['store', 'Gatehouse keeps its own store; nothing is read from this database'],
  ['admin.write_keys', ADMIN],
  ['admin.read_keys', ADMIN],
  ['admin.admin_groups', ADMIN],
  ['admin.audit_retention_days', KEEP],
  ['admin.spend_retention_months', KEEP],
  ['admin.identity_retention_days', KEEP],
  ['admin.billing_group_tag', 'calls are charged to the team of the caller, not to a tag of the request'],
  ['admin.group_limit_mode', 'a person has one limit in Gatehouse; the limits of groups are listed beside it'],
  ['admin.blocked_message', 'is the when_spent of a budget; the input has no limits to attach it to'],
  ['enforcement.fail_closed_on_error', 'Gatehouse always refuses a call whose budget it cannot check'],
  ['models.label', 'labels of models have no counterpart'],
  ['models.description', 'descriptions of models have no counterpart'],
  ['managed.policies.cli.*', SETTINGS],
  ['managed.policies.code.*', SETTINGS],
  ['managed.policies.settings.*', SETTINGS],
  ['managed.policies.desktop', SETTINGS],
  ['managed.policies.serve_to_desktop', SETTINGS],
  ['telemetry', 'Gatehouse does not relay telemetry of clients yet'],
  ['access_control', 'keep address lists in the proxy or firewall in front of Gatehouse'],
  ['limits.max_request_bytes', 'set limits.body in the configuration'],
  ['rate_limits', 'limits for signing in have no counterpart'],
  ['login_notice', 'the page for signing in has no notice'],
  ['load_test_mode', 'run "gatehouse demo" for a simulated provider'],
]);
