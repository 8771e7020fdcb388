import type { Environment } from "../db/environment.ts";
import { pgPool } from "../db/pool.ts";
import { parseServiceTokens } from "../db/service_tokens.ts";
import { parseKeyring } from "../tasks/@credentials/keyring.ts";
import { proveKeyring } from "../tasks/@credentials/prove_keyring.ts";
import { createHttpClient } from "../tasks/@http/client.ts";
import { MonoForPeople } from "../tasks/@linking/mono_for_people.ts";
import { createMonoClient } from "../tasks/@providers/mono/client.ts";
import { INBOUND_CONNECTIONS } from "./connections.ts";
import type { InboundDependencies } from "./inbound.ts";

export type Inbound = InboundDependencies & { close(): Promise<void> };

/**
 * What the internal endpoints and the webhooks need, from the environment. The encryption key is proved before anything is
 * sealed with it. Throws CredentialError where it is not this database's.
 */
export async function openInbound(
  environment: Environment & { DATABASE_URL: string; TIDEMARK_ENCRYPTION_KEYS: string },
  limits: InboundDependencies["limits"] = {},
): Promise<Inbound> {
  const keyring = parseKeyring(environment.TIDEMARK_ENCRYPTION_KEYS);
  const db = pgPool({
    databaseUrl: environment.DATABASE_URL,
    role: "app_service",
    max: INBOUND_CONNECTIONS,
    name: "tidemark server: inbound",
  });
  try {
    await proveKeyring(db, keyring);
  } catch (error) {
    await db.end();
    throw error;
  }
  const http = createHttpClient();
  const { MONO_SECRET_KEY: secretKey, MONO_BASE_URL: baseUrl } = environment;
  return {
    db,
    keyring,
    mono:
      secretKey === undefined
        ? null
        : new MonoForPeople({ client: createMonoClient({ http, baseUrl, secretKey }), db }),
    momo: { baseUrl: environment.MOMO_BASE_URL, targetEnvironment: environment.MOMO_TARGET_ENVIRONMENT },
    serviceTokens:
      environment.TIDEMARK_SERVICE_TOKENS === undefined ? [] : parseServiceTokens(environment.TIDEMARK_SERVICE_TOKENS),
    monoWebhookSecret: environment.MONO_WEBHOOK_SECRET,
    limits,
    async close() {
      await http.close();
      await db.end();
    },
  };
}
