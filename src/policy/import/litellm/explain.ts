import type { Explanations } from '../source.ts';

const DELIVERY = 'Gatehouse keeps its own audit trail; deliveries to other systems are set up in its configuration';
const ROUTING = 'Gatehouse calls one provider and neither retries nor falls back on its own';
const GUARDS = 'checks of content have no counterpart yet: whoever relied on them must keep them elsewhere';
const CACHE = 'Gatehouse does not cache answers';
const DATABASE = 'Gatehouse keeps its own store; nothing is read from this database';

/** Why these settings have no counterpart. */
export const LITELLM: Explanations = new Map([
  ['general_settings.master_key', 'Gatehouse has an owner instead of a master key: run "gatehouse owner claim"'],
  ['general_settings.database_url', DATABASE],
  ['general_settings.database_connection_pool_limit', DATABASE],
  ['general_settings.database_connection_timeout', DATABASE],
  ['general_settings.store_model_in_db', 'models, keys and budgets kept in the database are not in this file'],
  ['general_settings.alerting', 'warnings of budgets are told by the budget line itself'],
  [
    'general_settings.store_prompts_in_spend_logs',
    'what is kept of prompts is set by retention in the policy; nothing by default',
  ],
  ['general_settings.allow_requests_on_db_unavailable', 'Gatehouse never serves callers whom it cannot check'],
  ['general_settings.pass_through_endpoints', 'Gatehouse forwards the Claude API only'],
  ['litellm_settings.success_callback', DELIVERY],
  ['litellm_settings.failure_callback', DELIVERY],
  ['litellm_settings.callbacks', DELIVERY],
  ['litellm_settings.service_callbacks', DELIVERY],
  ['litellm_settings.cache', CACHE],
  ['litellm_settings.cache_params', CACHE],
  ['litellm_settings.fallbacks', ROUTING],
  ['litellm_settings.default_fallbacks', ROUTING],
  ['litellm_settings.context_window_fallbacks', ROUTING],
  ['litellm_settings.content_policy_fallbacks', ROUTING],
  ['litellm_settings.num_retries', ROUTING],
  ['litellm_settings.request_timeout', 'set upstream.first_byte and upstream.silence in the configuration'],
  ['litellm_settings.drop_params', 'Gatehouse forwards bodies byte for byte'],
  ['litellm_settings.modify_params', 'Gatehouse forwards bodies byte for byte'],
  ['litellm_settings.guardrails', GUARDS],
  ['litellm_settings.default_internal_user_params.user_role', 'roles are given with "gatehouse people"'],
  ['litellm_settings.default_internal_user_params.teams', 'list the members under teams in the policy'],
  [
    'litellm_settings.default_key_generate_params.duration',
    'give the time when a key is created: "gatehouse keys create"',
  ],
  [
    'litellm_settings.upperbound_key_generate_params.duration',
    'give the time when a key is created: "gatehouse keys create"',
  ],
  ['litellm_settings.max_end_user_budget_id', 'budgets for names that clients merely claim have no counterpart'],
  ['router_settings.routing_strategy', ROUTING],
  ['router_settings.fallbacks', ROUTING],
  ['router_settings.num_retries', ROUTING],
  ['router_settings.retry_policy', ROUTING],
  ['router_settings.redis_password', 'Gatehouse needs no Redis'],
  ['router_settings.redis_host', 'Gatehouse needs no Redis'],
  ['router_settings.redis_port', 'Gatehouse needs no Redis'],
  ['guardrails', GUARDS],
  ['mcp_servers', 'MCP servers have no counterpart yet'],
  ['environment_variables', 'set variables where the process is started'],
]);
