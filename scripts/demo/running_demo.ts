import { Client } from "pg";
import { z } from "zod";
import type { Environment } from "../../db/environment.ts";
import { platformSource } from "../../db/queries/runs.ts";
import { requestAccountSync } from "../../db/queries/sync_requests.ts";
import { parseKeyring } from "../../tasks/@credentials/keyring.ts";
import { openDeepLinks } from "../../tasks/@deep_links/deep_links.ts";
import { type Connection, readConnection } from "../connection.ts";
import { readDemoKeys } from "../demo_keys.ts";
import { UsageError } from "../usage.ts";

const accountRow = z
  .object({
    id: z.string(),
    user_id: z.string(),
    account_name: z.string(),
    institution: z.string().nullable(),
    institution_code: z.string().nullable(),
    platform_source: platformSource,
    external_id: z.string(),
    sync_status: z.string(),
    unlinked_at: z.date().nullable(),
    now: z.date(),
    refreshed_at: z.iso.datetime().nullable(),
    has_statement: z.boolean(),
  })
  .transform((row) => ({
    id: row.id,
    userId: row.user_id,
    name: row.account_name,
    institution: row.institution ?? "",
    institutionCode: row.institution_code,
    platform: row.platform_source,
    /** The simulator's id of it. */
    externalId: row.external_id,
    status: row.sync_status,
    isUnlinked: row.unlinked_at !== null,
    /** Business time. */
    now: row.now,
    /** When Mono was last asked to refresh it. */
    refreshedAt: row.refreshed_at,
    hasStatement: row.has_statement,
  }));

export type RunningAccount = z.output<typeof accountRow>;

/**
 * The `npm start` that runs here, with its simulators: what befalls accounts at their providers is done to these, and what
 * Tidemark makes of it can be watched.
 */
export class RunningDemo {
  readonly connection: Connection;
  readonly #environment: Environment;
  readonly #client: Client;

  private constructor(connection: Connection, environment: Environment, client: Client) {
    this.connection = connection;
    this.#environment = environment;
    this.#client = client;
  }

  /** Throws UsageError where nothing runs, or something that is no demo. */
  static async open(environment: Environment): Promise<RunningDemo> {
    const connection = await readConnection(environment.TIDEMARK_DATA);
    if (connection === null) {
      throw new UsageError("Nothing runs here: start `npm start` in another terminal, and try again.");
    }
    const client = new Client({ connectionString: connection.databaseUrl });
    try {
      await client.connect();
    } catch (error) {
      throw new UsageError(
        `The \`npm start\` of ${environment.TIDEMARK_DATA} does not answer: is it still running? Start it again.`,
        { cause: error },
      );
    }
    return new RunningDemo(connection, environment, client);
  }

  async accounts(): Promise<RunningAccount[]> {
    const { rows } = await this.#client.query(
      `select a.id, a.user_id, a.account_name, a.institution, l.institution_code, a.platform_source,
         coalesce(a.mono_account_id, a.mtn_reference_id) as external_id, a.sync_status, a.unlinked_at,
         app_private.clock() as now, s.provider_state ->> 'jobStartedAt' as refreshed_at,
         exists (select from app_private.coverage c where c.account_id = a.id and c.source = 'statement') as has_statement
       from app_public.accounts a
       join app_private.links l on l.account_id = a.id
       join app_private.sync_states s on s.account_id = a.id
       order by a.platform_source, a.account_name`,
    );
    return rows.map((row) => accountRow.parse(row)).filter(({ isUnlinked }) => !isUnlinked);
  }

  /** Something befalls the account at its provider. Throws UsageError where that is no simulator. */
  async atProvider(platform: RunningAccount["platform"], path: string, body: unknown): Promise<void> {
    const base = platform === "mono" ? this.connection.monoUrl : this.connection.momoUrl;
    const label = platform === "mono" ? "Mono" : "MTN MoMo";
    const { hostname } = new URL(base);
    // The real one would make nothing of it; it should not even be asked.
    if (hostname !== "127.0.0.1" && hostname !== "localhost") {
      throw new UsageError(
        `This \`npm start\` talks to the real ${label}; only a simulator does such things on demand.`,
      );
    }
    let reply: Response;
    try {
      reply = await fetch(`${base}/control${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    } catch (error) {
      throw new UsageError(`The simulator of ${label} does not answer on ${base}: is \`npm start\` still running?`, {
        cause: error,
      });
    }
    if (!reply.ok) throw new UsageError(`The simulator of ${label} refused (${reply.status}): ${await reply.text()}`);
  }

  /** Has the account synced at once, by a job added by hand: it asks for no cooldown. */
  async syncNow({ id, platform }: RunningAccount): Promise<void> {
    const task = platform === "mono" ? "mono_sync" : "momo_sync";
    await this.#client.query("select graphile_worker.add_job($1, json_build_object('accountId', $2::uuid))", [
      task,
      id,
    ]);
  }

  /** Asks for a sync as a backend does, and says what came of it. */
  async requestSync({ id }: RunningAccount): Promise<string> {
    const { outcome, until } = await requestAccountSync(this.#client, id);
    const time = until?.toLocaleTimeString("en-GB");
    const answers: Record<typeof outcome, string> = {
      queued: "a sync was asked for, and is queued",
      already_running: "a sync of it is running already",
      cooling_down: `it was synced a moment ago: the next sync may be asked for at ${time}`,
      needs_you: `it waits for its owner: the next try may be asked for at ${time}`,
      paused: "it is paused",
      provider_down: `its provider is down: asked again at ${time}`,
    };
    return answers[outcome];
  }

  /** The link that a notification of this moment would carry. */
  async reauthenticationLink(account: RunningAccount): Promise<string | null> {
    const keys = this.#environment.TIDEMARK_ENCRYPTION_KEYS ?? (await readDemoKeys(this.#environment.TIDEMARK_DATA));
    if (keys === null) return null;
    const links = await openDeepLinks(this.#client, parseKeyring(keys), {
      PUBLIC_URL: this.#environment.PUBLIC_URL ?? this.connection.serverUrl,
      APP_DEEP_LINK_BASE: undefined,
    });
    return links.reauthentication({ accountId: account.id, userId: account.userId }, account.now).webUrl;
  }

  close(): Promise<void> {
    return this.#client.end();
  }
}
