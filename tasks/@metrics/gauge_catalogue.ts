/**
 * The gauges that app_private.read_gauges answers. A test holds both to each other: names, labels, and that each has a value
 * in a database where everything there is to tell has happened.
 */
export const gaugeCatalogue = {
  accounts: { help: "Linked accounts, counted every five minutes.", labels: ["platform"] },
  accounts_with_problem: {
    help: "Accounts that are paused, need their owner, fail, are late or stale; one may be several.",
    labels: ["platform", "problem"],
  },
  accounts_fresh_ratio: {
    help: "Share of the accounts that could be synced whose last success is within their own interval. 1 where there are none.",
    labels: ["platform"],
  },
  dispatch_lag_seconds: {
    help: "For how long the account that waits longest for the dispatcher has been due. 0 where none waits.",
    labels: ["platform"],
  },
  sync_window_at_risk: {
    help: "1 when not all accounts that fall due by the end of the sync window will be synced before it.",
    labels: ["platform"],
  },
  sync_window_load_ratio: {
    help: "Accounts that fall due by the end of the sync window, over how many the quota lets through in one.",
    labels: ["platform"],
  },
  open_runs: { help: "Runs that are open. state: running, waiting (for the provider).", labels: ["platform", "state"] },
  platform_paused: {
    help: "1 while a platform is paused. reason: configuration (our key or settings are refused), operator.",
    labels: ["platform", "reason"],
  },
  dispatcher_last_tick_timestamp_seconds: {
    help: "When due accounts were last looked for. Machine time; absent before the first time.",
    labels: ["platform"],
  },
  queue_jobs: {
    help: "Jobs by task. state: ready, running, scheduled (for later), dead (out of attempts).",
    labels: ["task", "state"],
  },
  queue_lag_seconds: { help: "For how long the oldest ready job of a task has waited.", labels: ["task"] },
  workers: { help: "Pools that are alive, by runner: a platform, a push channel, or general.", labels: ["runner"] },
  worker_oldest_beat_seconds: { help: "Age of the oldest last heartbeat of a runner's pools.", labels: ["runner"] },
  quota_requests_per_second: {
    help: "What we can send at present, of the configured limit and of what 429s taught. Absent: no limit.",
    labels: ["platform"],
  },
  quota_learned_ratio: { help: "Share of the configured limit that is left after 429s.", labels: ["platform"] },
  quota_blocked_seconds: {
    help: "For how long the provider asked us to send nothing, from now.",
    labels: ["platform"],
  },
  refreshes_today: { help: "Paid real-time refreshes of today, in the platform's calendar.", labels: ["platform"] },
  refresh_cap: { help: "The most paid refreshes of a day. Absent: no cap.", labels: ["platform"] },
  refresh_cost_today: {
    help: "What today's refreshes cost at most, in the price list's currency.",
    labels: ["platform"],
  },
  open_incidents: { help: "Open incidents. scope: institution, platform.", labels: ["platform", "scope"] },
  institution_down: {
    help: "1 for an institution that is down; the twenty oldest incidents, the others together as `others`.",
    labels: ["platform", "institution"],
  },
  open_auth_episodes: { help: "Accounts that need their owner.", labels: ["platform"] },
  waiting_webhooks: { help: "Webhooks that were taken and not judged yet.", labels: ["platform"] },
  oldest_waiting_webhook_seconds: { help: "Age of the oldest of those.", labels: ["platform"] },
  statistics_age_seconds: {
    help: "How long ago accounts were counted, by which freshness and sync windows go. Absent before the first time.",
    labels: [],
  },
  open_unlinkings: { help: "Links that ended here and that the provider has not confirmed.", labels: ["platform"] },
} as const satisfies Record<string, { help: string; labels: readonly string[] }>;

export type GaugeName = keyof typeof gaugeCatalogue;

export const isGaugeName = (name: string): name is GaugeName => Object.hasOwn(gaugeCatalogue, name);
