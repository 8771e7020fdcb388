import type { PlatformSource } from "../db/queries/runs.ts";
import type { RunReport } from "../tasks/@worker/runtime.ts";
import type { Connection } from "./connection.ts";
import { demoUsers, platformLabels } from "./demo/people.ts";

type PlatformState = { platform: PlatformSource; state: "simulated" | "real" | "off" };

/** The one screen that `npm start` shows: what runs where, and what to try next. */
export function welcome(options: {
  connection: Connection;
  logFile: string;
  ownDatabase: boolean;
  platforms: PlatformState[];
  /** Where the other simulators are; null: that one has real keys, or none. */
  simulated: { statement: string | null; oneSignal: string | null; pushService: string | null };
}): string {
  const { connection, logFile, ownDatabase, platforms, simulated } = options;
  const wheres: Record<PlatformSource, string> = { mono: connection.monoUrl, mtn_momo: connection.momoUrl };
  const isOn = (wanted: PlatformSource): boolean =>
    platforms.some(({ platform, state }) => platform === wanted && state !== "off");
  const lines = [
    "",
    "Tidemark is running.",
    "",
    `  Page       ${connection.serverUrl}/${ownDatabase ? "   open it, and be Ada or Kofi" : ""}`,
    `  Server     ${connection.serverUrl}/readyz`,
    `  GraphQL    ${connection.serverUrl}/graphql${ownDatabase ? `, to try out at ${connection.serverUrl}/ruru` : ""}`,
    `  Endpoints  ${connection.serverUrl}/openapi.json${connection.serviceToken === undefined ? "" : " (the token is serviceToken in connection.json)"}`,
    `  Postgres   ${ownDatabase ? "embedded, on " : ""}${new URL(connection.databaseUrl).host}`,
    ...platforms.map(({ platform, state }) => `  ${label(platform)} ${describe(state, wheres[platform], platform)}`),
    ...(simulated.statement === null ? [] : [`  Statement  simulated, on ${simulated.statement}`]),
    ...(simulated.oneSignal === null ? [] : [`  OneSignal  simulated, on ${simulated.oneSignal}`]),
    ...(simulated.pushService === null ? [] : [`  Web Push   simulated browsers, on ${simulated.pushService}`]),
    `  Log        ${logFile}`,
    "",
    "Try next, in another terminal:",
    "",
    "  npm run psql",
    "    select account_name, platform_source, sync_status, balance, currency, last_synced_at from app_public.accounts;",
    ...(isOn("mono")
      ? [
          "    select graphile_worker.add_job('mono_sync', json_build_object('accountId', id))",
          "      from app_public.accounts where platform_source = 'mono';   -- sync the banks again, now",
        ]
      : []),
    "    select * from app_public.sync_logs order by id desc limit 10;",
    ...(ownDatabase ? [] : ["", "  npm run link   how to link an account"]),
    ...(ownDatabase
      ? ["", "  npm run demo   what can befall accounts: a consent that ends, a bank that is down, …"]
      : []),
  ];
  if (ownDatabase) {
    lines.push(
      "",
      `  curl -s ${connection.serverUrl}/demo/sign-in -H 'content-type: application/json' -d '{"user": "ada"}'`,
      "    answers a token; send it to /graphql as: Authorization: Bearer TOKEN",
    );
  }
  if (platforms.some(({ state }) => state === "simulated")) {
    lines.push("", `Demo users: ${demoUsers.map(({ name, id }) => `${name} ${id}`).join(", ")}`);
  }
  lines.push("", "Ctrl-C stops it. Syncs, as they finish:", "");
  return lines.join("\n");
}

const label = (platform: PlatformSource): string => (platform === "mono" ? "Mono      " : "MTN MoMo  ");

function describe(state: PlatformState["state"], url: string, platform: PlatformSource): string {
  if (state === "simulated") return `simulated, on ${url}`;
  if (state === "real") return `the real one, at ${url}`;
  return `off: ${platform === "mono" ? "MONO_SECRET_KEY" : "MOMO_SUBSCRIPTION_KEY"} is not set`;
}

/** One line a run. */
export function runLine({ platform, milliseconds, outcome }: RunReport, name: string): string {
  const time = new Date().toLocaleTimeString("en-GB");
  const head = `  ${time}  ${platformLabels[platform].padEnd(12)}  ${name.padEnd(28)}`;
  switch (outcome.kind) {
    case "success": {
      const { fresh, changed, removed } = outcome.tally;
      const what = fresh + changed + removed === 0 ? "nothing new" : summary({ new: fresh, changed, removed });
      return `${head}  up to date: ${what} (${(milliseconds / 1000).toFixed(1)} s)`;
    }
    case "suspended":
      return `${head}  waiting for the provider until ${new Date(outcome.until).toLocaleTimeString("en-GB")}`;
    case "failed":
      return `${head}  failed: ${outcome.failure.message}`;
    case "lost":
      return `${head}  taken over by another worker`;
  }
}

const summary = (counts: Record<string, number>): string =>
  Object.entries(counts)
    .filter(([, count]) => count > 0)
    .map(([what, count]) => `${count} ${what}`)
    .join(", ");
